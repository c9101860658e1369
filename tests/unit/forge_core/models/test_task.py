"""The models that a user fills in carry their own help texts and bounds."""

import pytest
from annotated_types import Ge, Gt, Le
from forge_core.models.budget import BudgetConfig
from forge_core.models.call.settings import CallSettings
from forge_core.models.task import ContextConfig, ForgeTaskInput, TaskDefinition, ValidationConfig
from pydantic import BaseModel
from pydantic.fields import FieldInfo

NESTED = {"task", "validation", "context", "budget"}
"""Fields whose models describe themselves."""


@pytest.mark.parametrize(
    "model",
    [ValidationConfig, ContextConfig, BudgetConfig, TaskDefinition, ForgeTaskInput, CallSettings],
    ids=lambda m: m.__name__,
)
def test_every_field_has_a_help_text(model: type[BaseModel]) -> None:
    silent = {name for name, field in model.model_fields.items() if not field.description}

    assert silent <= NESTED


@pytest.mark.parametrize(
    ("field", "bounds"),
    [
        (ValidationConfig.model_fields["test_memory_mb"], {Ge(1)}),
        (ValidationConfig.model_fields["test_timeout_s"], {Gt(0)}),
        (ContextConfig.model_fields["max_import_depth"], {Ge(0), Le(20)}),
        (ForgeTaskInput.model_fields["max_attempts"], {Ge(1), Le(100)}),
    ],
    ids=["optional", "fraction", "depth", "shared"],
)
def test_bounds_can_be_read_from_the_field(field: FieldInfo, bounds: set[object]) -> None:
    metadata = {item for item in field.metadata if isinstance(item, Ge | Gt | Le)}

    assert metadata == bounds


@pytest.mark.parametrize(
    ("fields", "reserve"),
    [
        ({}, 16_000),
        ({"token_budget": 30_000}, 16_000),
        ({"token_budget": 16_000}, 4000),
        ({"token_budget": 8000, "output_reserve": 6000}, 6000),
    ],
)
def test_small_budget_reserves_a_quarter_for_the_answer(
    fields: dict[str, int], reserve: int
) -> None:
    assert ContextConfig(**fields).output_reserve == reserve

"""What the models of forge_core say of what users may set: bounds, defaults and help.

Importing them takes as long as a command that only reads, so this module is imported where a value
is set or described, not where commands begin.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Annotated, Any, Literal, get_args, get_origin

from forge_core.models.budget import BudgetConfig
from forge_core.models.call.settings import CallSettings
from forge_core.models.check import Check
from forge_core.models.task import (
    ContextConfig,
    ForgeTaskInput,
    TaskDefinition,
    ValidationConfig,
)
from pydantic import BaseModel, TypeAdapter, ValidationError
from pydantic.fields import FieldInfo

MODELS: Mapping[str, type[BaseModel]] = {
    "task": TaskDefinition,
    "run": ForgeTaskInput,
    "validation": ValidationConfig,
    "context": ContextConfig,
    "checks": Check,
    "calls": CallSettings,
    "budget": BudgetConfig,
}
"""Models by the table of a configuration file or task file that fills them in."""


@dataclass(frozen=True, slots=True)
class ModelField:
    """One field of a model."""

    info: FieldInfo

    @property
    def help(self) -> str:
        """What users read of it."""
        return " ".join((self.info.description or "").split())

    @property
    def default(self) -> Any:  # noqa: ANN401 - of any field
        """The value where nothing is set; None where there is none."""
        return None if self.info.is_required() else self.info.default

    @property
    def is_whole(self) -> bool:
        """Whether the value is a whole number."""
        return self._is_one(int)

    @property
    def bounds(self) -> Mapping[str, float]:
        """The bounds of a number: `ge`, `gt`, `le` and `lt`, as far as there are any."""
        return {
            name: bound
            for name in ("ge", "gt", "le", "lt")
            for item in self.info.metadata
            if (bound := getattr(item, name, None)) is not None
        }

    @property
    def choices(self) -> Sequence[str]:
        """The words that it takes, where it takes only some."""
        kinds = (self.info.annotation, *get_args(self.info.annotation))
        return [word for kind in kinds if get_origin(kind) is Literal for word in get_args(kind)]

    def describe(self) -> str:
        """Say what it takes: one of some words, true or false, or a number within bounds."""
        if self.choices:
            return f"one of {', '.join(self.choices)}"
        return "true or false" if self._is_one(bool) else self.describe_number()

    def _is_one(self, kind: type) -> bool:
        return kind in (self.info.annotation, *get_args(self.info.annotation))

    def describe_number(self) -> str:
        """Say which numbers it takes, e.g. `a whole number from 1 to 100`."""
        noun, bounds = "a whole number" if self.is_whole else "a number", self.bounds
        if "ge" in bounds and "le" in bounds:
            return f"{noun} from {bounds['ge']} to {bounds['le']}"
        least = f" above {bounds['gt']}" if "gt" in bounds else f", at least {bounds['ge']}"
        return f"{noun}{least}" + (f" and at most {bounds['le']}" if "le" in bounds else "")

    def accepts(self, value: object) -> bool:
        """Return whether a value is one that the model takes, by itself."""
        bounded: Any = self.info.annotation
        if self.info.metadata:
            bounded = Annotated[bounded, *self.info.metadata]
        adapter: TypeAdapter[object] = TypeAdapter(bounded)
        try:
            adapter.validate_python(value, strict=True)
        except ValidationError:
            return False
        return True


@cache
def get_field(key: str) -> ModelField:
    """Return a field by its key, `table.name`."""
    table, _, name = key.partition(".")
    return ModelField(MODELS[table].model_fields[name])

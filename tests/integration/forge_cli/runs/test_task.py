"""Characters per token are measured per model, on calls that a provider answered."""

import os
from pathlib import Path
from typing import Any

import pytest
from forge_cli.runs.task import calibrate, measure_chars_per_token
from forge_cli.store.queries import Store
from forge_core.models.task import ContextConfig, TaskDefinition
from forge_obs import LLMStats
from support.records import record_call

MODEL = "anthropic:writer-1"


def record_calls(*tokens: int, **fields: Any) -> None:
    """Record a call of 1000 characters for each number of input tokens."""
    for number in tokens:
        stats = LLMStats(model_name="writer-1", input_tokens=number, output_tokens=1, latency_ms=1)
        given: dict[str, Any] = {"request_model": MODEL, "stats": stats, **fields}
        record_call(system_prompt="s" * 400, user_prompt="u" * 600, **given)


def test_median_of_a_models_calls_is_measured() -> None:
    record_calls(250, 250, 400, 500, 1000)

    assert measure_chars_per_token(MODEL, Store()) == 2.5


def test_less_than_five_calls_say_nothing() -> None:
    record_calls(250, 250, 250, 250)

    assert measure_chars_per_token(MODEL, Store()) is None


@pytest.mark.parametrize(
    "fields",
    [
        {"origin": "scripted"},
        {"request_model": "anthropic:other"},
        {"status": "error"},
        {"stats": None},
    ],
    ids=["scripted", "another model", "failed", "no tokens reported"],
)
def test_calls_that_say_nothing_of_the_model_are_left_out(fields: dict[str, object]) -> None:
    record_calls(250, 250, 250, 250)
    record_calls(1, 1, 1, 1, **fields)

    assert measure_chars_per_token(MODEL, Store()) is None


def test_absurd_figures_are_bounded() -> None:
    record_calls(1, 1, 1, 1, 1)

    assert measure_chars_per_token(MODEL, Store()) == 10.0


def test_task_takes_the_measured_factor_unless_it_names_one() -> None:
    record_calls(500, 500, 500, 500, 500)
    task = TaskDefinition(task_id="t", description="x")
    named = task.model_copy(update={"context": ContextConfig(chars_per_token=4.0)})

    assert calibrate(task, MODEL, Store()).context.chars_per_token == 2.0
    assert calibrate(named, MODEL, Store()).context.chars_per_token == 4.0


def test_without_a_readable_store_nothing_is_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    Path(os.environ["FORGE_DB_PATH"]).write_bytes(b"no database")
    assert measure_chars_per_token(MODEL, Store()) is None

    monkeypatch.setenv("FORGE_DB_PATH", "")
    assert measure_chars_per_token(MODEL, Store()) is None

"""What spans say of a call, a context and a validation; prompts never."""

import pytest
from forge_core.models.activity import ValidateInput
from forge_core.models.call.context import AssembledContext, ContextStats
from forge_core.models.call.llm import CallUsage
from forge_core.models.result import ValidationResult
from forge_core.models.task import ValidationConfig
from forge_core.tracing.attributes import (
    context_attributes,
    llm_call_attributes,
    validation_attributes,
)

CONTEXT = AssembledContext(
    task_id="add-tests",
    step_id="write",
    sub_task_id="one",
    workflow_id="forge-add-tests-1",
    attempt=2,
    step_attempt=3,
    system_prompt="SECRET system",
    user_prompt="SECRET user",
    context_stats=ContextStats(files_discovered=7, budget_utilization=0.5),
    max_tokens=900,
)
PLANNER_CONTEXT = AssembledContext(
    task_id="add-tests", workflow_id="w", system_prompt="s", user_prompt="u"
)
USAGE = CallUsage(
    model_name="gpt-5-2026",
    input_tokens=100,
    output_tokens=20,
    latency_ms=12.5,
    cache_read_tokens=60,
    cache_write_tokens=10,
    reasoning_tokens=5,
    finish_reason="stop",
)


def test_call_is_described_by_the_genai_conventions() -> None:
    found = llm_call_attributes(CONTEXT, "openai:gpt-5", USAGE)

    assert {name: value for name, value in found.items() if name.startswith("gen_ai.")} == {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "openai",
        "gen_ai.request.model": "gpt-5",
        "gen_ai.request.max_tokens": 900,
        "gen_ai.response.model": "gpt-5-2026",
        "gen_ai.response.finish_reasons": ("stop",),
        "gen_ai.usage.input_tokens": 100,
        "gen_ai.usage.output_tokens": 20,
        "gen_ai.usage.cache_read.input_tokens": 60,
        "gen_ai.usage.cache_creation.input_tokens": 10,
    }


def test_call_says_which_attempt_at_which_unit_it_belongs_to() -> None:
    found = llm_call_attributes(CONTEXT, "openai:gpt-5")

    assert {name: value for name, value in found.items() if name.startswith("forge.")} == {
        "forge.task_id": "add-tests",
        "forge.step_id": "write",
        "forge.sub_task_id": "one",
        "forge.attempt": 2,
        "forge.step_attempt": 3,
        "forge.workflow_id": "forge-add-tests-1",
    }


def test_unanswered_call_has_no_usage() -> None:
    found = llm_call_attributes(CONTEXT, "openai:gpt-5")

    assert not [name for name in found if "usage" in name or "response" in name]


@pytest.mark.parametrize(
    ("model", "provider", "name"),
    [
        ("anthropic:claude", "anthropic", "claude"),
        ("openai-chat:gpt-5", "openai", "gpt-5"),
        ("ollama:llama3:8b", "ollama", "llama3:8b"),
    ],
)
def test_requested_model_is_parted_from_its_provider(model: str, provider: str, name: str) -> None:
    found = llm_call_attributes(CONTEXT, model)

    assert (found["gen_ai.provider.name"], found["gen_ai.request.model"]) == (provider, name)


def test_unknown_finish_reason_is_left_out() -> None:
    usage = USAGE.model_copy(update={"finish_reason": None})

    found = llm_call_attributes(CONTEXT, "openai:gpt-5", usage)

    assert "gen_ai.response.finish_reasons" not in found


def test_tokens_that_a_script_pretends_are_on_no_span() -> None:
    scripted = USAGE.model_copy(update={"origin": "scripted"})

    attributes = llm_call_attributes(CONTEXT, "scripted:play.json", scripted)

    tokens = {name: value for name, value in attributes.items() if name.endswith("_tokens")}
    del tokens["gen_ai.request.max_tokens"]
    assert set(tokens.values()) == {0}


def test_planner_call_has_no_step() -> None:
    found = llm_call_attributes(PLANNER_CONTEXT, "openai:gpt-5")

    assert not {"forge.step_id", "forge.sub_task_id", "forge.step_attempt"} & set(found)


def test_context_reports_its_stats() -> None:
    found = context_attributes(CONTEXT)

    assert found["forge.context.files_discovered"] == 7
    assert found["forge.context.budget_utilization"] == 0.5


def test_prompts_are_on_no_span() -> None:
    found = {**llm_call_attributes(CONTEXT, "openai:gpt-5", USAGE), **context_attributes(CONTEXT)}

    assert "SECRET" not in repr(found)


def test_validation_reports_each_verdict_without_its_output() -> None:
    work = ValidateInput(
        worktree="/w", paths=("a.py",), config=ValidationConfig(), task_id="t", attempt=1
    )
    results = (
        ValidationResult(check_name="ruff_lint", passed=False, summary="1", details="SECRET"),
        ValidationResult(check_name="ruff_format", passed=True, summary="ok"),
    )

    found = validation_attributes(work, results)

    assert found == {
        "forge.task_id": "t",
        "forge.attempt": 1,
        "forge.files": 1,
        "forge.check.ruff_lint.passed": False,
        "forge.check.ruff_format.passed": True,
    }

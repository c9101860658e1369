"""What spans say of a call, a context and a validation besides their content."""

import pytest
from forge_core.models.activity import ValidateInput
from forge_core.models.call.context import AssembledContext, ContextStats
from forge_core.models.call.llm import CallUsage
from forge_core.models.result import ValidationResult
from forge_core.models.task import ValidationConfig
from forge_core.tracing.attributes import (
    CallTotals,
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
UNREPORTED = CallUsage(model_name="gpt-5-2026", latency_ms=3.0)


def add_up(*usages: CallUsage | None) -> CallTotals:
    """Add requests up, the last of which has brought an answer if any did."""
    totals = CallTotals()
    for usage in usages:
        totals = totals.add_request(usage)
        if usage is not None:
            totals = totals.take_answer(usage, "resp-1")
    return totals


def test_call_is_described_by_the_genai_conventions() -> None:
    found = llm_call_attributes(CONTEXT, "openai:gpt-5", add_up(USAGE))

    assert {name: value for name, value in found.items() if name.startswith("gen_ai.")} == {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "openai",
        "gen_ai.request.model": "gpt-5",
        "gen_ai.request.max_tokens": 900,
        "gen_ai.conversation.id": "forge-add-tests-1",
        "gen_ai.response.id": "resp-1",
        "gen_ai.response.model": "gpt-5-2026",
        "gen_ai.response.finish_reasons": ("stop",),
        "gen_ai.usage.input_tokens": 100,
        "gen_ai.usage.output_tokens": 20,
        "gen_ai.usage.cache_read.input_tokens": 60,
        "gen_ai.usage.cache_creation.input_tokens": 10,
        "gen_ai.usage.cache_write.input_tokens": 10,
        "gen_ai.usage.reasoning.output_tokens": 5,
    }


def test_streamed_answer_says_when_it_began() -> None:
    streamed = USAGE.model_copy(update={"first_token_ms": 250.0})

    found = llm_call_attributes(CONTEXT, "openai:gpt-5", add_up(streamed))

    assert found["gen_ai.request.stream"] is True
    assert found["gen_ai.response.time_to_first_chunk"] == 0.25


def test_call_carries_the_sum_of_all_its_requests() -> None:
    found = llm_call_attributes(CONTEXT, "openai:gpt-5", add_up(USAGE, USAGE, None, USAGE))

    assert found["gen_ai.usage.input_tokens"] == 300
    assert found["gen_ai.usage.output_tokens"] == 60
    assert found["gen_ai.usage.cache_read.input_tokens"] == 180
    assert found["forge.requests"] == 4
    assert found["forge.requests.unmeasured"] == 1


@pytest.mark.parametrize("usage", [None, UNREPORTED], ids=["nothing came", "no tokens reported"])
def test_unknown_usage_is_not_zero(usage: CallUsage | None) -> None:
    found = llm_call_attributes(CONTEXT, "openai:gpt-5", add_up(usage))

    assert not [name for name in found if name.startswith("gen_ai.usage")]
    assert found["forge.requests.unmeasured"] == 1


def test_call_whose_last_request_failed_keeps_its_last_answer() -> None:
    found = llm_call_attributes(CONTEXT, "openai:gpt-5", add_up(USAGE, None))

    assert found["gen_ai.response.model"] == "gpt-5-2026"
    assert found["gen_ai.usage.input_tokens"] == 100


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
        ("bedrock:nova", "aws.bedrock", "nova"),
        ("azure:gpt-5", "azure.ai.openai", "gpt-5"),
        ("scripted:/home/somebody/play.json", "scripted", "play.json"),
    ],
)
def test_requested_model_is_parted_from_its_provider(model: str, provider: str, name: str) -> None:
    found = llm_call_attributes(CONTEXT, model)

    assert (found["gen_ai.provider.name"], found["gen_ai.request.model"]) == (provider, name)


def test_unknown_finish_reason_is_left_out() -> None:
    usage = USAGE.model_copy(update={"finish_reason": None})

    found = llm_call_attributes(CONTEXT, "openai:gpt-5", add_up(usage))

    assert "gen_ai.response.finish_reasons" not in found


def test_tokens_that_a_script_pretends_are_on_no_span() -> None:
    scripted = USAGE.model_copy(update={"origin": "scripted", "first_token_ms": 9.0})

    attributes = llm_call_attributes(CONTEXT, "scripted:play.json", add_up(scripted))

    tokens = {name: value for name, value in attributes.items() if name.endswith("_tokens")}
    del tokens["gen_ai.request.max_tokens"]
    assert set(tokens.values()) == {0}
    assert "gen_ai.response.time_to_first_chunk" not in attributes


def test_planner_call_has_no_step() -> None:
    found = llm_call_attributes(PLANNER_CONTEXT, "openai:gpt-5")

    assert not {"forge.step_id", "forge.sub_task_id", "forge.step_attempt"} & set(found)


def test_context_reports_its_stats() -> None:
    found = context_attributes(CONTEXT)

    assert found["forge.context.files_discovered"] == 7
    assert found["forge.context.budget_utilization"] == 0.5


def test_attributes_hold_no_prompt() -> None:
    call = llm_call_attributes(CONTEXT, "openai:gpt-5", add_up(USAGE))
    found = {**call, **context_attributes(CONTEXT)}

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

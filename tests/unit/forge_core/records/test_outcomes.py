"""What checks and failures say of an answer, and why a run ended."""

import pytest
from forge_core.llm.errors import ModelFailure
from forge_core.llm.request import ModelAnswer
from forge_core.models.call.llm import CallUsage
from forge_core.models.ids import build_entry_id
from forge_core.models.result import StepResult, TaskResult, ValidationResult
from forge_core.records.outcomes import Verdict, judge_checks, judge_failure, shorten_reason
from forge_core.records.run_record import find_reason

LINT = ValidationResult(
    check_name="ruff_lint", passed=False, summary="2 findings", details="a.py:1:8 F401\nb.py:2"
)
TESTS = ValidationResult(check_name="tests", passed=False, summary="failed", details="=== pytest")
FINE = ValidationResult(check_name="ruff_format", passed=True, summary="formatted")
UNMADE = TESTS.model_copy(update={"unusable": True})
ANSWER = ModelAnswer("text", CallUsage(model_name="m"))


def test_checks_that_pass_accept() -> None:
    assert judge_checks([FINE]) == judge_checks([]) == Verdict("accepted")


def test_first_failed_check_is_the_reason() -> None:
    verdict = judge_checks([FINE, LINT, TESTS])

    assert verdict == Verdict("refused", "ruff_lint: a.py:1:8 F401", (LINT, TESTS))


def test_check_that_could_not_be_made_refuses_nothing_and_is_named() -> None:
    assert judge_checks([FINE, UNMADE]) == Verdict(None, "tests: failed", (UNMADE,))
    refused = judge_checks([UNMADE, LINT])
    assert refused == Verdict("refused", "ruff_lint: a.py:1:8 F401", (UNMADE, LINT))


def test_failure_without_an_answer_has_no_outcome() -> None:
    assert judge_failure(ModelFailure("timeout", "too late")) is None


def test_words_of_a_server_that_turns_a_request_down_are_no_answer() -> None:
    words = ModelAnswer('{"error": "slow down"}', CallUsage(model_name="m"))

    assert judge_failure(ModelFailure("rate_limited", "slow down", answer=words)) is None


def test_what_a_model_said_before_its_server_failed_is_an_unusable_answer() -> None:
    cut = ModelAnswer('{"fil', CallUsage(model_name="m", output_tokens=3))

    verdict = judge_failure(ModelFailure("server_error", "broke off", answer=cut))

    assert verdict == Verdict("unusable", "broke off")


def test_answer_that_was_read_is_refused_and_any_other_unusable() -> None:
    failure = ModelFailure("invalid_output", "does not fit", answer=ANSWER)
    assert judge_failure(failure) == Verdict("unusable", "does not fit")

    failure.was_read = True
    assert judge_failure(failure) == Verdict("refused", "does not fit")


@pytest.mark.parametrize(
    ("result", "status", "reason"),
    [
        ({"error": "boom"}, "success", None),
        ({"error": "boom"}, "running", None),
        ({"error": "boom\nat line 1"}, "error", "boom"),
        ({"error": "cancelled", "validation_results": (LINT,)}, "cancelled", "cancelled"),
        ({"validation_results": (FINE, TESTS)}, "failure_terminal", "tests: failed"),
        ({"validation_results": (LINT, UNMADE)}, "failure_terminal", "tests: failed"),
        ({"error": "step a: no files"}, "failure_terminal", "step a: no files"),
        ({}, "failure_terminal", None),
    ],
    ids=range(8),
)
def test_reason_is_the_first_finding_or_the_error(
    result: dict[str, object], status: str, reason: str | None
) -> None:
    ended = TaskResult.model_validate({"task_id": "t", "status": "failure_terminal", **result})

    assert find_reason(status, ended) == reason  # type: ignore[arg-type]


def test_reason_names_the_step() -> None:
    step = StepResult(step_id="a", status="failure_terminal")
    ended = TaskResult(
        task_id="t", status="failure_terminal", step_results=(step,), validation_results=(LINT,)
    )

    assert find_reason("failure_terminal", ended) == "step a: ruff_lint: a.py:1:8 F401"


def test_reason_is_one_line_of_bounded_length() -> None:
    assert shorten_reason("\n  first \nsecond") == "first"
    assert len(shorten_reason("x" * 1000)) == 500


def test_request_has_one_id_however_often_it_is_named() -> None:
    ids = {build_entry_id("r", "5", attempt, seq) for attempt in (1, 2) for seq in (0, 1)}

    assert len(ids) == 4
    assert build_entry_id("r", "5", 1, 0) in ids
    assert all(len(entry_id) == 32 for entry_id in ids)

"""What an attempt leads to is decided by values alone."""

from datetime import UTC, datetime

import pytest
from forge_core.models.call.llm import FileEdit, FileOutput, FileRename, LLMResponse
from forge_core.models.result import AttemptResult, TransitionSignal, ValidationResult
from forge_core.models.unit import AttemptFailure
from forge_core.workflows.transition import (
    SHOWN_FILES_LIMIT,
    Fault,
    build_attempt_failure,
    build_commit_subject,
    describe_failure,
    evaluate_transition,
    find_error_type,
    is_final,
    read_call_fault,
)
from forge_obs import LLMStats
from temporalio.exceptions import ActivityError, ApplicationError, RetryState

PASSED = ValidationResult(check_name="ruff_lint", passed=True, summary="clean")
FAILED = ValidationResult(check_name="tests", passed=False, summary="exit 1")
UNUSABLE = ValidationResult(check_name="tests", passed=False, summary="exit 127", unusable=True)


def make_activity_error(cause: BaseException) -> ActivityError:
    error = ActivityError(
        "Activity task failed",
        scheduled_event_id=1,
        started_event_id=2,
        identity="",
        activity_type="call_llm",
        activity_id="1",
        retry_state=RetryState.NON_RETRYABLE_FAILURE,
    )
    error.__cause__ = cause
    return error


def make_attempt(error_type: str | None) -> AttemptResult:
    return AttemptResult(
        attempt=1,
        signal="failure_terminal",
        error_type=error_type,
        started_at=datetime(2026, 1, 1, tzinfo=UTC),
    )


@pytest.mark.parametrize(
    ("results", "fault", "attempt", "signal"),
    [
        pytest.param([PASSED], None, 1, "success", id="all checks passed"),
        pytest.param([], None, 1, "success", id="no checks"),
        pytest.param([PASSED, FAILED], None, 1, "failure_retryable", id="a check failed"),
        pytest.param([FAILED], None, 2, "failure_terminal", id="attempts used up"),
        pytest.param([PASSED, UNUSABLE], None, 1, "failure_terminal", id="a check could not run"),
        pytest.param([], Fault("no files"), 1, "failure_retryable", id="fault"),
        pytest.param([], Fault("401", terminal=True), 1, "failure_terminal", id="hopeless"),
    ],
)
def test_transition_follows_checks_faults_and_attempts(
    results: list[ValidationResult], fault: Fault | None, attempt: int, signal: TransitionSignal
) -> None:
    assert evaluate_transition(results, fault, attempt, max_attempts=2) == signal


def test_check_that_could_not_run_makes_the_failure_final() -> None:
    error_type = find_error_type([UNUSABLE], None)

    assert is_final([make_attempt(error_type)])
    assert find_error_type([FAILED], None) is None
    assert find_error_type([UNUSABLE], Fault("401", "llm.authentication")) == "llm.authentication"


@pytest.mark.parametrize(
    ("error_type", "terminal"),
    [
        ("llm.authentication", True),
        ("llm.invalid_output", False),
        ("BudgetExceeded", True),
        ("payload_too_large", True),
    ],
)
def test_failed_call_is_the_attempts_fault(error_type: str, terminal: bool) -> None:
    error = make_activity_error(ApplicationError("said why", type=error_type))

    assert read_call_fault(error) == Fault("said why", error_type, terminal=terminal)


def test_figures_of_a_failed_call_that_was_answered_are_kept() -> None:
    stats = LLMStats(model_name="m", input_tokens=9, output_tokens=2, latency_ms=5.0)
    error = ApplicationError("cut off", stats.model_dump(), type="llm.truncated")

    fault = read_call_fault(make_activity_error(error))

    assert fault is not None
    assert fault.llm_stats == stats


def test_failure_of_git_is_not_the_attempts_fault() -> None:
    assert read_call_fault(make_activity_error(ApplicationError("x", type="GitFailed"))) is None
    assert read_call_fault(make_activity_error(RuntimeError("x"))) is None


def test_only_faults_that_no_attempt_mends_are_final() -> None:
    assert is_final([make_attempt("llm.authentication")])
    assert not is_final([make_attempt("llm.invalid_output")])
    assert not is_final([make_attempt(None)])
    assert not is_final([])


def test_failure_is_described_in_one_line() -> None:
    assert describe_failure([PASSED, FAILED], None) == "validation failed (tests: exit 1)"
    assert describe_failure([], Fault("the answer holds no files")) == "the answer holds no files"
    assert describe_failure([PASSED], None) is None


def test_large_answers_are_not_shown_again() -> None:
    half = "x" * (SHOWN_FILES_LIMIT // 2 + 1)
    answer = LLMResponse(
        files=(FileOutput(file_path="a", content=half),),
        edits=(FileEdit(file_path="b", search=half, replace=""),),
    )

    failure = build_attempt_failure(1, [FAILED], None, answer)

    assert (failure.files, failure.edits) == ((), ())
    assert failure.failed_checks == (FAILED,)


def test_small_answer_is_shown_again_whole() -> None:
    answer = LLMResponse(
        files=(FileOutput(file_path="a", content="x"),),
        edits=(FileEdit(file_path="b", search="x", replace=""),),
        deletions=("c",),
        renames=(FileRename(file_path="d", new_path="e"),),
    )

    failure = build_attempt_failure(1, [FAILED], None, answer)

    assert (failure.files, failure.edits) == (answer.files, answer.edits)
    assert (failure.deletions, failure.renames) == (answer.deletions, answer.renames)


def test_commit_subject_is_the_first_line_of_the_description() -> None:
    text = "\nAdd it.\nThen more."

    assert build_commit_subject("parse", text, "success") == "parse: Add it."
    assert build_commit_subject("parse", text, "failure_terminal") == "parse (failed): Add it."
    assert build_commit_subject("parse", " \n", "success") == "parse"


STOOD = ValidationResult(check_name="tests", passed=False, summary="exit 1", stood_before=True)
OTHER = ValidationResult(check_name="tests", passed=False, summary="exit 1")
BESIDE = STOOD.model_copy(update={"beside_task": True})
LINT = ValidationResult(check_name="ruff_lint", passed=False, summary="1 finding")


@pytest.mark.parametrize(
    ("before", "now", "signal"),
    [
        pytest.param(STOOD, STOOD, "failure_terminal", id="no difference twice"),
        pytest.param(OTHER, STOOD, "failure_retryable", id="once only"),
        pytest.param(STOOD, OTHER, "failure_retryable", id="a difference"),
    ],
)
def test_attempts_end_where_what_is_written_makes_no_difference(
    before: ValidationResult, now: ValidationResult, signal: str
) -> None:
    previous = AttemptFailure(attempt=1, failed_checks=(before,))

    assert evaluate_transition((now,), None, 2, 5, previous) == signal


def test_tests_that_the_task_is_not_about_end_the_unit_at_once() -> None:
    assert evaluate_transition((BESIDE,), None, 1, 5) == "failure_terminal"
    assert find_error_type((BESIDE,), None) == "TestsFailBefore"


def test_what_the_next_attempt_can_mend_is_mended_first() -> None:
    assert evaluate_transition((BESIDE, LINT), None, 1, 5) == "failure_retryable"
    assert find_error_type((BESIDE, LINT), None) is None

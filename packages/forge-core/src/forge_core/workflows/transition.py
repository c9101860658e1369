"""Pure decisions between attempts: what an outcome leads to, what the next prompt says."""

from collections.abc import Sequence
from dataclasses import dataclass

from forge_obs import LLMStats
from temporalio.exceptions import ActivityError, ApplicationError, FailureError

from forge_core.models.call.llm import LLMResponse
from forge_core.models.result import AttemptResult, TransitionSignal, ValidationResult
from forge_core.models.unit import AttemptFailure
from forge_core.temporal_client.payload_size import TOO_LARGE

RETRYABLE_CALL_ERRORS = frozenset({"llm.invalid_output"})
"""Failed calls after which another attempt may help."""

TERMINAL_ERRORS = frozenset({"BudgetExceeded", TOO_LARGE})
"""Failures of an activity that are the task's own: it asks for more than there is room for."""

CHECK_UNUSABLE = "CheckUnusable"
"""Kind of the error of an attempt that could not be checked."""

TESTS_FAIL_BEFORE = "TestsFailBefore"
"""Kind of the error of an attempt that fails only by tests which its task is not about."""

SHOWN_FILES_LIMIT = 200_000
"""Characters of a refused answer up to which the next prompt shows it again."""

NOTHING = LLMResponse(files=())


@dataclass(frozen=True, slots=True)
class Fault:
    """Why an attempt has nothing to validate."""

    message: str
    type: str | None = None
    terminal: bool = False
    """Another attempt cannot help."""
    llm_stats: LLMStats | None = None
    """What the call took all the same, where a model answered."""


def evaluate_transition(
    results: Sequence[ValidationResult],
    fault: Fault | None,
    attempt: int,
    max_attempts: int,
    previous: AttemptFailure | None = None,
) -> TransitionSignal:
    """Decide what an attempt leads to.

    Args:
        results: Of its checks.
        fault: Why there was nothing to check.
        attempt: Its number.
        max_attempts: How many there may be.
        previous: How the one before failed.
    """
    if fault is None and all(result.passed for result in results):
        return "success"
    if previous is not None and fault is None and _make_no_difference(results, previous):
        return "failure_terminal"
    if (fault is not None and fault.terminal) or find_error_type(results, fault=None):
        return "failure_terminal"
    if attempt >= max_attempts:
        return "failure_terminal"
    return "failure_retryable"


def _make_no_difference(results: Sequence[ValidationResult], previous: AttemptFailure) -> bool:
    """Return whether what failed twice now fails in the same way without any change. See D75."""
    failed = [result for result in results if not result.passed]
    before = previous.failed_checks
    return bool(failed and before) and all(result.stood_before for result in (*failed, *before))


def is_unusable(results: Sequence[ValidationResult]) -> bool:
    """Return whether a check could not be made, which is no fault of what was written."""
    return any(result.unusable for result in results)


def find_error_type(results: Sequence[ValidationResult], fault: Fault | None) -> str | None:
    """Return the kind of an attempt's error; None for checks that failed by its fault."""
    if fault is not None:
        return fault.type
    if is_unusable(results):
        return CHECK_UNUSABLE
    failed = [result for result in results if not result.passed]
    beside = bool(failed) and all(result.beside_task for result in failed)
    return TESTS_FAIL_BEFORE if beside else None


def find_cause(error: FailureError) -> BaseException | None:
    """Return what a failed activity raised: the SDK does not wrap what a local one did."""
    return error.cause if isinstance(error, ActivityError) else error


def read_call_fault(error: FailureError) -> Fault | None:
    """Read a failed activity as the attempt's fault; None if it is not the attempt's."""
    cause = find_cause(error)
    if not isinstance(cause, ApplicationError) or cause.type is None:
        return None
    if not (cause.type.startswith("llm.") or cause.type in TERMINAL_ERRORS):
        return None
    stats = cause.details[0] if cause.details else None
    return Fault(
        cause.message,
        cause.type,
        terminal=cause.type not in RETRYABLE_CALL_ERRORS,
        llm_stats=None if stats is None else LLMStats.model_validate(stats),
    )


def is_final(attempts: Sequence[AttemptResult]) -> bool:
    """Return whether the last attempt failed in a way that no further attempt can fix."""
    error_type = attempts[-1].error_type if attempts else None
    return error_type is not None and error_type not in RETRYABLE_CALL_ERRORS


def describe_failure(results: Sequence[ValidationResult], fault: Fault | None) -> str | None:
    """Return why an attempt failed, in one line; None if it did not."""
    if fault is not None:
        return fault.message
    failed = [f"{result.check_name}: {result.summary}" for result in results if not result.passed]
    return "validation failed (" + "; ".join(failed) + ")" if failed else None


def build_attempt_failure(
    attempt: int,
    results: Sequence[ValidationResult],
    fault: Fault | None,
    response: LLMResponse | None,
) -> AttemptFailure:
    """Collect what the next attempt needs to know.

    Args:
        attempt: The one that failed.
        results: Of its checks.
        fault: Why there was nothing to check.
        response: The answer, if there was one and it was no step's sub-tasks.
    """
    shown = response if response is not None and _is_small(response) else NOTHING
    return AttemptFailure(
        attempt=attempt,
        error=fault.message if fault is not None else None,
        failed_checks=tuple(result for result in results if not result.passed),
        files=shown.files,
        edits=shown.edits,
        deletions=shown.deletions,
        renames=shown.renames,
    )


def _is_small(response: LLMResponse) -> bool:
    written = sum(len(file.content) for file in response.files)
    said = sum(len(edit.search) + len(edit.replace) for edit in response.edits)
    return written + said <= SHOWN_FILES_LIMIT


def build_commit_subject(label: str, description: str, signal: TransitionSignal) -> str:
    """Build the subject of a unit's commit; that of a failed attempt says so."""
    name = label if signal == "success" else f"{label} (failed)"
    lines = [line.strip() for line in description.splitlines() if line.strip()]
    return f"{name}: {lines[0]}" if lines else name

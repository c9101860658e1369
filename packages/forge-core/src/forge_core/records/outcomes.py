"""What became of a model's answer, put beside its request on record.

See D80.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from forge_obs import record
from pydantic import BaseModel

from forge_core.llm.errors import FailureKind, ModelFailure
from forge_core.models.call.llm import NO_FILES, LLMResponse
from forge_core.models.finding import describe_finding
from forge_core.models.plan import Plan
from forge_core.models.result import ValidationResult

Outcome = Literal["accepted", "refused", "unusable", "asked"]
"""Taken; turned back for what it says, by us or by a check; nothing that could be read; or a
request for more context instead."""

ACCEPTED: Outcome = "accepted"

TURNED_DOWN: frozenset[FailureKind] = frozenset(
    [
        "authentication",
        "context_too_long",
        "not_configured",
        "not_found",
        "overloaded",
        "quota",
        "rate_limited",
        "rejected",
        "server_error",
        "wrong_address",
    ]
)
"""Kinds of failures where a server turns a request down, so that what came is its words alone."""

REASON_LENGTH = 500
"""Characters of a reason that are kept."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of an answer, and why."""

    outcome: Outcome | None
    """None leaves what is known."""
    reason: str | None = None
    failed_checks: tuple[ValidationResult, ...] = ()
    commit_sha: str | None = None
    """The commit that holds what the answer changed."""


def judge_answer(output: BaseModel, told: str = "") -> Verdict | None:
    """Return what becomes of an answer that fits; None where that is still to be seen.

    Args:
        output: The answer.
        told: What it asked for instead of answering, and was shown; empty where it answers.
    """
    if told:
        return Verdict("asked", told)
    if isinstance(output, Plan):
        return Verdict("accepted")
    if isinstance(output, LLMResponse) and not (output.changes_files or output.untouched):
        return Verdict("unusable", NO_FILES)
    return None


def judge_failure(failure: ModelFailure) -> Verdict | None:
    """Return what becomes of an answer that a failure brought; None if no model gave one."""
    answer = failure.answer
    if answer is None or (failure.kind in TURNED_DOWN and not answer.usage.output_tokens):
        return None
    return Verdict("refused" if failure.was_read else "unusable", str(failure))


def judge_checks(results: Sequence[ValidationResult]) -> Verdict:
    """Return what checks say of an answer; one that could not be made is only the reason."""
    failed = tuple(result for result in results if not result.passed)
    if not failed:
        return Verdict("accepted")
    refusing = next((result for result in failed if not result.unusable), None)
    if refusing is None:
        return Verdict(None, describe_check(failed[0]), failed)
    return Verdict("refused", describe_check(refusing), failed)


def describe_check(result: ValidationResult) -> str:
    """Return what a check found, in one line."""
    return describe_finding(result.check_name, result.summary, result.details)


def shorten_reason(text: str) -> str:
    """Return the first line of a text, as far as it is kept."""
    line = next((line.strip() for line in text.splitlines() if line.strip()), "")
    return line if len(line) <= REASON_LENGTH else line[: REASON_LENGTH - 1] + "…"


def record_outcome(entry_ids: Sequence[str], verdict: Verdict | None) -> None:
    """Put a verdict beside each of the requests; waits for the store, at most some seconds."""
    if verdict is None or verdict == Verdict(None):
        return
    for entry_id in entry_ids:
        record(
            "outcome",
            entry_id=entry_id,
            outcome=verdict.outcome,
            reason=None if verdict.reason is None else shorten_reason(verdict.reason),
            failed_checks=list(verdict.failed_checks) or None,
            commit_sha=verdict.commit_sha,
        )

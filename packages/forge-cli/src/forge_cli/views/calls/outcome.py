"""What became of a call's answer, in one word, and why; pure."""

from dataclasses import dataclass

from forge_obs import STARTED, Interaction

from forge_cli.views.outline import AttemptOutline, find_asked

UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of an answer."""

    word: str
    """`accepted`, `refused`, `unusable`, `failed`, `asked back`, `answered` or `unknown`."""
    reason: str = ""
    """Why; empty where there is nothing to say."""

    @property
    def is_failure(self) -> bool:
        """Whether nothing came of the call, or nobody knows what did."""
        return self.word in FAILURES

    @property
    def style(self) -> str:
        """The status in whose colour it is shown."""
        return STYLES.get(self.word, "warning")


STYLES = {"accepted": "success", "answered": "answered", "asked back": "answered"}
STYLES |= dict.fromkeys(("refused", "unusable", "failed"), "failed")

FAILURES = frozenset({"refused", "unusable", "failed", UNKNOWN})
"""Words for a call of which nothing came, as far as anybody knows."""


def judge_call(call: Interaction, attempt: AttemptOutline | None = None) -> Outcome:
    """Say what became of a call's answer.

    Args:
        call: The call.
        attempt: The attempt that it belongs to, for what older records do not say of the call.
    """
    if call.status == STARTED:
        return Outcome(UNKNOWN, "the request was sent, but no answer is on record")
    if call.status == "error" and call.outcome is None:
        reason = ": ".join(part for part in (call.error_type, call.error) if part)
        return Outcome("failed", reason)
    asked = find_asked(call)
    if asked:
        return Outcome("asked back", asked)
    if call.outcome is not None:
        return Outcome(call.outcome, call.outcome_reason or call.error or "")
    if call.outcome_reason:  # a check that could not be made
        return Outcome("answered", call.outcome_reason)
    return _judge_attempt(call, attempt)


def _judge_attempt(call: Interaction, attempt: AttemptOutline | None) -> Outcome:
    is_last = attempt is not None and [last.id for last in attempt.calls[-1:]] == [call.id]
    result = attempt.result if attempt is not None and is_last else None
    if result is None:
        return Outcome("answered")
    if result.signal == "success":
        return Outcome("accepted")
    if result.failed_checks and all(check.unusable for check in result.failed_checks):
        return Outcome("answered", result.reason)
    failed = next((f"{c.name}: {c.summary}" for c in result.failed_checks), result.error or "")
    return Outcome("refused", failed)

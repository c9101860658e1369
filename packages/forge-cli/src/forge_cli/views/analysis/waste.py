"""What was paid for nothing, by what caused it; pure."""

from collections.abc import Iterator
from dataclasses import dataclass

from forge_obs import Interaction

from forge_cli.views.costs import Prices, Tally, tally_calls
from forge_cli.views.outline import AttemptOutline, Outline

SIBLING = "another part of its step failed"
UNFINISHED = "the run ended before the attempt did"
UNANSWERED = "no answer is on record"


@dataclass(frozen=True, slots=True)
class Waste:
    """Calls that were paid for nothing for one reason."""

    cause: str
    tally: Tally


def sum_waste(outline: Outline, prices: Prices) -> list[Waste]:
    """Sum the calls that were paid for nothing, by their cause, the most tokens first."""
    by_cause: dict[str, list[Interaction]] = {}
    for cause, call in _list_wasted(outline):
        by_cause.setdefault(cause, []).append(call)
    sums = [Waste(cause, tally_calls(calls, prices)) for cause, calls in by_cause.items()]
    return sorted(sums, key=lambda waste: (-waste.tally.tokens, -waste.tally.calls, waste.cause))


def _list_wasted(outline: Outline) -> Iterator[tuple[str, Interaction]]:
    for call in outline.planner:
        if call.status == "error":
            yield _name_failure(call), call
    for attempt in outline.list_attempts():
        cause = _name_refusal(attempt)
        for call in attempt.wasted_calls:
            yield (_name_failure(call) if call.status == "error" else cause), call


def _name_failure(call: Interaction) -> str:
    """Name why a request came to nothing, by its kind and not by its words."""
    if call.outcome == "unusable":
        return "the answer could not be used"
    return f"the request failed: {call.error_type or 'unknown'}"


def _name_refusal(attempt: AttemptOutline) -> str:
    result = attempt.result
    if attempt.state == "success":
        return SIBLING
    if result is None:
        return UNFINISHED if attempt.calls else UNANSWERED
    if result.failed_checks:
        return f"{result.failed_checks[0].name} failed"
    return "the answer was refused"

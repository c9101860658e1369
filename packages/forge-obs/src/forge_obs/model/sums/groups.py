"""What calls that are added up are grouped by; pure."""

from datetime import datetime
from typing import Final, Literal, TypeAlias

from forge_obs.model.columns import STARTED
from forge_obs.model.rows import NO_TIME, Interaction
from forge_obs.model.sanitize import format_time

Grouping: TypeAlias = Literal[
    "model", "role", "step", "task", "hour", "quarter", "outcome", "error", "session"
]
"""What calls are grouped by: `hour` and `quarter` are of UTC, for days of any time zone."""

REFUSED_BY_CHECKS: Final = "refused by checks"
REFUSED: Final = "refused: does not fit the files"
UNUSABLE: Final = "unusable answer"
NO_OUTCOME: Final = "no outcome on record"
UNNAMED: Final = "error"
"""How a call failed of which nothing else is known."""

JUDGED: Final = ("accepted", "refused", "unusable")
"""Outcomes of answers; a request for context is none."""

TURNED_BACK: Final = ("refused", "unusable")
"""Outcomes of answers that were not taken."""

ERROR_LENGTH: Final = 200
"""Characters of an error that tell its kind where no type does."""


def find_group(call: Interaction, by: Grouping | None) -> str | None:
    """Return the group of a single call; None where it has nothing to be grouped by."""
    match by:
        case None:
            return None
        case "model":
            return call.request_model or call.model_name or None
        case "hour" | "quarter":
            return _name_hour(call.created_at, by)
        case "outcome":
            return name_outcome(call.status, call.outcome)
        case "error":
            error = call.error_type or (call.error or "")[:ERROR_LENGTH]
            has_checks = call.failed_checks_json is not None
            return name_failure(call.status, error, call.outcome, has_checks=has_checks)
        case "role":
            return call.role or None
        case _:
            name: str | None = getattr(call, f"{by}_id")
            return name or None


def _name_hour(moment: datetime, by: Grouping) -> str | None:
    if moment == NO_TIME:
        return None
    text = format_time(moment)
    return text[:13] if by == "hour" else f"{text[:14]}{moment.minute // 15 * 15:02}"


def name_outcome(status: str, outcome: str | None) -> str:
    """Return what became of a call: of its answer if it has one, else of the request."""
    return status if outcome is None else outcome


def name_failure(
    status: str, error: str | None, outcome: str | None, *, has_checks: bool
) -> str | None:
    """Return how a call failed, by kind; None for one that did not.

    Args:
        status: As stored.
        error: Type of its error, or the beginning of its text where that is unknown.
        outcome: What became of its answer.
        has_checks: Whether checks of its answer failed.
    """
    if outcome == "unusable":
        return UNUSABLE
    if status == "error":
        return error or UNNAMED
    if status == STARTED:
        return NO_OUTCOME
    if outcome == "refused":
        return REFUSED_BY_CHECKS if has_checks else REFUSED
    return None

"""Moments as users write them: ``2h`` ago, or a day; pure."""

import re
from datetime import UTC, datetime, timedelta

from forge_core.errors import UsageError

UNITS = {
    "s": timedelta(seconds=1),
    "m": timedelta(minutes=1),
    "min": timedelta(minutes=1),
    "h": timedelta(hours=1),
    "d": timedelta(days=1),
    "w": timedelta(weeks=1),
}
"""Lengths of time by their unit."""

AGE = re.compile(r"(\d{1,9})\s*([a-z]+)", re.ASCII)


def parse_since(text: str, now: datetime, option: str = "--since") -> datetime:
    """Read an age before now, or a moment; one without a time zone is UTC.

    Args:
        text: What the user wrote.
        now: The current moment.
        option: Where it was written, for the message.

    Raises:
        UsageError: It is neither.
    """
    age = AGE.fullmatch(text.strip().lower())
    try:
        if age is not None:
            return now - int(age[1]) * UNITS[age[2]]
        moment = datetime.fromisoformat(text.strip())
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    except (KeyError, OverflowError, ValueError):
        raise UsageError(
            f"{option} {text!r} is neither an age such as 30m, 2h or 7d, nor a moment such as "
            "2026-11-01 or 2026-11-01T12:00Z"
        ) from None

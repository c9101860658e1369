"""Ages and moments in options: days are the user's, and nothing is guessed."""

from datetime import UTC, datetime

import pytest
from forge_cli.options.types import parse_since
from forge_core.errors import UsageError
from support.time_zone import local_time

NOW = datetime(2026, 11, 3, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("30m", "2026-11-03 11:30"),
        ("2 H", "2026-11-03 10:00"),
        ("1d", "2026-11-02 12:00"),
        ("2W", "2026-10-20 11:00"),  # the clocks went back an hour on 25 October
        ("today", "2026-11-02 23:00"),
        ("Yesterday", "2026-11-01 23:00"),
        ("2026-11-01", "2026-10-31 23:00"),
        ("2026-11-01T12:00", "2026-11-01 11:00"),
        ("2026-11-01T12:00Z", "2026-11-01 12:00"),
        ("2026-07-01T00:00-05:00", "2026-07-01 05:00"),
    ],
)
def test_days_and_times_are_those_of_the_users_clock(text: str, moment: str) -> None:
    with local_time("Europe/Berlin"):
        assert f"{parse_since(text, NOW):%Y-%m-%d %H:%M}" == moment


def test_capital_m_may_be_a_month_and_is_refused() -> None:
    with pytest.raises(UsageError, match=r"--older-than '1M' is ambiguous: write 1m for minutes"):
        parse_since("1M", NOW, "--older-than")


@pytest.mark.parametrize(
    "text", ["", "1", "1y", "1mo", "-1d", "999999999d", "0001-01-01", "9999-12-31T24:00"]
)
def test_anything_else_is_named_with_the_ways_out(text: str) -> None:
    with local_time("Asia/Tokyo"), pytest.raises(UsageError, match="such as 30m, 2h or 7d"):
        parse_since(text, NOW)

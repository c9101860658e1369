"""What a receiver tells of its work while it goes on; pure but for its own counts."""

import threading
from collections import Counter
from collections.abc import Iterable
from typing import Final

from forge_cli.escape import escape_line

EVERY_S: Final = 5.0
"""Lines of a kind are printed at most this often."""

MOST_NAMED: Final = 3
"""Programs that one line names."""

LONGEST_NAME: Final = 60

MOST_PROGRAMS: Final = 20
"""Programs that are told apart until the next line, and reasons."""

UNNAMED: Final = "a program without a name"
OTHERS: Final = "others"


class Tally:
    """Counts calls by program, and what was not taken by its reason; any thread may count.

    Args:
        now: Seconds on a clock that only goes forward.
    """

    def __init__(self, now: float) -> None:
        self._lock = threading.Lock()
        self._calls = _Counts(now)
        self._problems = _Counts(now)
        self.total = 0

    def add_calls(self, programs: Iterable[str], number: int) -> None:
        """Count calls that one body put on record; fewer than none where it took some off."""
        names = sorted(set(programs))
        more = f" and {len(names) - MOST_NAMED} more" if len(names) > MOST_NAMED else ""
        name = ", ".join(map(_shorten, names[:MOST_NAMED])) + more or UNNAMED
        with self._lock:
            self.total += number
            self._calls.add(name, number)

    def add_problem(self, reason: str, number: int = 1) -> None:
        """Count what was not taken."""
        with self._lock:
            self._problems.add(reason, number)

    def take_lines(self, now: float, *, at_once: bool = False) -> tuple[list[str], list[str]]:
        """Return lines on calls and on problems that are due now, and begin to count anew."""
        with self._lock:
            calls = self._calls.take(now, at_once=at_once)
            problems = self._problems.take(now, at_once=at_once)
        return (
            [f"{count_calls(number)} of {name}" for name, number in calls],
            [f"{number:,} not taken: {reason}" for reason, number in problems],
        )


class _Counts:
    """Numbers by name, since they were last told."""

    def __init__(self, now: float) -> None:
        self._numbers: Counter[str] = Counter()
        self._next = now

    def add(self, name: str, number: int) -> None:
        """Count under a name, or under `OTHERS` where there are too many names."""
        is_known = name in self._numbers or len(self._numbers) < MOST_PROGRAMS
        self._numbers[name if is_known else OTHERS] += number

    def take(self, now: float, *, at_once: bool) -> list[tuple[str, int]]:
        """Return the counts that are due, largest first, and begin anew."""
        if not self._numbers or (now < self._next and not at_once):
            return []
        self._next = now + EVERY_S
        numbers, self._numbers = self._numbers, Counter()
        return [(name, number) for name, number in numbers.most_common() if number > 0]


def count_calls(number: int) -> str:
    """Say how many calls."""
    return f"{number:,} call{'' if number == 1 else 's'}"


def _shorten(name: str) -> str:
    line = escape_line(name)
    return line if len(line) <= LONGEST_NAME else line[: LONGEST_NAME - 1] + "…"

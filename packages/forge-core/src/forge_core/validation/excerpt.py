"""The telling parts of a long output: its beginning, the first failure and its end; pure.

A compiler says the cause first, a test runner its sum last; in between stands what failed first.
"""

import re
from collections.abc import Sequence

LENGTH = 12_000
"""Characters of an output up to which it is shown whole, and about which an excerpt has."""

BEGINNING, FAILURE, END = 3_500, 3_500, 5_000
"""Characters of the three parts."""

LEAD_IN = 700
"""Characters shown before the line that fails, of those of its part."""

PLAIN_SIGHT = 3
"""Lines from the beginning in which nobody has to be told where the first failure is."""

QUOTED_LENGTH = 200

FAILING = re.compile(
    r"\b(?:error|errors|failed|failure|failures|fail|fatal|panic|panicked|exception)\b"
    r"|\b\w+(?:Error|Exception|Failure)\b|^Traceback |^E   |^not ok\b|\bassertion\b"
    r"|command not found|No such file or directory|undefined reference|Segmentation fault",
    re.IGNORECASE | re.MULTILINE,
)

NOTHING_FAILED = re.compile(
    r"\b(?:0|no|without|zero)\s+(?:\w+\s+)?(?:errors?|failed|failures?|exceptions?)\b"
    r"|\b(?:errors?|failed|failures?|exceptions?)\s*[:=]\s*(?:0|none)\b",
    re.IGNORECASE,
)


def find_failure(lines: Sequence[str]) -> int | None:
    """Return the index of the first line that tells of a failure; None where none does."""
    return next(
        (
            index
            for index, line in enumerate(lines)
            if FAILING.search(line) and not NOTHING_FAILED.search(line)
        ),
        None,
    )


def build_excerpt(output: str, *, seek: bool = False) -> str:
    """Build an excerpt that is a little longer than `LENGTH` at most.

    Args:
        output: What a command printed.
        seek: Whether it is that of tests, whose first failure is to be pointed out.
    """
    text = output.strip()
    lines = text.split("\n")
    index = find_failure(lines)
    pointer = ""
    if seek and index is not None and index >= PLAIN_SIGHT:
        pointer = f"first failure, line {index + 1}: {lines[index].strip()[:QUOTED_LENGTH]}\n\n"
    if len(text) <= LENGTH:
        return pointer + text
    parts = [(0, BEGINNING), (len(text) - END, len(text))]
    if index is not None:
        start = max(0, sum(len(line) + 1 for line in lines[:index]) - LEAD_IN)
        parts.append((start, start + FAILURE))
    return pointer + _join_parts(text, parts)


def _join_parts(text: str, parts: Sequence[tuple[int, int]]) -> str:
    """Join parts of a text in their order; where some of it is left out, say how much."""
    shown, position = "", 0
    for start, stop in sorted(parts):
        if start > position:
            shown += f"\n… {start - position:,} characters left out …\n"
        shown += text[max(start, position) : max(stop, position)]
        position = max(position, stop)
    return shown

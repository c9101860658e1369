"""Lines of a diff in git's colours; pure."""

from collections.abc import Iterator, Sequence

from rich.text import Text

from forge_cli.escape import escape, escape_line

ADDED, REMOVED, PLACE = "green", "red", "cyan"

STYLES = {"+": ADDED, "-": REMOVED, "@": PLACE}
"""Styles by the first character of a line."""


def color_line(line: str) -> Text:
    """Colour one line of a diff, which is escaped and is no heading."""
    return Text(line, style=STYLES.get(line[:1], ""))


def diff_lines(old: Sequence[str], new: Sequence[str], name: str | None = None) -> Iterator[Text]:
    """Compare lines as `diff -u` does.

    Args:
        old: Lines as they are stored, without their ends.
        new: The others.
        name: What they are; None for no heading.
    """
    from difflib import unified_diff  # noqa: PLC0415 - what is the same needs none

    lines = unified_diff(old, new, name or "", name or "", lineterm="")
    for number, line in enumerate(lines):
        if number < 2:
            if name is not None:
                yield Text(escape_line(line), style="bold")
        else:
            yield color_line(escape(line))

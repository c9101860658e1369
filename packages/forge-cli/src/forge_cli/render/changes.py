"""What an answer changed, in a line for each file."""

from collections.abc import Iterator

from forge_cli.escape import escape_line
from forge_cli.render.figures import format_count
from forge_cli.views.result import ChangeView

EXACT = "exact"

WAYS = {
    "trailing": "by trailing blanks",
    "blank": "by blank lines",
    "indent": "by indentation",
    "quotes": "by typographic signs",
    "comment": "by comments left out",
    "every": "everywhere",
}
"""How edits were found that do not quote the file exactly."""


def describe_change(change: ChangeView) -> str:
    """Describe a change, e.g. ``db.py: 3 edits +14 -2, 1 by indentation`` with a real minus."""
    said = " ".join(filter(None, (_describe_kind(change), *_list_counts(change))))
    return escape_line(", ".join([f"{change.path}: {said}", *_list_ways(change)]))


def describe_way(rung: str) -> str:
    """Say how an edit was found."""
    return WAYS.get(rung, rung)


def _describe_kind(change: ChangeView) -> str:
    edits = format_count(sum(change.rungs.values()), "edit") if change.rungs else ""
    if change.kind == "renamed":
        return f"renamed from {change.old_path or 'an unknown path'}" + (edits and f", {edits}")
    if change.kind == "modified":
        return edits or "replaced whole"
    return change.kind


def _list_counts(change: ChangeView) -> Iterator[str]:
    if change.added:
        yield f"+{change.added:,}"
    if change.removed:
        yield f"−{change.removed:,}"  # noqa: RUF001 - a minus


def _list_ways(change: ChangeView) -> Iterator[str]:
    return (
        f"{number:,} {describe_way(rung)}"
        for rung, number in change.rungs.items()
        if number and rung != EXACT
    )

"""Rows whose cells stand below each other, and the colours of statuses."""

from collections.abc import Collection, Mapping, Sequence

from rich.cells import cell_len
from rich.text import Text

from forge_cli.escape import escape_line

STYLES = {
    "success": "green",
    "running": "cyan",
    "answered": "cyan",
    "interrupted": "yellow",
    "budget": "yellow",
    "cancelled": "yellow",
    "failure_retryable": "yellow",
    "failure_terminal": "red",
    "error": "red",
    "failed": "red",
    "unfinished": "yellow",
    "unknown": "yellow",
    "warning": "yellow",
    "waiting": "dim",
    "not started": "dim",
}
"""Styles by status."""

Cell = Text | str


def style_status(status: str, shown: str | None = None) -> Text:
    """Return a status in its colour, or other words in the colour of the status."""
    return Text(escape_line(shown or status), style=STYLES.get(status, ""))


def align(
    rows: Sequence[Sequence[Cell]],
    *,
    right: Collection[int] = (),
    gap: str = "  ",
    widest: Mapping[int, int] | None = None,
) -> list[Text]:
    """Put the cells of rows below each other, a line for each row.

    The last cell of a row is as long as it is, and widens its column for the others. A row of one
    cell stands as it is and widens nothing.

    Args:
        rows: The cells; rows need not have the same number.
        right: Columns whose cells stand at the right.
        gap: What stands between two cells.
        widest: By column, how wide a cell may be to widen it; a wider one pushes its row aside.
    """
    widths: dict[int, int] = {}
    for row in rows:
        for column, cell in enumerate(row if len(row) > 1 else ()):
            width = _measure(cell)
            if width <= (widest or {}).get(column, width):
                widths[column] = max(width, widths.get(column, 0))
    return [_join(row, widths, right, gap) for row in rows]


def _join(row: Sequence[Cell], widths: dict[int, int], right: Collection[int], gap: str) -> Text:
    cells = []
    for column, cell in enumerate(row):
        space = " " * (widths.get(column, 0) - _measure(cell))
        if len(row) == 1:
            space = ""
        cells.append(Text.assemble(space, cell) if column in right else Text.assemble(cell, space))
    line = Text(gap).join(cells)
    line.rstrip()
    return line


def _measure(cell: Cell) -> int:
    return cell_len(cell.plain if isinstance(cell, Text) else cell)

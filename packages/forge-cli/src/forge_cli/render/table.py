"""Rows whose cells stand below each other, and the words and colours of statuses."""

from collections.abc import Collection, Mapping, Sequence

from rich.cells import cell_len
from rich.text import Text

from forge_cli.escape import escape_line

WORDS = {"failure_terminal": "failed", "failure_retryable": "failed", "error": "failed"}
"""What people read in place of a status; any other is a word of theirs."""

ALERT = "magenta"
"""Style of what waits for the user; yellow cannot be read on a white background."""

STYLES = {
    "success": "green",
    "running": "bold blue",
    "answered": "bold blue",
    "interrupted": ALERT,
    "budget": ALERT,
    "cancelled": ALERT,
    "failure_retryable": ALERT,
    "failure_terminal": "red",
    "error": "red",
    "failed": "red",
    "unfinished": ALERT,
    "unknown": ALERT,
    "warning": ALERT,
    "waiting": "dim",
    "not started": "dim",
}
"""Styles by status, each of them legible on black and on white."""

GAP = 2
"""Columns of a terminal between two cells."""

Cell = Text | str


def name_status(status: str) -> str:
    """Return the word for a status that people read; documents keep the status itself."""
    return escape_line(WORDS.get(status, status))


def style_status(status: str, shown: str | None = None) -> Text:
    """Return a status as people read it, in its colour, or other words in that colour."""
    return Text(escape_line(shown) if shown else name_status(status), style=STYLES.get(status, ""))


def align(
    rows: Sequence[Sequence[Cell]],
    *,
    right: Collection[int] = (),
    gap: str = " " * GAP,
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


def fit_columns(
    widths: Mapping[str, int], dispensable: Sequence[str], room: int | None
) -> dict[str, int]:
    """Return the columns of a table that find room, with their widths, in their order.

    Args:
        widths: How wide each column is, by its name.
        dispensable: Names of columns that may be left out, the first one first.
        room: How wide the table may be; None for any width.
    """
    columns = dict(widths)
    for name in dispensable:
        if room is not None and measure_columns(columns) > room:
            columns.pop(name, None)
    return columns


def measure_columns(columns: Mapping[str, int]) -> int:
    """Return how wide columns are together, with what stands between them."""
    return sum(columns.values()) + GAP * (len(columns) - 1)


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

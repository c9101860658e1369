"""Lines of words that keep to a width; what is one word stays whole, so that ids can be copied."""

from collections.abc import Iterator

from rich.cells import cell_len, chop_cells

BULLETS = ("- ", "* ")
"""How an item of a list begins."""


def wrap(text: str, width: int | None) -> list[str]:
    """Break a line at its blanks; a word that is wider stands alone.

    Args:
        text: One line, escaped.
        width: Columns that it may take; None to leave it as it is.
    """
    if width is None or cell_len(text) <= width:
        return [text]
    return list(_fill(text, width))


def _fill(text: str, width: int) -> Iterator[str]:
    line = ""
    for word in text.split():
        longer = f"{line} {word}" if line else word
        if line and cell_len(longer) > width:
            yield line
            longer = word
        line = longer
    if line:
        yield line


def wrap_prose(text: str, width: int | None) -> str:
    """Break the long lines of a text at blanks; what follows is indented as its line is."""
    if width is None:
        return text
    return "\n".join(part for line in text.split("\n") for part in _wrap_indented(line, width))


def _wrap_indented(line: str, width: int) -> Iterator[str]:
    if cell_len(line) <= width:
        yield line
        return
    bare = line.lstrip(" ")
    indent = line[: len(line) - len(bare)]
    hanging = indent + ("  " if bare.startswith(BULLETS) else "")
    for number, part in enumerate(_fill(bare, max(20, width - len(hanging)))):
        yield (hanging if number else indent) + part


def cut(text: str, width: int | None) -> str:
    """Cut a line to a width, with an ellipsis where something is left out."""
    if width is None or cell_len(text) <= width:
        return text
    return (chop_cells(text[: 2 * width], width - 1)[0] if width > 1 else "") + "…"

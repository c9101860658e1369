"""One section of a prompt as text, under a line that says what it is and how large."""

from collections.abc import Iterator

from rich.cells import cell_len
from rich.text import Text

from forge_cli.escape import escape, escape_line
from forge_cli.render.calls.highlight import Highlighter
from forge_cli.render.wrapping import cut, wrap_prose
from forge_cli.views.calls.sections import PromptSection
from forge_cli.views.calls.shown_files import walk

WIDE = 72
"""Columns of a line between parts where there is no terminal."""


def rule(title: str, note: str, width: int | None) -> Text:
    """Render the line that begins a part: its title, and a note at the end."""
    room = min(width or WIDE, 100)
    ending = f" {note} ──" if note else " ──"
    title = cut(escape_line(title), max(10, room - cell_len(ending) - 4))
    line = f"── {title} "
    fill = "─" * max(1, room - cell_len(line) - cell_len(ending))
    return Text.assemble(("── ", "dim"), (title, "bold"), (f" {fill}{escape_line(ending)}", "dim"))


def render_section(
    section: PromptSection, width: int | None, highlight: Highlighter
) -> Iterator[Text]:
    """Render a section whole."""
    yield Text()
    size = f"{section.length:,} characters, about {section.tokens:,} tokens"
    yield rule(section.title, size, width)
    if section.path is None:
        yield Text(_wrap_outside(escape(section.text), width))
        return
    yield from _color_fences(section.text, section.path, highlight)


def _wrap_outside(text: str, width: int | None) -> str:
    """Wrap what stands outside of fences."""
    parts: list[str] = []
    for line, block in walk(text):
        parts.append(wrap_prose(line, width))
        if block is not None:
            parts += [block.removesuffix("\n"), _close(line)]
    return "\n".join(parts)


def _close(fence: str) -> str:
    """Return the line that closes a fence."""
    return "`" * (len(fence) - len(fence.lstrip("`")))


def _color_fences(text: str, path: str, highlight: Highlighter) -> Iterator[Text]:
    """Colour what stands in fences as the file that it is of."""
    for line, block in walk(text):
        yield Text(escape(line), style="" if block is None else "dim")
        if block is not None:
            yield highlight(escape(block.removesuffix("\n")), path)
            yield Text(_close(line), style="dim")

"""Draw what a terminal showed as an SVG picture that is readable in light and in dark surroundings.

Nothing is left to the viewer's font: each word stands at its own column and is as wide as its
cells. The picture has a background of its own and follows the viewer's colour scheme.
"""

import re
from html import escape
from itertools import groupby
from string import Template

from rich.cells import cell_len
from rich.color import Color, ColorType
from rich.console import Console
from rich.segment import Segment
from rich.style import Style
from rich.text import Text

CELL_WIDTH = 8.4
LINE_HEIGHT = 19
MARGIN = 16

LIGHT = {
    "back": "#ffffff",
    "edge": "#d0d7de",
    "fore": "#24292f",
    "dim": "#6e7781",
    "red": "#cf222e",
    "green": "#116329",
    "yellow": "#7d4e00",
    "blue": "#0550ae",
    "magenta": "#8250df",
    "cyan": "#0a6a7c",
}
DARK = {
    "back": "#0d1117",
    "edge": "#3d444d",
    "fore": "#e6edf3",
    "dim": "#8d96a0",
    "red": "#ff7b72",
    "green": "#56d364",
    "yellow": "#e3b341",
    "blue": "#79c0ff",
    "magenta": "#d2a8ff",
    "cyan": "#56d4dd",
}

COLOURS = {1: "red", 2: "green", 3: "yellow", 4: "blue", 5: "magenta", 6: "cyan"}
"""Terminals' numbers of the colours that `forge` uses, and the classes that draw them."""

FONT = '14px ui-monospace, SFMono-Regular, Menlo, Consolas, "DejaVu Sans Mono", monospace'

PAGE = Template("""\
<svg xmlns="http://www.w3.org/2000/svg" width="$width" height="$height"
 viewBox="0 0 $width $height">
<title>$title</title>
<style>
text { font: $font; }
.bold { font-weight: bold; }
$light
@media (prefers-color-scheme: dark) {
$dark
}
</style>
<rect class="page" x="0.5" y="0.5" width="$inner_width" height="$inner_height" rx="8"/>
$words
</svg>
""")


def draw_terminal(title: str, shown: Text, columns: int) -> str:
    """Draw lines of text on a terminal of so many columns.

    Raises:
        ValueError: A line is longer than the terminal is wide: the picture would be cut.
    """
    lines = shown.split("\n", allow_blank=True)
    too_long = [line.plain for line in lines if cell_len(line.plain) > columns]
    if too_long:
        raise ValueError(f"longer than {columns} columns: {too_long}")
    console = Console(width=columns, color_system="truecolor", force_terminal=True)
    words = [
        word
        for row, line in enumerate(lines)
        for word in _draw_line(list(line.render(console)), (row + 1) * LINE_HEIGHT + MARGIN // 2)
    ]
    width = round(columns * CELL_WIDTH + 2 * MARGIN)
    height = len(lines) * LINE_HEIGHT + 2 * MARGIN
    return PAGE.substitute(
        title=escape(title),
        width=width,
        height=height,
        inner_width=width - 1,
        inner_height=height - 1,
        font=FONT,
        light=_list_rules(LIGHT),
        dark=_list_rules(DARK),
        words="\n".join(words),
    )


def _list_rules(scheme: dict[str, str]) -> str:
    page = f".page {{ fill: {scheme['back']}; stroke: {scheme['edge']}; }}"
    text = f"text {{ fill: {scheme['fore']}; }}"
    names = ("dim", *COLOURS.values())
    return "\n".join([page, text, *(f".{name} {{ fill: {scheme[name]}; }}" for name in names)])


def read_words(picture: str) -> str:
    """Return the words of a picture, whatever their places."""
    return "\n".join(re.findall(r"<text[^>]*>([^<]*)</text>", picture))


def _draw_line(segments: list[Segment], y: int) -> list[str]:
    drawn, column = [], 0
    for style, group in groupby(segments, key=lambda segment: segment.style):
        text = "".join(segment.text for segment in group)
        for part in re.split(r"( {2,})", text):
            if part.strip():
                indent = len(part) - len(part.lstrip())
                drawn.append(_draw_word(part.strip(), style, column + indent, y))
            column += cell_len(part)
    return drawn


def _draw_word(word: str, style: Style | None, column: int, y: int) -> str:
    classes = " ".join(_name_classes(style or Style.null()))
    attributes = {
        **({"class": classes} if classes else {}),
        "x": f"{MARGIN + column * CELL_WIDTH:.1f}",
        "y": str(y),
        "textLength": f"{cell_len(word) * CELL_WIDTH:.1f}",
    }
    written = " ".join(f'{name}="{value}"' for name, value in attributes.items())
    return f"<text {written}>{escape(word, quote=False)}</text>"


def _name_classes(style: Style) -> list[str]:
    colour: Color | None = style.color
    is_named = colour is not None and colour.type is ColorType.STANDARD
    name = COLOURS.get(colour.number or 0) if colour is not None and is_named else None
    marks = [mark for mark, is_on in (("bold", style.bold), ("dim", style.dim)) if is_on]
    return [*marks, *([name] if name else [])]

"""Colours of source code."""

from collections.abc import Callable
from typing import TypeAlias

from rich.text import Text

Highlighter: TypeAlias = Callable[[str, str], Text]
"""Colours an escaped text by the path of its file."""

LONGEST = 100_000
"""Characters of the longest text that is coloured; a longer one takes more time than it is worth.
"""

THEME = "ansi_light"
"""The terminal's own colours, none of them bright, which are read on light and dark alike."""


def highlight(code: str, path: str) -> Text:
    """Colour a text by the language that its file's name tells.

    Args:
        code: Escaped text, which stays as it is to the letter.
        path: The file's path; without a known suffix there are no colours.
    """
    if not code or len(code) > LONGEST:
        return Text(code)
    from rich.style import Style  # noqa: PLC0415 - slow, and for terminals only
    from rich.syntax import RICH_SYNTAX_THEMES, ANSISyntaxTheme, Syntax  # noqa: PLC0415

    lexer = Syntax.guess_lexer(path)
    if lexer == "default":
        return Text(code)
    green = Style(color="green")  # yellow cannot be read on a white background
    theme = ANSISyntaxTheme(
        {
            kind: green
            if style.color is not None and style.color.name == "yellow"
            else style + Style(underline=False)
            for kind, style in RICH_SYNTAX_THEMES[THEME].items()
        }
    )
    text = Syntax("", lexer, theme=theme, tab_size=0).highlight(code)
    text.no_wrap, text.style = None, ""
    if text.plain != code and text.plain.removesuffix("\n") == code:
        text.right_crop(1)
    return text if text.plain == code else Text(code)


def plain(code: str, _path: str) -> Text:
    """Leave a text without colours."""
    return Text(code)

"""Text that somebody else wrote, made safe to print."""

import unicodedata

SHOWN = frozenset("\n\t")
"""Control characters that are printed as they are."""

HIDDEN_CATEGORIES = frozenset({"Cc", "Cf", "Co", "Cs", "Zl", "Zp"})
"""Unicode categories that a terminal obeys, does not show or shows in its own way."""

BLANK = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u180f\u2800\u3164\uffa0")
"""Letters and marks that no font draws."""

IGNORABLE = (
    range(0x2065, 0x2066),
    range(0xFE00, 0xFE10),
    range(0xFFF0, 0xFFF9),
    range(0xE0000, 0xE1000),
)
"""Variation selectors and reserved characters: rows of them can carry a text that nobody sees."""


def escape(text: str) -> str:
    """Replace whatever a terminal would obey or hide by a visible escape.

    Control characters (ESC and C1 among them), bidirectional overrides, zero-width and tag
    characters, variation selectors and lone surrogates are concerned; newline and tab are not.
    """
    if text.isascii() and text.isprintable():
        return text
    hidden = {ord(char): _escape_char(char) for char in set(text) if _is_hidden(char)}
    return text.translate(hidden) if hidden else text


def escape_line(text: str) -> str:
    """Escape a text that has to stay on one line."""
    return escape(text).replace("\n", "\\n").replace("\t", " ")


def _is_hidden(char: str) -> bool:
    if char in SHOWN:
        return False
    code = ord(char)
    return (
        unicodedata.category(char) in HIDDEN_CATEGORIES
        or char in BLANK
        or any(code in codes for codes in IGNORABLE)
    )


def _escape_char(char: str) -> str:
    code = ord(char)
    if code <= 0xFF:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"

"""Text that somebody else wrote, made safe to print."""

import unicodedata

SHOWN = frozenset("\n\t")
"""Control characters that are printed as they are."""

HIDDEN_CATEGORIES = frozenset({"Cc", "Cf", "Co", "Cs", "Zl", "Zp"})
"""Unicode categories that a terminal obeys or does not show."""


def escape(text: str) -> str:
    """Replace whatever a terminal would obey or hide by a visible escape.

    Control characters (ESC and C1 among them), bidirectional overrides, zero-width and tag
    characters and lone surrogates are concerned; newline and tab are not.
    """
    if text.isascii() and text.isprintable():
        return text
    hidden = {char for char in set(text) if _is_hidden(char)}
    return text.translate({ord(char): _escape_char(char) for char in hidden}) if hidden else text


def escape_line(text: str) -> str:
    """Escape a text that has to stay on one line."""
    return escape(text).replace("\n", "\\n").replace("\t", " ")


def _is_hidden(char: str) -> bool:
    return char not in SHOWN and unicodedata.category(char) in HIDDEN_CATEGORIES


def _escape_char(char: str) -> str:
    code = ord(char)
    if code <= 0xFF:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"

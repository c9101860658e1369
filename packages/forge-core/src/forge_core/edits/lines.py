"""A file's text as lines that keep their bytes, and what makes two lines the same; pure."""

from collections.abc import Sequence
from dataclasses import dataclass, field

BYTE_ORDER_MARK = "\ufeff"

QUOTES = "\u2018\u2019\u201a\u201b\u201c\u201d\u201e\u201f"
DASHES = "\u2010\u2011\u2012\u2013\u2014\u2212"
BLANKS = "\u00a0\u2009\u202f"
SIGNS = frozenset(QUOTES + DASHES + BLANKS)
"""Typographic signs that models write for plain ones, or plain ones for them."""

TO_PLAIN = str.maketrans(
    QUOTES + DASHES + BLANKS, "''''" + '""""' + "-" * len(DASHES) + " " * len(BLANKS)
)
"""Each typographic sign to the plain one on a keyboard."""


@dataclass(frozen=True, slots=True)
class SourceText:
    """A text taken apart so that it can be put together again byte for byte."""

    lines: tuple[str, ...]
    """Without their ends; form feeds and lone carriage returns are part of a line."""
    ends: tuple[str, ...]
    r"""Of each line: ``\n``, ``\r\n``, or nothing for a last line that nothing ends."""
    mark: str = ""
    """The byte order mark, if the text begins with one."""
    keys: tuple[str, ...] = field(default=(), repr=False)
    """Each line folded."""

    @property
    def usual_end(self) -> str:
        """How the first line ends that has an end."""
        return next((end for end in self.ends if end), "\n")


def split_text(text: str) -> SourceText:
    r"""Take a text apart at newlines alone.

    ``str.splitlines`` would also split at form feeds, lone carriage returns and the separators of
    Unicode, so that an edit beside one would rewrite it.
    """
    mark = BYTE_ORDER_MARK if text.startswith(BYTE_ORDER_MARK) else ""
    *ended, tail = text.removeprefix(mark).split("\n")
    lines = [line.removesuffix("\r") for line in ended]
    ends = ["\r\n" if line.endswith("\r") else "\n" for line in ended]
    if tail:
        lines.append(tail)
        ends.append("")
    return SourceText(tuple(lines), tuple(ends), mark, tuple(map(fold, lines)))


def split_quoted(text: str) -> list[str]:
    """Split what an answer quotes or writes into lines; a last line may have an end or not."""
    return text.replace("\r\n", "\n").removesuffix("\n").split("\n") if text else []


def fold(line: str) -> str:
    """Return what is equal for lines that differ in blanks at their ends or in typography."""
    return (line if line.isascii() else line.translate(TO_PLAIN)).strip()


def get_indentation(line: str) -> str:
    """Return the blanks and tabs that a line begins with."""
    return line[: len(line) - len(line.lstrip(" \t"))]


def has_words(lines: Sequence[str]) -> bool:
    """Return whether one of the lines is more than blanks."""
    return any(line.strip() for line in lines)

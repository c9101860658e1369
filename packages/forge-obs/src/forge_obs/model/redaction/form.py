r"""A form of secrets as a pattern, and how such patterns are made; pure.

A key may be wrapped: in a text, in a string of JSON (where the line's end is `\n` spelt out),
behind the marks of a diff or a quotation, or as adjacent string literals.

What a stranger writes must not take minutes. So each repetition that may fail afterwards is
bounded, all others are possessive, and no pattern walks over the same text from many starts.
"""

import re
from dataclasses import dataclass
from typing import Final

INNER: Final = "inner_"
"""Beginning of the names of groups that hold the secret, where that is a part of what matches."""

BREAK: Final = (
    r"(?:[\"']?[ \t]{0,4}[\\+]?[ \t]{0,4}(?:\r?\n|\\r\\n|\\n)[ \t>#|+*]{0,40}[\"']?"
    r"|[\"'][ \t]{0,4}\+?[ \t]{0,4}[\"'])"
)
"""How a key goes on in the next line, or in the next string."""

_REST: Final = r"(?=[\w-]{0,80}\d)[\w-]{6,500}+(?![=:(.\[\w-])"
"""What only the rest of a wrapped key looks like: with a digit, and followed by no syntax."""

CONTINUATION: Final = rf"(?:{BREAK}{_REST})*+"
"""What may follow a key that has no length of its own."""

CONTINUED: Final = rf"(?:{BREAK}{_REST})++"
"""What must follow a key that would be too short in one line."""

MORE: Final = rf"[A-Za-z0-9]*+{CONTINUATION}"
"""What may follow a key that has a least length."""

_BREAKS: Final = re.compile(BREAK)


@dataclass(frozen=True, slots=True)
class Form:
    """A form of secrets.

    Attributes:
        kind: What a secret of it is called.
        needles: Texts, one of which is in every text that it is in. One that is all in small
            letters stands for capitals, too.
        pattern: What it looks like.
    """

    kind: str
    needles: tuple[str, ...]
    pattern: str


def of_length(prefix: str, character: str, number: int, rest: str = "") -> str:
    """Look for a prefix and so many characters, which a line's end may part anywhere."""
    return rf"\b{prefix}{character}(?:{BREAK}?{character}){{{number - 1}}}{rest}"


def of_at_least(prefix: str, least: int, first: str = "") -> str:
    """Look for a prefix and at least so many characters, in one line or several.

    Args:
        prefix: What it begins with, a pattern.
        least: The number of characters.
        first: Looks ahead at a line that has them all.
    """
    short = rf"[\w-]{{1,{least - 1}}}+{CONTINUED}"
    return rf"\b{prefix}(?:{first}[\w-]{{{least},}}+{CONTINUATION}|{short})"


def with_digit(prefix: str, least: int) -> str:
    """Look for a prefix and at least so many characters with a digit, as no words have it."""
    return of_at_least(prefix, least, r"(?=[\w-]{0,100}\d)")


def join_lines(secret: str) -> str:
    """Return a key in one line: wrapped or not, it is the same one."""
    return _BREAKS.sub("", secret)

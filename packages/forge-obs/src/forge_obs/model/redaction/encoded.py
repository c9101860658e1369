r"""Texts in base64, which hide what is in them from any pattern; pure.

Keys stand so in the manifests of Kubernetes and in variables of CI. A text may be wrapped, in lines
of 60 characters or more; in a string of JSON the line's end is `\n` spelt out.
"""

import binascii
import re
from base64 import b64decode
from collections.abc import Iterator
from typing import Final

ENCODED: Final = re.compile(
    r"(?<![\w+/=-])[A-Za-z0-9+/]{24,}+"
    r"(?:(?<=[A-Za-z0-9+/]{60})(?:\r?\n|\\r\\n|\\n)[ \t]{0,40}[A-Za-z0-9+/]{4,}+)*+={0,2}"
)
"""What may be base64; it never fails behind its beginning, so that nothing is walked over twice."""

_BREAK: Final = re.compile(r"(?:\r?\n|\\r\\n|\\n)[ \t]*")


def list_readings(text: str) -> Iterator[tuple[str, str]]:
    """Yield parts of a text that are base64, each with what it says.

    Args:
        text: What `ENCODED` matches, whose last line may belong to what follows.
    """
    for part in (text, text[: _find_last_line(text)]):
        plain = _decode(_BREAK.sub("", part))
        if plain is not None:
            yield part, plain


def _find_last_line(text: str) -> int:
    starts = [match.start() for match in _BREAK.finditer(text)]
    return starts[-1] if starts else 0


def _decode(text: str) -> str | None:
    if not text or len(text) % 4:
        return None
    try:
        raw = b64decode(text, validate=True)
    except binascii.Error:
        return None
    return raw.decode() if raw.isascii() else None

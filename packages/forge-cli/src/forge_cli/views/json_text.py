"""JSON: documents that commands print, and stored texts, which may be damaged."""

import json
from collections.abc import Mapping
from math import isfinite
from typing import Any

SCHEMA_VERSION = 1
"""Version of the documents, which each of them carries."""

MAX_DIGITS = 300
"""Digits of the longest integer that is read; longer ones fit no float."""

MAX_DEPTH = 200
"""Levels of the deepest document that is read: what walks over one calls itself at each, and Python
ends that at a thousand calls. From 3.13 on its parser has a limit of its own, ten times as high."""


def dump(document: Mapping[str, Any]) -> str:
    """Write a document in ASCII, so that no terminal can be told anything by it."""
    versioned = {"schema_version": SCHEMA_VERSION, **document}
    return json.dumps(versioned, ensure_ascii=True, allow_nan=False)


def load_json(text: str) -> Any:  # noqa: ANN401 - JSON is anything
    """Read a document that can be written as JSON again.

    Raises:
        ValueError: It is no JSON, holds a number that JSON cannot write, or is nested too deeply.
    """
    try:
        document = json.loads(
            text, parse_constant=_refuse, parse_float=_read_float, parse_int=_read_int
        )
    except RecursionError:
        raise ValueError("nested too deeply") from None
    if text.count("[") + text.count("{") > MAX_DEPTH and _is_too_deep(document):
        raise ValueError("nested too deeply")
    return document


def load_object(text: str | None) -> dict[str, Any]:
    """Read an object; whatever else stands there is taken for an empty one."""
    try:
        document = load_json(text or "")
    except ValueError:
        return {}
    return document if isinstance(document, dict) else {}


def load_or_keep(text: str | None) -> Any:  # noqa: ANN401
    """Read a document; one that cannot be read is given as its text."""
    if text is None:
        return None
    try:
        return load_json(text)
    except ValueError:
        return text


def _is_too_deep(document: object) -> bool:
    level = [document]
    for _ in range(MAX_DEPTH):
        level = [
            member
            for value in level
            if isinstance(value, dict | list)
            for member in (value.values() if isinstance(value, dict) else value)
        ]
        if not level:
            return False
    return any(isinstance(value, dict | list) for value in level)


def _read_int(text: str) -> int:
    if len(text) > MAX_DIGITS:
        raise ValueError(f"an integer of {len(text)} digits is out of range")
    return int(text)


def _refuse(name: str) -> None:
    raise ValueError(f"{name} is no JSON")


def _read_float(text: str) -> float:
    number = float(text)
    if not isfinite(number):
        raise ValueError(f"{text} is out of range")
    return number

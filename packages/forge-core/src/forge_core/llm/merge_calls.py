"""Several calls of the answering tool in one response, which are one answer; pure."""

import json
from collections.abc import Mapping, Sequence

APART = "\n\n"
"""What stands between the texts of several calls."""


def merge_calls(arguments: Sequence[str]) -> str:
    """Return the arguments of one call that says what several do.

    Lists are joined, an item that two calls have alike counts once, and texts are put one below
    the other. Calls whose arguments are no JSON objects are returned one below the other: that is
    no JSON, so the answer is asked for again.
    """
    if len(arguments) == 1:
        return arguments[0]
    merged: dict[str, object] = {}
    for text in arguments:
        try:
            said = json.loads(text, strict=False)
        except (ValueError, RecursionError):
            said = None
        if not isinstance(said, Mapping):
            return APART.join(arguments)
        for key, value in said.items():
            merged[key] = _join(merged[key], value) if key in merged else value
    return json.dumps(merged, ensure_ascii=False, separators=(",", ":"))


def _join(one: object, other: object) -> object:
    if isinstance(one, list) and isinstance(other, list):
        return [*one, *(item for item in other if item not in one)]
    if isinstance(one, str) and isinstance(other, str) and one and other and one != other:
        return one + APART + other
    return one or other

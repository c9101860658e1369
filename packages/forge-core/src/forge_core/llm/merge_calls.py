"""Several calls of the answering tool in one response, which are one answer; pure."""

import json
from collections.abc import Mapping, Sequence

from forge_core.llm.answers.candidates import read_nested

APART = "\n\n"
"""What stands between the texts of several calls."""


def merge_calls(arguments: Sequence[str]) -> str:
    """Return the arguments of one call that says what several do.

    Calls whose arguments are no JSON objects are returned one below the other, each once.
    """
    texts = list(dict.fromkeys(arguments))
    if len(texts) == 1:
        return texts[0]
    said: list[Mapping[str, object]] = []
    for text in texts:
        try:
            value = read_nested(text)
        except ValueError:
            return APART.join(texts)
        if not isinstance(value, Mapping):
            return APART.join(texts)
        said.append(value)
    return json.dumps(merge_answers(said), ensure_ascii=False, separators=(",", ":"))


def merge_answers(answers: Sequence[Mapping[str, object]]) -> dict[str, object]:
    """Return one answer that says what several do.

    Lists are joined, an item that two have alike counts once, and texts are put one below the
    other. One object, and a list that is written as text, are joined as the lists that they mean.
    """
    merged: dict[str, object] = {}
    for answer in answers:
        for key, value in answer.items():
            merged[key] = _join(merged[key], value) if key in merged else value
    return merged


def drop_cut_repeat(arguments: Sequence[str]) -> Sequence[str]:
    """Return the arguments of calls of which the last was cut off, without it if it says nothing.

    It says nothing where it only repeats the beginning of a call that is whole; one that may have
    gone on otherwise is kept, and the answer with it is not whole.
    """
    *whole, last = arguments or [""]
    repeats = any(call.startswith(last.rstrip()) for call in whole)
    return whole if repeats and all(map(_is_object, whole)) else arguments


def _is_object(text: str) -> bool:
    try:
        return isinstance(json.loads(text, strict=False), Mapping)
    except (ValueError, RecursionError):
        return False


def _join(one: object, other: object) -> object:
    first, second = _as_list(one), _as_list(other)
    if first is not None and second is not None:
        known = set(map(_spell, first))
        return [*first, *(item for item in second if _spell(item) not in known)]
    if isinstance(one, str) and isinstance(other, str) and one and other and one != other:
        return one + APART + other
    return one or other


def _as_list(value: object) -> list[object] | None:
    if isinstance(value, str) and value.lstrip().startswith("["):
        value = read_nested(value)
    if isinstance(value, Mapping):
        return [value]
    return value if isinstance(value, list) else None


def _spell(item: object) -> str:
    return json.dumps(item, sort_keys=True)

"""A usage report as it is kept: whatever an SDK gave, as a plain document of bounded size. Pure."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from typing import Final

import orjson

from forge_obs.model.foreign import Unfolding, read_members, to_plain
from forge_obs.model.usage.leaves import MOST_LEAVES, spell
from forge_obs.model.usage.spellings import COUNTS

MOST_BYTES: Final = 8_000
"""Longest report that is kept as it is, as JSON; of a longer one, texts are cut first."""

LONGEST_TEXT: Final = 300
"""Longest text of a report that is kept whole, in characters."""

_HOLDERS: Final = (
    "usage",
    "usage_metadata",
    "token_usage",
    "usage_info",
    "meta",
    "response_metadata",
    "llm_output",
    "response",
    "message",
    "result",
)
"""Where a report stands in an answer, the likeliest first."""

_CONTENT: Final = frozenset(
    {"candidates", "choices", "content", "context", "messages", "output", "text", "thinking"}
    | {"message", "response", "raw", "embedding", "embeddings", "data"}
)
"""What stands beside the figures where an answer is its own report, and belongs to no report."""

_WORDS: Final = frozenset(path.partition(".")[0] for paths in COUNTS.values() for path in paths)

_DEEPEST: Final = 3
_OPTIONS: Final = (
    orjson.OPT_PASSTHROUGH_DATACLASS
    | orjson.OPT_PASSTHROUGH_DATETIME
    | orjson.OPT_PASSTHROUGH_SUBCLASS
)


@dataclass(frozen=True, slots=True)
class Report:
    """What was reported.

    Attributes:
        document: Plain JSON; None where nothing is left.
        notes: What was left out.
        text: The document as JSON text, where that is known already.
    """

    document: dict[str, object] | None
    notes: tuple[str, ...] = ()
    text: str | None = None


def keep_report(value: object) -> Report:
    """Make a plain document of a usage report, or of the answer that holds it.

    Args:
        value: A mapping, an object of any class, JSON text, or a list of these, as the parts of a
            stream report them: their counts are taken to grow.
    """
    if isinstance(value, list) or type(value) is tuple:
        return _merge_reports([keep_report(part) for part in value[:MOST_LEAVES]])
    if isinstance(value, str | bytes):
        try:
            value = orjson.loads(value)
        except orjson.JSONDecodeError:
            return Report(None, ("usage: not understood, text that is no JSON",))
    members = _find_report(value, 0)
    if not members:
        return Report(None, (f"usage: not understood, {type(value).__name__}",))
    with suppress(TypeError):  # what JSON does not know takes the long way
        raw = orjson.dumps(members, _open, _OPTIONS)
        if len(raw) <= MOST_BYTES:
            return _read_json(raw)
    unfolding = Unfolding(MOST_LEAVES, LONGEST_TEXT, lambda _: None)
    document = unfolding.unfold(members)
    notes = ("usage: too long, cut",) if unfolding.was_cut else ()
    return Report(_drop_nulls(document), notes)


def _read_json(raw: bytes) -> Report:
    document = orjson.loads(raw)
    if b"null" in raw:
        return Report(_drop_nulls(document))
    return Report(document, text=raw.decode())


def _drop_nulls(document: object) -> dict[str, object] | None:
    if not isinstance(document, dict):
        return None
    return {name: value for name, value in document.items() if value is not None}


def _open(value: object) -> object:
    """Open an object for the serialiser, one step; bytes are no figures."""
    if isinstance(value, bytes | bytearray | memoryview):
        return None
    members = read_members(value)
    if not members:
        return {} if isinstance(value, Mapping) else to_plain(value)
    return dict(islice(members.items(), MOST_LEAVES))


def keep_plain(report: object) -> str | None:
    """Give the JSON text of a report that is kept as it is; None where `keep_report` is needed."""
    try:
        raw = orjson.dumps(report)
    except TypeError:
        return None
    return raw.decode() if len(raw) <= MOST_BYTES and b"null" not in raw else None


def _find_report(value: object, depth: int) -> Mapping[str, object] | None:
    members = read_members(value)
    if members is None or depth > _DEEPEST:
        return None
    names = choose_members(tuple(members))
    if names:
        return {name: members[name] for name in names}
    names_by_spelling = {spell(name): name for name in members if isinstance(name, str)}
    for holder in _HOLDERS:
        if holder in names_by_spelling:
            report = _find_report(members[names_by_spelling[holder]], depth + 1)
            if report:
                return report
    return members if depth == 0 and not _CONTENT.intersection(names_by_spelling) else None


def choose_members(names: tuple[object, ...]) -> list[str]:
    """Choose what belongs to a report among the names of its members; none where it is none."""
    spelt = {spell(name): name for name in names if isinstance(name, str)}
    if not any(name in _WORDS or "." in name for name in spelt):
        return []
    return [name for spelling, name in spelt.items() if spelling not in _CONTENT]


def _merge_reports(reports: list[Report]) -> Report:
    documents = [report.document for report in reports if report.document]
    notes = tuple(dict.fromkeys(note for report in reports for note in report.notes))
    if not documents:
        return Report(None, notes)
    merged: dict[str, object] = {}
    for document in documents:
        merged = _merge_documents(merged, document)
    return Report(merged, notes)


def _merge_documents(earlier: dict[str, object], later: dict[str, object]) -> dict[str, object]:
    """Merge two reports of one request: counts grow, and what a later one does not say stays."""
    merged = dict(earlier)
    for name, value in later.items():
        merged[name] = _merge(merged.get(name), value)
    return merged


def _merge(earlier: object, later: object) -> object:
    if isinstance(earlier, dict) and isinstance(later, dict):
        return _merge_documents(earlier, later)
    if isinstance(earlier, int | float) and isinstance(later, int | float):
        return later if isinstance(later, bool) else max(earlier, later)
    return earlier if later is None else later

"""Let a hook see every text of an entry before it is written. Pure: the hook is an argument.

See D50.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Final, TypeAlias

import orjson

from forge_obs.model.columns import Column, Kind
from forge_obs.model.entries import Entry, Row
from forge_obs.model.rows import TABLES
from forge_obs.model.sanitize import clean_text, json_column

Hook: TypeAlias = Callable[[str], str | None]
"""Gives the text to write instead; None where it cannot tell, and then nothing is written."""

DROPPED: Final = "dropped, redaction failed"
"""What `notes` says of a text that was not written."""


def redact_entry(entry: Entry, hook: Hook) -> Entry:
    """Pass every text through the hook, but for those that rows are found and merged by.

    Of a JSON column the hook sees each string inside, keys included, and then the whole. A text
    that it has no answer for is replaced by the column's default, and `notes` says so.
    """
    row, facts = dict(entry.row), dict(entry.facts)
    notes = _redact_all(row, entry.table, hook) + _redact_all(facts, "call_facts", hook)
    if notes and "notes" in row:
        row["notes"] = "; ".join([*filter(None, [row["notes"]]), *notes])  # type: ignore[list-item]
    return replace(entry, row=row, facts=facts)


def redact_columns(values: Mapping[str, object], table: str, hook: Hook) -> dict[str, object]:
    """Pass the texts of a row that was read through the hook, and return those columns.

    Args:
        values: Its columns; of a call those of its facts, too.
        table: `interactions` or `runs`.
        hook: What gives the text to show instead.
    """
    row = dict(values)
    facts = _TEXTS["call_facts"] if table == "interactions" else []
    columns = [*_TEXTS[table], *facts]
    for column in columns:
        _redact(row, column, hook)
    return {column.name: row[column.name] for column in columns}


def _redact_all(row: Row, table: str, hook: Hook) -> list[str]:
    columns = [c for c in _TEXTS[table] if c.name in row]
    return [f"{c.name}: {note}" for c in columns if (note := _redact(row, c, hook))]


_TEXTS: Final = {
    table: [c for c in columns if c.kind is Kind.TEXT and not c.identifies]
    for table, columns in TABLES.items()
}
"""Columns that a hook gets to see."""


def _redact(row: Row, column: Column, hook: Hook) -> str | None:
    """Redact one column in its place; gives a note where something went wrong."""
    text = row[column.name]
    if not isinstance(text, str) or not text:
        return None
    is_json = column.name.endswith("_json")
    redacted = _redact_document(text, hook) if is_json else hook(text)
    if redacted is None:
        row[column.name] = column.default
        return DROPPED
    row[column.name], note = json_column(redacted) if is_json else clean_text(redacted)
    return note


def _redact_document(text: str, hook: Hook) -> str | None:
    try:
        document = orjson.loads(text)
        inside = _redact_inside(document, hook)
        # What stays as it was keeps its spelling, numbers beyond 64 bits included.
        shown = text if inside == document else orjson.dumps(inside).decode()
    except orjson.JSONDecodeError:
        return hook(text)
    except (_NoAnswer, RecursionError, TypeError):  # the last for what is nested too deeply
        return None
    return hook(shown)


class _NoAnswer(Exception):
    """The hook has none."""


def _redact_inside(value: object, hook: Hook) -> object:
    if isinstance(value, str):
        redacted = hook(value)
        if redacted is None:
            raise _NoAnswer
        return clean_text(redacted)[0]
    if isinstance(value, list):
        return [_redact_inside(item, hook) for item in value]
    if isinstance(value, dict):
        return {_redact_inside(k, hook): _redact_inside(v, hook) for k, v in value.items()}
    return value

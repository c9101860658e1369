"""What a row holds: from the keywords of `record()` to clean columns, without any I/O."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from operator import itemgetter
from typing import Final

from forge_obs.errors import StoreError
from forge_obs.model.columns import (
    BUDGET,
    CALL_KEY,
    MAX_COUNT,
    NO_RESULT,
    PROVIDER,
    RUNNING,
    STARTED,
    Column,
    Kind,
)
from forge_obs.model.keywords import InteractionKeywords, OutcomeKeywords, RunKeywords
from forge_obs.model.liveness import Owner
from forge_obs.model.rows import EARLY_OUTCOMES, FACTS, INTERACTIONS, LONG_TEXTS, RUNS
from forge_obs.model.sanitize import (
    clean_count,
    clean_flag,
    clean_real,
    clean_text,
    clean_time,
    json_column,
)
from forge_obs.model.sdk_values import take_figures, take_texts
from forge_obs.model.search import HAS_NUL, PLACES

Row = dict[str, object]
"""Every column of a table but `id`, clean."""

Cleaner = Callable[[object], tuple[object, str | None]]

_CLEANERS: Final[Mapping[Kind, Cleaner]] = {
    Kind.TEXT: clean_text,
    Kind.COUNT: clean_count,
    Kind.REAL: clean_real,
    Kind.FLAG: clean_flag,
    Kind.TIME: clean_time,
}

_JSON_KEYWORDS: Final = {
    "params": "params_json",
    "context_manifest": "context_manifest_json",
    "context_stats": "context_stats_json",
    "extra": "extra_json",
    "messages": "messages_json",
}
"""Keywords that become a JSON column; `extra` collects the unknown ones."""

_FACT_KEYWORDS: Final = {
    "usage": "usage_json",
    "reason": "outcome_reason",
    "failed_checks": "failed_checks_json",
}
"""Keywords that become a column of `call_facts` with another name."""

_INTERACTION_KEYWORDS: Final = frozenset(InteractionKeywords.__annotations__)

_RUN_KEYWORDS: Final = frozenset(RunKeywords.__annotations__)
_OUTCOME_KEYWORDS: Final = frozenset(OutcomeKeywords.__annotations__)

_REQUIRED: Final = tuple(
    name
    for name in InteractionKeywords.__annotations__
    if name in InteractionKeywords.__required_keys__
)

_pick_call_key: Final = itemgetter(*CALL_KEY)


class Before(Enum):
    """What the store may hold of a call before its entry is written."""

    NOTHING = "nothing"
    """Its id was made up for this entry."""
    ROW = "row"
    """Its row is there, and nobody knew its id before that."""
    ANYTHING = "anything"
    """Others know its id, and may have said something of it already."""


@dataclass(frozen=True)
class Entry:
    """One row on its way to the store; its `repr` shows nothing of it.

    Attributes:
        table: `call_facts` for an outcome, whose row is what `early_outcomes` would keep of it;
            `removals` for the end of a call that was none.
        unknown: Keywords that this version does not know; an interaction keeps their values in
            `extra_json`.
        facts: Columns of `call_facts` that there is something to put into.
        before: What the store may hold of it already.
    """

    table: str
    row: Row = field(repr=False)
    unknown: tuple[str, ...] = field(default=(), repr=False)
    facts: Row = field(default_factory=dict, repr=False)
    before: Before = Before.NOTHING

    def after(self, before: Before) -> "Entry":
        """Give the same entry for a store that may hold just that of the call."""
        return Entry(self.table, self.row, self.unknown, self.facts, before)

    @property
    def length(self) -> int:
        """How long its texts are, in characters."""
        length = 0
        for name in LONG_TEXTS:
            text = self.row.get(name)
            if type(text) is str:
                length += len(text)
        return length

    @property
    def call_key(self) -> tuple[object, ...]:
        """What names the request of a call, if nothing of it is null."""
        return tuple(_pick_call_key(self.row))

    @property
    def has_call_key(self) -> bool:
        """Whether the row names its request in full, so that it merges by that."""
        return self.table == "interactions" and None not in _pick_call_key(self.row)


def build_interaction(fields: Mapping[str, object], *, entry_id: str, now: str) -> Entry:
    """Turn the keywords of `record("interaction", ...)` into a row.

    Args:
        fields: The keywords as they were given, whatever they are.
        entry_id: Used unless the keywords bring one.
        now: The moment of the call, as RFC 3339 text in UTC.
    """
    notes: list[str] = []
    raw = dict(fields)
    unknown: list[str] = []
    if not _INTERACTION_KEYWORDS.issuperset(fields):
        unknown = [name for name in fields if name not in _INTERACTION_KEYWORDS]
        given = raw.get("extra")
        more = {name: raw.pop(name) for name in unknown}
        raw["extra"] = {**given, **more} if isinstance(given, dict) else more
    take_texts(raw, notes)
    raw.update(_figures(take_figures(raw, notes), raw))
    given = _GIVEN_FACTS & raw.keys()
    facts = _clean_facts({name: raw.pop(name) for name in given}, notes) if given else {}
    before = Before.ANYTHING if raw.get("entry_id") else Before.NOTHING
    raw["seq"] = raw.get("seq") or 0
    raw["entry_id"] = raw.get("entry_id") or entry_id
    row = _INTERACTION.clean(raw, notes)
    row["created_at"] = row["created_at"] or now
    notes += [f"{name}: missing" for name in _REQUIRED if raw.get(name) is None]
    notes += _list_nul(row)
    if notes:
        said = [str(row["notes"])] if row["notes"] else []
        row["notes"] = "; ".join([*said, *notes])
    return Entry("interactions", row, tuple(unknown), facts, before)


def build_outcome(fields: Mapping[str, object], *, now: str) -> Entry:
    """Turn the keywords of `record("outcome", ...)` into what is to be put beside the call's row.

    Raises:
        StoreError: They name no call.
    """
    given = {name: value for name, value in fields.items() if name in _OUTCOME_KEYWORDS}
    row = _EARLY.clean({"entry_id": given.pop("entry_id", None), "created_at": now}, [])
    if not row["entry_id"]:
        raise StoreError("record('outcome') needs the entry_id of a call")
    unknown = tuple(name for name in fields if name not in _OUTCOME_KEYWORDS)
    return Entry("call_facts", row, unknown, _clean_facts(given, []))


def build_removal(entry_id: object) -> Entry:
    """Build what takes a call off the record, unless it belongs to a run.

    Raises:
        StoreError: It names no call.
    """
    if not isinstance(entry_id, str) or not entry_id:
        raise StoreError("a removal needs the entry_id of a call")
    return Entry("removals", {"entry_id": clean_text(entry_id)[0]})


def build_run(fields: Mapping[str, object], *, owner: Owner, now: str) -> Entry:
    """Turn the keywords of `record("run", ...)` into a row.

    A running run carries its owner, and one that is not over is seen now; a final one is finished
    now unless the keywords say when.
    """
    raw: Row = {name: value for name, value in fields.items() if name in _RUN_KEYWORDS}
    raw["created_at"] = clean_time(raw.get("created_at"))[0] or now
    raw["result_json"] = json_column(raw.pop("result", None))[0] or NO_RESULT
    raw["request_json"] = json_column(raw.pop("request", None))[0]
    if raw.get("status") == RUNNING:
        raw.update(owner_host=owner.host, owner_pid=owner.pid, owner_start=owner.start, seen_at=now)
    elif raw.get("status") == BUDGET:
        raw["seen_at"] = now
    elif raw.get("finished_at") is None:
        raw["finished_at"] = now
    unknown = tuple(name for name in fields if name not in _RUN_KEYWORDS)
    return Entry("runs", _RUN.clean(raw, []), unknown)


def clean_columns(table: str, values: Mapping[str, object], notes: Sequence[str] = ()) -> Row:
    """Make a full, clean row of columns that are given by name; absent ones get their default.

    Args:
        table: Name of the table; for `call_facts` the columns that `early_outcomes` has besides.
        values: The columns.
        notes: What was cleaned of the entry already.

    Raises:
        TypeError: A name is no column of the table.
    """
    shape = {"interactions": _INTERACTION, "runs": _RUN, "call_facts": _EARLY}[table]
    if strangers := sorted(set(values) - set(shape.defaults)):
        raise TypeError(f"table {table} has no column {', '.join(strangers)}")
    notes = list(notes)
    row = shape.clean(values, notes)
    notes += _list_nul(row)
    if notes and "notes" in shape.defaults:
        row["notes"] = "; ".join([str(row["notes"])] * bool(row["notes"]) + notes)
    return row


def build_entry(table: str, values: Mapping[str, object]) -> Entry:
    """Build an entry of columns that are given by name, those of `call_facts` among them.

    Raises:
        KeyError: There is no such table.
        TypeError: A name is no column.
    """
    if table == "runs":
        return Entry(table, clean_columns(table, values))
    if table == "removals":
        return build_removal(values.get("entry_id"))
    facts = {name: value for name, value in values.items() if name in _FACT.defaults}
    row = {name: value for name, value in values.items() if name not in facts}
    notes: list[str] = []
    kept = _clean_facts(facts, notes)
    before = Before.ANYTHING if table == "interactions" else Before.NOTHING
    entry = Entry(table, clean_columns(table, row, notes), (), kept, before)
    if not entry.row["entry_id"] and table == "call_facts":
        raise TypeError("an outcome without a call")
    return entry


@dataclass(frozen=True)
class _Shape:
    """A table as cleaning sees it: what each column defaults to and who cleans it.

    Attributes:
        documents: JSON columns by the keyword of the value that they are made of.
    """

    defaults: Row
    cleaners: Mapping[str, Cleaner]
    documents: Mapping[str, str]

    @classmethod
    def of(cls, columns: tuple[Column, ...], documents: Mapping[str, str]) -> "_Shape":
        """Derive the shape from a table's columns."""
        return cls(
            {column.name: column.default for column in columns},
            {column.name: _CLEANERS[column.kind] for column in columns}
            | dict.fromkeys(documents, json_column),
            documents,
        )

    def clean(self, raw: Mapping[str, object], notes: list[str]) -> Row:
        """Fill a row by column or keyword; what is missing or unusable keeps its default."""
        row = self.defaults.copy()
        cleaners = self.cleaners
        for name, value in raw.items():
            if value is None:
                continue
            cleaner = cleaners[name]
            # Nearly every value is one of these, and not worth a call.
            if type(value) is str:
                if cleaner is clean_text and value.isascii():
                    row[name] = value
                    continue
            elif type(value) is int and cleaner is clean_count and 0 <= value <= MAX_COUNT:
                row[name] = value
                continue
            fit, note = cleaner(value)
            if note is not None:
                notes.append(f"{name}: {note}")
            if fit is not None:
                row[self.documents.get(name, name)] = fit
        return row


_INTERACTION: Final = _Shape.of(INTERACTIONS, _JSON_KEYWORDS)
_RUN: Final = _Shape.of(RUNS, {})
_FACT: Final = _Shape.of(FACTS, {})
_EARLY: Final = _Shape.of(tuple(column for column in EARLY_OUTCOMES if column not in FACTS), {})

_SEARCHED: Final = tuple(
    name for names in PLACES.values() for name in names if name in _INTERACTION.defaults
)
"""Columns of a call that a search looks into."""

_GIVEN_FACTS: Final = _INTERACTION_KEYWORDS & {*_FACT.defaults, *_FACT_KEYWORDS}


def _list_nul(row: Row) -> list[str]:
    """Note which texts hold a NUL; one that a row of before notes already is not noted again."""
    holding = [n for n in _SEARCHED if isinstance(text := row.get(n), str) and "\0" in text]
    if not holding:
        return holding
    noted = str(row.get("notes") or "")
    return [note for name in holding if (note := f"{name}: {HAS_NUL}") not in noted]


def _clean_facts(given: Mapping[str, object], notes: list[str]) -> Row:
    """Clean what is known besides the row; what does not fit is left out, and noted."""
    facts: Row = {}
    for name, value in given.items():
        if value is None:
            continue
        column = _FACT_KEYWORDS.get(name, name)
        clean = json_column if column.endswith("_json") else _FACT.cleaners[column]
        if clean is clean_text and type(value) is str and value.isascii():
            facts[column] = value
            continue
        fit, note = clean(value)
        if note is not None and clean is clean_real:
            # What stands in for it would be taken for what was measured.
            fit, note = None, "no such figure, left out"
        if note is not None:
            notes.append(f"{name}: {note}")
        if fit is not None:
            facts[column] = fit
    return facts


def _figures(figures: Row, fields: Mapping[str, object]) -> Row:
    """Complete the call's figures; the requested model stands in where none answered."""
    figures["model_name"] = figures.get("model_name") or fields.get("request_model")
    figures["usage_known"] = int(is_usage_known(figures, fields))
    return figures


def is_usage_known(figures: Mapping[str, object], fields: Mapping[str, object]) -> bool:
    """Return whether the tokens were reported.

    A provider that answers has counted something: zero for both is a missing report. A script or
    a replay may well say zero.
    """
    given, taken = figures.get("input_tokens"), figures.get("output_tokens")
    if fields.get("status") == STARTED or not _is_count(given) or not _is_count(taken):
        return False
    return bool(given or taken) or (fields.get("origin") or PROVIDER) != PROVIDER


def _is_count(value: object) -> bool:
    return type(value) is int or (value is not None and clean_count(value)[0] is not None)

"""Calls that share a key though they are not one: the second becomes a row of its own.

A program that gives all its calls the same ids would else leave the last one on record, and what
the others cost would be lost. It is decided in the transaction that writes the second: which
entries have to wait for that is told by the upsert, which changes nothing where two finished calls
differ (see `upsert`). See D79.
"""

import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import Final

import orjson

from forge_obs.database.rows.archived import read_texts
from forge_obs.environment.process import make_entry_id
from forge_obs.model.columns import CALL_KEY, MAX_COUNT, STARTED
from forge_obs.model.entries import Before, Entry, Row
from forge_obs.model.frames import ARCHIVED

TEXTS: Final = ("user_prompt", "response", "system_prompt")
"""Two calls are not one where both have one of these texts, and not the same."""

_DIFFERS: Final = " OR ".join(
    f"coalesce({name} <> '' AND :{name} <> '' AND {name} <> :{name}, 0)" for name in TEXTS
)
_OF_ATTEMPT: Final = " AND ".join(f"{name} = :{name}" for name in CALL_KEY[:-1])
_OF_KEY: Final = " AND ".join(f"{name} = :{name}" for name in CALL_KEY)
_OF_ENTRY: Final = "entry_id = :entry_id"


@dataclass(frozen=True)
class _Occupant:
    """The row that has a key.

    Attributes:
        archive_id: The frame that its texts are in, if any.
        is_another: It is a finished call with other texts.
        is_of_attempt: It was made in the same attempt of the same activity.
    """

    id: int
    archive_id: int | None
    seq: int | None
    is_another: bool
    is_of_attempt: bool


def part(driver: sqlite3.Connection, entry: Entry) -> Entry | None:
    """Return a call with keys of its own, if those that it has belong to another one, else None.

    The same call gets the same keys again, so that it may be delivered twice.

    Args:
        driver: In a transaction that has the write lock.
        entry: A call.
    """
    row = entry.row
    at_key = _find(driver, _OF_KEY, row) if entry.has_call_key else None
    occupant = at_key or _find(driver, _OF_ENTRY, row)
    if occupant is None or not occupant.is_another:
        return None
    entry_id, known = _choose_id(driver, entry)
    seq = row["seq"]
    if at_key is not None:
        seq = known.seq if known else _next_seq(driver, row)
    notes = [row["notes"]] if row["notes"] else []
    if seq != row["seq"]:
        notes.append(f"seq: {row['seq']} belongs to another call")
    is_named = entry.before is not Before.NOTHING
    if is_named and entry_id != row["entry_id"]:
        notes.append(f"entry_id: {row['entry_id']} belongs to another call")
    moved = {**row, "entry_id": entry_id, "seq": seq, "notes": "; ".join(map(str, notes))}
    own = is_named and entry_id == row["entry_id"]
    return replace(entry, row=moved, before=entry.before if own else Before.NOTHING)


def _choose_id(driver: sqlite3.Connection, entry: Entry) -> tuple[str, _Occupant | None]:
    """Choose the id of the row that the call has already, or is to get.

    One that `record()` made up says nothing of the call: it is kept only where its row is there.
    """
    row = entry.row
    own = str(row["entry_id"])
    match = _find(driver, _OF_ENTRY, row)
    ours = match is None or (match.is_of_attempt if entry.has_call_key else True)
    if ours and not (match and match.is_another) and (match or entry.before is not Before.NOTHING):
        return own, match
    # First the id of a call whose answer is not known yet, which may have come since.
    for response in ("", row["response"] or ""):
        derived = _derive_id(entry, str(response))
        match = _find(driver, _OF_ENTRY, {**row, "entry_id": derived})
        if not (match and match.is_another):
            return derived, match
    return make_entry_id(), None


def _derive_id(entry: Entry, response: str) -> str:
    """Make an id out of what the call is: a UUID of version 8, see RFC 9562."""
    row = entry.row
    keys = [row[name] for name in CALL_KEY] if entry.has_call_key else [row["entry_id"]]
    told = orjson.dumps([*keys, row["system_prompt"], row["user_prompt"], response])
    digest = sha256(told).hexdigest()
    return f"{digest[:12]}8{digest[13:16]}8{digest[17:32]}"


def _find(driver: sqlite3.Connection, where: str, row: Row) -> _Occupant | None:
    query = (
        f"SELECT id, archive_id, seq, status <> '{STARTED}', {_DIFFERS},"  # noqa: S608
        f" coalesce({_OF_ATTEMPT}, 0)"
        f" FROM interactions WHERE {where}"
    )
    values = driver.execute(query, row).fetchone()
    if values is None:
        return None
    number, archive_id, seq, is_finished, differs, is_of_attempt = values
    if is_finished and not differs and archive_id is not None:
        differs = _differs_from_archived(read_texts(driver, number, archive_id), row)
    is_another = bool(is_finished and differs)
    return _Occupant(number, archive_id, seq, is_another, bool(is_of_attempt))


def _differs_from_archived(texts: Mapping[str, str], row: Row) -> bool:
    known = ((texts.get(name), row[name]) for name in TEXTS)
    return any(old and new and old != new for old, new in known)


def leave_archived(driver: sqlite3.Connection, entry: Entry) -> Entry:
    """Return a call without the texts that its row has in an archive already.

    Args:
        driver: In a transaction that has the write lock.
        entry: A call that is the one on record.
    """
    row = entry.row
    at_key = _find(driver, _OF_KEY, row) if entry.has_call_key else None
    match = at_key or _find(driver, _OF_ENTRY, row)
    if match is None or match.archive_id is None:
        return entry
    texts = read_texts(driver, match.id, match.archive_id)
    same = [name for name in ARCHIVED if row[name] and texts.get(name) == row[name]]
    return replace(entry, row={**row, **dict.fromkeys(same, "")})


def _next_seq(driver: sqlite3.Connection, row: Row) -> int | None:
    """Give the number after all of the attempt; None if there is none."""
    query = f"SELECT max(seq) FROM interactions WHERE {_OF_ATTEMPT}"  # noqa: S608
    last = int(driver.execute(query, row).fetchone()[0])
    return last + 1 if last < MAX_COUNT else None

"""`record()`: the one call that instrumented code makes.

It never raises, hence the broad `except` clauses: an entry must never fail the work that it
describes. What becomes of it is `delivery`'s to see to.

See D42.
"""

import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Final, Literal, Unpack, overload

from forge_obs import delivery
from forge_obs.delivery import Fate, deliver, lose, warn_at_times, warn_once
from forge_obs.environment.entry import build_entry
from forge_obs.environment.process import get_db_path
from forge_obs.environment.redact_hook import GuardedHook, get_hook, redact
from forge_obs.errors import describe
from forge_obs.model.entries import Before, Entry
from forge_obs.model.keywords import (
    InteractionKeywords,
    OutcomeKeywords,
    RunKeywords,
    name_keywords,
)
from forge_obs.model.sdk_values import SDK_KEYWORDS
from forge_obs.spool import file as spool
from forge_obs.spool.format import Backlog

_STORED: Final = [Fate.STORED]


@overload
def record(kind: Literal["interaction"], /, **fields: Unpack[InteractionKeywords]) -> bool: ...


@overload
def record(kind: Literal["outcome"], /, **fields: Unpack[OutcomeKeywords]) -> bool: ...


@overload
def record(kind: Literal["run"], /, **fields: Unpack[RunKeywords]) -> bool: ...


def record(kind: object = None, /, *unexpected: object, **fields: object) -> bool:
    """Write one interaction, its outcome or one run to the store, and commit it.

    Never raises, not even where a value, the redaction hook or a log handler asks for an exit;
    `KeyboardInterrupt` and an exit that a signal handler asks for meanwhile pass. Waits at most
    `DEADLINE_S` for a locked database (`MIGRATE_S` when it must migrate) and `SPOOL_S` for the
    spool. The same call key (`run_id`, `activity_id`, `activity_attempt`, `seq`) or `entry_id`
    again merges into its row: `started` never changes a finished one, null never replaces a value;
    but a `status` that is left out is `ok`. Calls with other prompts or answers are kept apart. An
    outcome is added to the call that its `entry_id` names; one that comes before its call waits
    for it a week. Call it through `asyncio.to_thread` in async code.

    Args:
        kind: `"interaction"` for one request to a model, `"outcome"` for what became of its
            answer, `"run"` for one execution of a task.
        unexpected: Nothing; whatever is given here is ignored with a warning.
        fields: The entry. An unknown keyword of an interaction goes to `extra_json`.

    Returns:
        True if the row is in the database. False if it is not there now: the store is off, or
        the entry waits in the spool until it can be written, or it was lost. `get_backlog` tells
        how many wait and how many were lost.
    """
    return record_after(None, kind, unexpected, fields)


def record_after(
    before: Before | None, kind: object, unexpected: tuple[object, ...], fields: dict[str, object]
) -> bool:
    """Do what `record` does, where it is known `before` what the store may hold of the call."""
    path: Path | None = None
    try:
        path = get_db_path()
        if path is None:
            return False
        entry = build(kind, unexpected, fields, get_hook())
        return deliver(path, [entry if before is None else entry.after(before)]) == _STORED
    except Exception as error:
        with suppress(Exception):
            lose(path, describe(error))
        return False


def lost_count() -> int:
    """Count the entries that this process could neither store nor put into the spool."""
    return delivery.count_lost()


def get_backlog(db_path: str | os.PathLike[str]) -> Backlog:
    """Count the entries of a store that wait in its spool, and those that are lost.

    All processes' are counted, except losses that another one could write down nowhere. Changes
    nothing.

    Raises:
        SpoolUnavailable: The spool cannot be read.
    """
    path = Path(db_path).absolute()
    backlog = spool.read_backlog(path)
    return replace(backlog, lost=backlog.lost + delivery.count_unsaved(path))


def flush() -> None:
    """Store what waits, move it into the database file and close it; never raises.

    Every `record()` that returned True is in the database already. A later `record()` opens the
    database again.
    """
    for path in delivery.list_spooled():
        delivery.catch_up(path, timeout_s=delivery.DEADLINE_S)
    with suppress(Exception):
        delivery.load("handle").close_databases(wait_s=delivery.DEADLINE_S)


def build(
    kind: object,
    unexpected: tuple[object, ...],
    fields: Mapping[str, object],
    hook: GuardedHook | None,
) -> Entry:
    """Build what `record()` was given as it may be written, with a warning where something is off.

    Raises:
        StoreError: Nothing can be made of it.
    """
    if unexpected:
        warn_once("ignored positional arguments of record(); it takes keywords")
    if not SDK_KEYWORDS.isdisjoint(fields):
        delivery.load("sdk")
    entry, dropped = build_entry(kind, fields)
    if dropped:
        warn_once(f"record({kind!r}) dropped values that raise: {name_keywords(dropped)}")
    if entry.unknown:
        where = "kept in extra_json" if entry.table == "interactions" else "ignored"
        warn_once(f"record({kind!r}) does not know {name_keywords(entry.unknown)}: {where}")
    return redacted(entry, hook)


def redacted(entry: Entry, hook: GuardedHook | None) -> Entry:
    """Give the entry as it may be written; warns where the redaction hook failed."""
    entry, failure = redact(entry, hook)
    if failure is not None:
        warn_at_times(failure, "%s: texts were dropped", failure)
    return entry

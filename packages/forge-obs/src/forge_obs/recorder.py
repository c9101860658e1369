"""`record()`: the one call that instrumented code makes.

It never raises. What the database cannot take now it puts into the spool, and what finds no room
there it counts. Hence the broad `except` clauses: an entry must never fail the work
that it describes.

See D42.
"""

import logging
import os
import time
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass, field, replace
from functools import cache, partial
from pathlib import Path
from threading import get_ident
from types import ModuleType
from typing import Final, Literal, Unpack, overload

from forge_obs.breaker import Breaker, Losses
from forge_obs.environment import redact_hook as redactor
from forge_obs.environment.entry import FOREIGN, build_entry
from forge_obs.environment.process import get_db_path
from forge_obs.errors import SpoolUnavailable, describe, is_about_the_entry
from forge_obs.fork_lock import ForkLock, importing
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

DEADLINE_S: Final = 2.0
"""How long one call waits for a locked database, in seconds."""

MIGRATE_S: Final = 30.0
"""How long the first call waits that finds no schema, or an older one."""

PROBE_S: Final = 0.25
"""How long a call waits that tries whether a failed store works again."""

SPOOL_S: Final = 1.0
"""How long a call waits at most for the spool when the database failed, in seconds."""

_LOCK_S: Final = 0.1
"""How long a call waits to change what this process knows, in seconds."""

_LOOK_S: Final = 0.001
"""How long what another process spooled may wait to be noticed, in seconds."""

_log: Final = logging.getLogger("forge_obs")
_UNCHANGED: Final = Breaker()


@dataclass
class _State:
    """What this process knows about its stores; changed under the lock.

    Attributes:
        unsaved: Losses that no file counts yet.
        spooled: Stores whose spool this process put entries into.
        next_looks: When, on the monotonic clock, to look for what other processes spooled.
    """

    losses: Losses = field(default_factory=Losses)
    breakers: dict[Path | None, Breaker] = field(default_factory=dict)
    unsaved: dict[Path, int] = field(default_factory=dict)
    spooled: set[Path] = field(default_factory=set)
    next_looks: dict[Path, float] = field(default_factory=dict)


_state: Final = _State()
_lock: Final = ForkLock()
_writing: Final[set[int]] = set()
"""Threads that write an entry at this moment."""


def _count_anew() -> None:
    """In a child: leave its parent's losses to the parent, which writes them down itself."""
    _writing.clear()
    _state.losses = replace(_state.losses, total=0)
    _state.unsaved.clear()


os.register_at_fork(after_in_child=_count_anew)


def _changing() -> AbstractContextManager[bool]:
    """Keep others from changing the state: better a count off by one than standing still."""
    return _lock.held(_LOCK_S)


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
        entry = _build(kind, unexpected, fields)
        return _record(path, entry if before is None else entry.after(before))
    except Exception as error:
        with suppress(Exception):
            _lose(path, describe(error))
        return False


def lost_count() -> int:
    """Count the entries that this process could neither store nor put into the spool."""
    return _state.losses.total


def get_backlog(db_path: str | os.PathLike[str]) -> Backlog:
    """Count the entries of a store that wait in its spool, and those that are lost.

    All processes' are counted, except losses that another one could write down nowhere. Changes
    nothing.

    Raises:
        SpoolUnavailable: The spool cannot be read.
    """
    path = Path(db_path).absolute()
    found = spool.read_backlog(path)
    return replace(found, lost=found.lost + _state.unsaved.get(path, 0))


def flush() -> None:
    """Store what waits, move it into the database file and close it; never raises.

    Every `record()` that returned True is in the database already. A later `record()` opens the
    database again.
    """
    for path in tuple(_state.spooled):
        catch_up(path, timeout_s=DEADLINE_S)
    with suppress(Exception):
        _load("handle").close_databases(wait_s=DEADLINE_S)


def catch_up(path: Path, *, timeout_s: float) -> None:
    """Store what waits in the spool, as far as that works now; never raises.

    Args:
        path: Absolute path of the database.
        timeout_s: How long it may take, in seconds.
    """
    with suppress(Exception):
        if spool.has_entries(path):
            _load("drain").drain_all(path, partial(_lose_lines, path), timeout_s=timeout_s)


def _build(kind: object, unexpected: tuple[object, ...], fields: dict[str, object]) -> Entry:
    if unexpected:
        _warn_once("ignored positional arguments of record(); it takes keywords")
    if not SDK_KEYWORDS.isdisjoint(fields):
        _load("sdk")
    entry, dropped = build_entry(kind, fields)
    if dropped:
        _warn_once(f"record({kind!r}) dropped values that raise: {name_keywords(dropped)}")
    if entry.unknown:
        where = "kept in extra_json" if entry.table == "interactions" else "ignored"
        _warn_once(f"record({kind!r}) does not know {name_keywords(entry.unknown)}: {where}")
    return redacted(entry)


def redacted(entry: Entry) -> Entry:
    """Give the entry as it may be written; warns where the redaction hook failed."""
    entry, failure = redactor.redact(entry)
    if failure is not None:
        _warn_at_times(failure, "%s: texts were dropped", failure)
    return entry


def _record(path: Path, entry: Entry) -> bool:
    """Write an entry, or set it aside where a signal handler interrupted this thread in here."""
    thread = get_ident()
    if thread in _writing:
        _set_aside(path, entry)
        return False
    try:
        _writing.add(thread)
        return _write(path, entry)
    finally:
        _writing.discard(thread)


def _write(path: Path, entry: Entry) -> bool:
    breaker = _state.breakers.get(path, _UNCHANGED)
    now = time.monotonic()
    if not breaker.allows(now):
        _set_aside(path, entry)
        return False
    wait_s = PROBE_S if breaker.failures else DEADLINE_S
    try:
        if _has_spooled(path, now) and _is_queued(path, entry, wait_s / 2):
            return False
        left_s = max(PROBE_S, now + wait_s - time.monotonic())
        _load("writer").write_at(path, entry, timeout_s=left_s, migrate_s=MIGRATE_S)
        _load("handle").keep_up(path)
    except Exception as error:
        _fail(path, entry, error)
        return False
    if breaker.failures:
        _recover(path)
    return True


def _has_spooled(path: Path, now: float) -> bool:
    """Tell whether entries wait; those of another process may be noticed a moment later.

    Each look lets go of the interpreter's lock, for which the thread then queues behind the others.
    """
    if path not in _state.spooled and now < _state.next_looks.get(path, now):
        return False
    found = spool.has_entries(path)
    if not found:
        _state.next_looks[path] = now + _LOOK_S
    return found


def _is_queued(path: Path, entry: Entry, wait_s: float) -> bool:
    """Store some of what waits, and queue the entry behind what still does.

    What waits was recorded earlier, by whichever process: it would turn back what overtakes it.

    Returns:
        False if nothing waits any more, or if the spool takes no entry or has grown long: one out
        of turn is better than one that is lost.
    """
    try:
        lose = partial(_lose_lines, path)
        if _load("drain").drain_batch(path, lose, timeout_s=wait_s, migrate_s=MIGRATE_S):
            return False
        if spool.is_long(path):
            return False
    except SpoolUnavailable as error:
        _warn_at_times(describe(error), "entries wait and cannot be stored: %s", error)
    with suppress(SpoolUnavailable):
        _append(path, entry)
        return True
    return False


@cache
def _load(module: Literal["drain", "handle", "sdk", "writer"]) -> ModuleType:
    """Import what is slow to import, when there is something to write.

    By statements, which a tool that packs a program into one file looks for.
    """
    with importing():
        if module == "drain":
            from forge_obs.spool import drain  # noqa: PLC0415

            return drain
        if module == "sdk":
            from forge_obs.model.conversation import answers  # noqa: PLC0415
            from forge_obs.model.usage import figures  # noqa: F401, PLC0415

            return answers
        if module == "handle":
            from forge_obs.database import handle  # noqa: PLC0415

            return handle
        from forge_obs.database import writer  # noqa: PLC0415

        return writer


def _fail(path: Path, entry: Entry, error: Exception) -> None:
    """Lose an entry that no database takes; keep any other, and leave the store alone a while."""
    if is_about_the_entry(error):
        _lose(path, describe(error))
        return
    now = time.monotonic()
    with _changing():
        _state.breakers[path] = _state.breakers.get(path, _UNCHANGED).failed(now)
    _set_aside(path, entry, describe(error))


def _set_aside(path: Path, entry: Entry, reason: str = "") -> None:
    """Put an entry into the spool, or count it as lost; says so where a reason is given."""
    try:
        _append(path, entry)
    except Exception as error:
        _lose(path, "; ".join(filter(None, dict.fromkeys([reason, describe(error)]))))
        return
    if reason:
        place = spool.get_spool_path(path)
        _warn_at_times(reason, "not stored yet: %s; entries wait in %s", reason, place)


def _append(path: Path, entry: Entry) -> None:
    spool.append(path, entry, timeout_s=SPOOL_S)
    _state.spooled.add(path)


def _lose(path: Path | None, reason: str) -> None:
    """Count an entry as lost, here and where other processes see it, and maybe warn."""
    with _changing():
        _state.losses = _state.losses.lost()
    _count_lost(path, 1)
    total = _state.losses.total
    _warn_at_times(reason, "not stored: %s; %d lost so far (database: %s)", reason, total, path)


def _lose_lines(path: Path, number: int) -> None:
    """Count lines of the spool that hold nothing of use, and maybe warn."""
    _count_lost(path, number)
    _warn_at_times("unusable", "%d torn or unusable entries lost (%s)", number, path)


def _count_lost(path: Path | None, number: int) -> None:
    if path is not None:
        with _changing():
            _state.unsaved[path] = _state.unsaved.get(path, 0) + number
        _save_losses(path)


def _save_losses(path: Path) -> None:
    """Write down losses that no file counts yet; those that find no place are kept for later."""
    with _changing():
        number = _state.unsaved.pop(path, 0)
    if not number:
        return
    try:
        spool.add_lost(path, number)
    except Exception:
        with _changing():
            _state.unsaved[path] = _state.unsaved.get(path, 0) + number


def _recover(path: Path) -> None:
    with _changing():
        _state.breakers.pop(path, None)
    _save_losses(path)
    lost = _state.losses.total
    _warn_at_times("recovery", "the store works again; %d entries were lost (%s)", lost, path)


def _warn_once(message: str) -> None:
    if _state.losses.is_new(message):
        _warn_at_times(message, "%s", message)


def _warn_at_times(kind: str, message: str, *details: object) -> None:
    """Log a line, at most one per kind and minute."""
    now = time.monotonic()
    with _changing():
        warn = _state.losses.should_warn(kind, now)
        if warn:
            _state.losses = _state.losses.warned(kind, now)
    # A handler of the host program that fails must not cost the entry.
    with suppress(*FOREIGN):
        if warn:
            _log.warning(message, *details)

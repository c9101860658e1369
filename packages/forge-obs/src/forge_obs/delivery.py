"""What becomes of entries: stored, else kept in the spool, else counted as lost.

Nothing here raises but what interrupts a thread. What the database cannot take now waits in the
spool, in order, and what finds no room there is counted. Hence the broad `except` clauses: an entry
must never fail the work that it describes.

See D42.
"""

import logging
import os
import time
from collections.abc import Sequence
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass, field, replace
from enum import Enum
from functools import cache, partial
from pathlib import Path
from threading import get_ident
from types import ModuleType
from typing import Final, Literal

from forge_obs.breaker import Breaker, Losses
from forge_obs.environment.entry import FOREIGN
from forge_obs.errors import SpoolUnavailable, describe, is_about_the_entry
from forge_obs.fork_lock import ForkLock, importing
from forge_obs.model.entries import Entry
from forge_obs.spool import file as spool

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


class Fate(Enum):
    """What became of an entry."""

    STORED = "stored"
    """It is in the database, committed."""
    WAITING = "waiting"
    """It waits in the spool until the database takes it."""
    LOST = "lost"
    """It is counted, and gone."""
    OFF = "off"
    """The store is off."""


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


def deliver(path: Path, entries: Sequence[Entry]) -> list[Fate]:
    """Write entries in one transaction; set them aside where that cannot be done now.

    Waits at most `DEADLINE_S` for a locked database (`MIGRATE_S` when it must migrate) and
    `SPOOL_S` for the spool.

    Returns:
        What became of each. A signal handler that interrupts this thread in here has its entries
        set aside.
    """
    thread = get_ident()
    if thread in _writing:
        return _set_aside(path, entries)
    try:
        _writing.add(thread)
        return _write(path, entries)
    finally:
        _writing.discard(thread)


def _write(path: Path, entries: Sequence[Entry]) -> list[Fate]:
    breaker = _state.breakers.get(path, _UNCHANGED)
    now = time.monotonic()
    if not breaker.allows(now):
        return _set_aside(path, entries)
    wait_s = PROBE_S if breaker.failures else DEADLINE_S
    queued = 0
    try:
        if _has_spooled(path, now) and (queued := _queue(path, entries, wait_s / 2)):
            entries = entries[queued:]
        left_s = max(PROBE_S, now + wait_s - time.monotonic())
        refusals = load("writer").write_at(path, entries, timeout_s=left_s, migrate_s=MIGRATE_S)
        load("handle").keep_up(path)
    except Exception as error:
        return [Fate.WAITING] * queued + _fail(path, entries, error)
    if breaker.failures and entries:
        _recover(path)
    fates = [_judge(path, r) if r is not None else Fate.STORED for r in refusals]
    return [Fate.WAITING] * queued + fates if queued else fates


def _judge(path: Path, refusal: Exception) -> Fate:
    """Lose an entry that no database takes."""
    lose(path, describe(refusal))
    return Fate.LOST


def _has_spooled(path: Path, now: float) -> bool:
    """Tell whether entries wait; those of another process may be noticed a moment later.

    Each look lets go of the interpreter's lock, for which the thread then queues behind the others.
    """
    if path not in _state.spooled and now < _state.next_looks.get(path, now):
        return False
    has_entries = spool.has_entries(path)
    if not has_entries:
        _state.next_looks[path] = now + _LOOK_S
    return has_entries


def _queue(path: Path, entries: Sequence[Entry], wait_s: float) -> int:
    """Store some of what waits, and queue entries behind what still does.

    What waits was recorded earlier, by whichever process: it would turn back what overtakes it.

    Returns:
        How many queue. None if nothing waits any more; the last ones do not where the spool takes
        no more, or has grown long: one out of turn is better than one that is lost.
    """
    try:
        forget = partial(_lose_lines, path)
        if load("drain").drain_batch(path, forget, timeout_s=wait_s, migrate_s=MIGRATE_S):
            return 0
        if spool.is_long(path):
            return 0
    except SpoolUnavailable as error:
        warn_at_times(describe(error), "entries wait and cannot be stored: %s", error)
    with suppress(SpoolUnavailable):
        return _append(path, entries, SPOOL_S)
    return 0


@cache
def load(module: Literal["drain", "handle", "sdk", "writer"]) -> ModuleType:
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


def _fail(path: Path, entries: Sequence[Entry], error: Exception) -> list[Fate]:
    """Set entries aside that the database does not take, and leave the store alone a while."""
    if is_about_the_entry(error):
        lose(path, describe(error), len(entries))
        return [Fate.LOST] * len(entries)
    now = time.monotonic()
    with _changing():
        _state.breakers[path] = _state.breakers.get(path, _UNCHANGED).failed(now)
    return _set_aside(path, entries, describe(error))


def _set_aside(path: Path, entries: Sequence[Entry], reason: str = "") -> list[Fate]:
    """Put entries into the spool, or count them as lost; says so where a reason is given.

    Those behind one that finds no room are tried as long as there is time.
    """
    fates: list[Fate] = []
    give_up = time.monotonic() + SPOOL_S
    while rest := entries[len(fates) :]:
        try:
            waiting = _append(path, rest, max(0.0, give_up - time.monotonic()))
        except Exception as error:
            lost = 1 if time.monotonic() < give_up else len(rest)
            told = "; ".join(filter(None, dict.fromkeys([reason, describe(error)])))
            lose(path, told, lost)
            fates += [Fate.LOST] * lost
        else:
            fates += [Fate.WAITING] * waiting
    if reason and Fate.WAITING in fates:
        place = spool.get_spool_path(path)
        warn_at_times(reason, "not stored yet: %s; entries wait in %s", reason, place)
    return fates


def _append(path: Path, entries: Sequence[Entry], timeout_s: float) -> int:
    taken = spool.append(path, entries, timeout_s=timeout_s)
    _state.spooled.add(path)
    return taken


def lose(path: Path | None, reason: str, number: int = 1) -> None:
    """Count entries as lost, here and where other processes see it, and maybe warn."""
    with _changing():
        _state.losses = _state.losses.lost(number)
    _count_lost(path, number)
    total = _state.losses.total
    warn_at_times(reason, "not stored: %s; %d lost so far (database: %s)", reason, total, path)


def count_lost() -> int:
    """Count the entries that this process lost."""
    return _state.losses.total


def count_unsaved(path: Path) -> int:
    """Count the losses of this process that no file of a store counts yet."""
    return _state.unsaved.get(path, 0)


def list_spooled() -> list[Path]:
    """List the stores whose spool this process put entries into."""
    return list(_state.spooled)


def catch_up(path: Path, *, timeout_s: float) -> None:
    """Store what waits in the spool, as far as that works now; never raises.

    Args:
        path: Absolute path of the database.
        timeout_s: How long it may take, in seconds.
    """
    with suppress(Exception):
        if spool.has_entries(path):
            load("drain").drain_all(path, partial(_lose_lines, path), timeout_s=timeout_s)


def _lose_lines(path: Path, number: int) -> None:
    """Count lines of the spool that hold nothing of use, and maybe warn."""
    _count_lost(path, number)
    warn_at_times("unusable", "%d torn or unusable entries lost (%s)", number, path)


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
    warn_at_times("recovery", "the store works again; %d entries were lost (%s)", lost, path)


def warn_once(message: str) -> None:
    """Log a line that is said once in a process."""
    if _state.losses.is_new(message):
        warn_at_times(message, "%s", message)


def warn_at_times(kind: str, message: str, *details: object) -> None:
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

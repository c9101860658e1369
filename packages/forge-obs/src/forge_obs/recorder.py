"""`record()`: the one call that instrumented code makes.

It never raises, and what it cannot write it counts. This is the only place that catches
everything: an entry must never fail the work that it describes.
"""

import logging
import time
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final, Literal, Protocol, Unpack, overload
from uuid import uuid4

from forge_obs.breaker import Breaker, Losses
from forge_obs.entries import Entry, build_interaction, build_run
from forge_obs.errors import StoreError
from forge_obs.keywords import InteractionKeywords, RunKeywords
from forge_obs.locks import ForkLock
from forge_obs.process import get_db_path, get_now, get_owner

DEADLINE_S: Final = 2.0
"""How long one call waits for a locked database, in seconds."""

MIGRATE_S: Final = 30.0
"""How long the first call waits that finds no schema, or an older one."""

PROBE_S: Final = 0.25
"""How long a call waits that tries whether a failed store works again."""

_log: Final = logging.getLogger("forge_obs")
_UNCHANGED: Final = Breaker()


@dataclass
class _State:
    """What this process knows about its stores; changed under the lock."""

    losses: Losses
    breakers: dict[Path | None, Breaker]


_state: Final = _State(Losses(), {})
_lock: Final = ForkLock()


@overload
def record(kind: Literal["interaction"], /, **fields: Unpack[InteractionKeywords]) -> bool: ...


@overload
def record(kind: Literal["run"], /, **fields: Unpack[RunKeywords]) -> bool: ...


def record(kind: object = None, /, *unexpected: object, **fields: object) -> bool:
    """Write one interaction or one run to the store, and commit it.

    Never raises and waits at most `DEADLINE_S` for a locked database (`MIGRATE_S` when it must
    migrate). The same call key (`run_id`, `activity_id`, `activity_attempt`, `seq`) or `entry_id`
    again merges into its row: `started` never changes a finished one, null never replaces a
    value. Call it through `asyncio.to_thread` in async code.

    Args:
        kind: `"interaction"` for one request to a model, `"run"` for one execution of a task.
        unexpected: Nothing; whatever is given here is ignored with a warning.
        fields: The entry. An unknown keyword of an interaction goes to `extra_json`.

    Returns:
        True if the row is in the database. False if it is not: the store is off, or the entry
        was lost, which is counted and logged.
    """
    path: Path | None = None
    try:
        path = get_db_path()
        if path is None:
            return False
        return _record(path, _build(kind, unexpected, fields))
    except Exception as error:
        with suppress(Exception):
            _lose(path, error, hold=False)
        return False


def lost_count() -> int:
    """Count the entries that this process could not store."""
    return _state.losses.total


def flush() -> None:
    """Move what was written into the database file and close it; never raises.

    Every `record()` that returned True is in the database already, so there is nothing to wait
    for. A later `record()` opens the database again.
    """
    with suppress(Exception):
        from forge_obs.engine import close_databases  # noqa: PLC0415 - see `_load_writer`

        close_databases(wait_s=DEADLINE_S)


def _build(kind: object, unexpected: tuple[object, ...], fields: dict[str, object]) -> Entry:
    if unexpected:
        _warn_once("ignored positional arguments of record(); it takes keywords")
    now = get_now()
    if kind == "interaction":
        entry = build_interaction(fields, entry_id=uuid4().hex, now=now)
    elif kind == "run":
        entry = build_run(fields, owner=get_owner(), now=now)
    else:
        raise StoreError("record() knows 'interaction' and 'run', no other kind")
    if entry.unknown:
        where = "kept in extra_json" if entry.table == "interactions" else "ignored"
        names = ", ".join(ascii(name) for name in entry.unknown)
        _warn_once(f"record({kind!r}) does not know {names}: {where}")
    return entry


def _record(path: Path, entry: Entry) -> bool:
    breaker = _state.breakers.get(path, _UNCHANGED)
    if not breaker.allows(time.monotonic()):
        _count_loss()
        return False
    try:
        wait_s = PROBE_S if breaker.failures else DEADLINE_S
        _load_writer()(path, entry, timeout_s=wait_s, migrate_s=MIGRATE_S)
    except Exception as error:
        _lose(path, error, hold=not _is_about_the_entry(error))
        return False
    if breaker.failures:
        _recover(path)
    return True


class _Writer(Protocol):
    def __call__(self, path: Path, entry: Entry, *, timeout_s: float, migrate_s: float) -> None: ...


@cache
def _load_writer() -> _Writer:
    # Not at the top: SQLAlchemy is loaded when there is something to write.
    from forge_obs.writer import write_at  # noqa: PLC0415

    return write_at


def _is_about_the_entry(error: Exception) -> bool:
    """Whether only this row is at fault, so that the store is worth trying with the next."""
    kinds = {type(error).__name__, type(getattr(error, "orig", None)).__name__}
    return bool(kinds & {"IntegrityError", "DataError", "InterfaceError", "UnicodeEncodeError"})


def _count_loss() -> None:
    with _lock:
        _state.losses = _state.losses.lost()


def _lose(path: Path | None, error: Exception, *, hold: bool) -> None:
    """Count an entry, leave the store alone for a while if it is at fault, and maybe warn."""
    kind = _describe(error)
    now = time.monotonic()
    with _lock:
        _state.losses = _state.losses.lost()
        if hold:
            _state.breakers[path] = _state.breakers.get(path, _UNCHANGED).failed(now)
        warn = _state.losses.should_warn(kind, now)
        if warn:
            _state.losses = _state.losses.warned(kind, now)
        total = _state.losses.total
    if warn:
        _warn("not stored: %s; %d lost so far (database: %s)", kind, total, path)


def _recover(path: Path) -> None:
    with _lock:
        _state.breakers.pop(path, None)
    _warn("the store works again; %d entries were not stored", _state.losses.total)


def _describe(error: Exception) -> str:
    """Name a failure without anything of the entry: no SQL, no parameters, no text of it."""
    if isinstance(error, StoreError):
        return str(error)
    cause = getattr(error, "orig", None) or error
    detail = getattr(cause, "sqlite_errorname", None) or getattr(cause, "strerror", None)
    return f"{type(cause).__name__} {detail}" if detail else type(cause).__name__


def _warn_once(message: str) -> None:
    now = time.monotonic()
    with _lock:
        warn = message not in _state.losses.warned_at
        if warn:
            _state.losses = _state.losses.warned(message, now)
    if warn:
        _warn("%s", message)


def _warn(message: str, *details: object) -> None:
    # A handler of the host program that fails must not cost the entry.
    with suppress(Exception):
        _log.warning(message, *details)

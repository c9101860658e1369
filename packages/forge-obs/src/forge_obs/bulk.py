"""`record_many()`: what `record()` does, for many calls in a few transactions.

It never raises, hence the broad `except` clause, as in `recorder`.

See D97.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final, TypeVar

from forge_obs.delivery import Fate, deliver, lose
from forge_obs.environment.entry import FOREIGN
from forge_obs.environment.process import get_db_path
from forge_obs.environment.redact_hook import GuardedHook, get_hook
from forge_obs.errors import StoreError, describe
from forge_obs.model.entries import Entry, build_removal
from forge_obs.recorder import build

__all__ = ["Fate", "record_many", "record_rows", "remove_calls"]

MOST_ROWS: Final = 128
"""How many entries a transaction takes at most: other writers wait for it."""

MOST_CHARACTERS: Final = 1_000_000
"""After how many characters of their texts it takes no more."""

_Given = TypeVar("_Given")


def record_many(entries: Iterable[Mapping[str, object]]) -> list[Fate]:
    """Write many interactions to the store, in their order, and commit them.

    Does for each what `record("interaction", ...)` does, in the same way: it never raises, values
    are cleaned and redacted, calls merge by their keys, what the database cannot take now waits in
    the spool, and an entry that is at fault costs no other. But some hundred of them share a
    transaction, so that each takes a fraction of the time. Waits for a locked database as long as
    `record()` does, once for all that come soon after.

    Args:
        entries: Keywords of `record("interaction", ...)`, one mapping for each call.

    Returns:
        What became of each.
    """
    return _deliver_all(entries, _build_call)


def record_rows(rows: Iterable[Mapping[str, object] | Entry]) -> list[Fate]:
    """Do what `record_many` does, where some entries are built and redacted already."""
    return _deliver_all(rows, _build_row)


def remove_calls(entry_ids: Iterable[str]) -> int:
    """Take calls off the record that turned out to be none; never raises.

    Calls that belong to a run, or whose texts are archived, stay. A call that waits in the spool is
    removed when it has been stored.

    Returns:
        How many of the removals are done; the others wait in the spool, or are lost.
    """
    return _deliver_all(entry_ids, lambda entry_id, _: build_removal(entry_id)).count(Fate.STORED)


def _build_row(row: Mapping[str, object] | Entry, hook: GuardedHook | None) -> Entry:
    return row if isinstance(row, Entry) else _build_call(row, hook)


def _build_call(fields: Mapping[str, object], hook: GuardedHook | None) -> Entry:
    return build("interaction", (), fields if type(fields) is dict else dict(fields), hook)


def _deliver_all(
    given: Iterable[_Given], build_one: Callable[[_Given, GuardedHook | None], Entry]
) -> list[Fate]:
    fates: list[Fate] = []
    items: list[_Given] = []
    path: Path | None = None
    try:
        path = get_db_path()
        items = _list(given)
        if path is None:
            return [Fate.OFF] * len(items)
        hook = get_hook()
        for chunk in _chunk(_build_all(path, items, lambda item: build_one(item, hook))):
            fates += _deliver(path, chunk)
    except Exception as error:
        missing = len(items) - len(fates)
        with suppress(Exception):
            lose(path, describe(error), max(1, missing))
        fates += [Fate.LOST] * missing
    return fates


def _list(given: Iterable[_Given]) -> list[_Given]:
    try:
        return list(given)
    except FOREIGN as error:
        raise StoreError("record_many() was given something else than entries") from error


def _build_all(
    path: Path, items: Sequence[_Given], build_one: Callable[[_Given], Entry]
) -> Iterator[Entry | None]:
    """Build the entries; None for those of which nothing can be made, which are lost."""
    for item in items:
        try:
            yield build_one(item)
        except FOREIGN as error:
            lose(path, describe(error) if isinstance(error, Exception) else "an exit")
            yield None


def _chunk(entries: Iterable[Entry | None]) -> Iterator[list[Entry | None]]:
    """Split what is written into transactions, none of which takes others long to wait for."""
    chunk: list[Entry | None] = []
    length = 0
    for entry in entries:
        chunk.append(entry)
        length += entry.length if entry else 0
        if len(chunk) >= MOST_ROWS or length >= MOST_CHARACTERS:
            yield chunk
            chunk, length = [], 0
    if chunk:
        yield chunk


def _deliver(path: Path, chunk: Sequence[Entry | None]) -> list[Fate]:
    fates = iter(deliver(path, [entry for entry in chunk if entry is not None]))
    return [Fate.LOST if entry is None else next(fates) for entry in chunk]

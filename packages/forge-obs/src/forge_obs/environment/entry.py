"""Entries of this process: their ids, moment and owner are its own."""

from collections.abc import Mapping, Sequence
from typing import Final

from forge_obs.environment.process import get_now, get_owner, make_entry_id
from forge_obs.errors import StoreError
from forge_obs.model.entries import Entry, build_interaction, build_outcome, build_run

FOREIGN: Final = (Exception, SystemExit)
"""What values of others, their hooks and log handlers may raise; elsewhere an exit is meant."""


def build_entry(kind: object, fields: Mapping[str, object]) -> tuple[Entry, Sequence[str]]:
    """Build what `record()` was given, without the values that raise when they are looked at.

    Returns:
        The entry, and the keywords whose values were dropped.

    Raises:
        StoreError: There is no such kind, or nothing can be made of the values.
    """
    try:
        return _build(kind, fields), ()
    except StoreError:
        raise
    except FOREIGN:
        return _build_without_hostile(kind, fields)


def _build(kind: object, fields: Mapping[str, object]) -> Entry:
    if kind == "interaction":
        entry_id = "" if fields.get("entry_id") else make_entry_id()
        return build_interaction(fields, entry_id=entry_id, now=get_now())
    if kind == "outcome":
        return build_outcome(fields, now=get_now())
    if kind == "run":
        return build_run(fields, owner=get_owner(), now=get_now())
    raise StoreError("record() knows 'interaction', 'outcome' and 'run', no other kind")


def _build_without_hostile(
    kind: object, fields: Mapping[str, object]
) -> tuple[Entry, Sequence[str]]:
    kept = {name: value for name, value in fields.items() if _can_build(kind, {name: value})}
    dropped = [name for name in fields if name not in kept]
    try:
        entry = _build(kind, kept)
    except SystemExit as error:
        raise StoreError("the values of an entry raise by turns") from error
    if "notes" in entry.row:
        notes = [f"{name}: dropped, it raises" for name in dropped if name.isidentifier()]
        entry.row["notes"] = "; ".join([*filter(None, [entry.row["notes"]]), *notes])  # type: ignore[list-item]
    return entry, dropped


def _can_build(kind: object, fields: Mapping[str, object]) -> bool:
    try:
        _build(kind, fields)
    except FOREIGN:
        return False
    return True

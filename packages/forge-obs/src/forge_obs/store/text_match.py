"""The condition for rows that hold a text, as SQLite works it out."""

from collections.abc import Collection, Sequence

from sqlalchemy import ColumnElement, LargeBinary, and_, cast, column, func, or_

from forge_obs.model.search import HAS_NUL, TextSearch
from forge_obs.store.queries import Field


def build_match(
    search: TextSearch, names: Sequence[str], present: Collection[str]
) -> ColumnElement[bool]:
    """Write the condition that a row holds a text, in upper or lower case of ASCII.

    LIKE is by far the fastest, and ends at a NUL. Rows with one say so in `notes`, and are looked
    through once more, as bytes. Facts have no notes: the few that are searched are short.

    Args:
        search: What to look for, which LIKE can.
        names: The columns to look into.
        present: Columns of the call's own row.
    """
    if search.like is None or search.utf8 is None:
        raise ValueError("LIKE cannot look for that")
    pattern, escape = search.like
    text = search.utf8.lower()
    own: list[Field] = [column(name) for name in names if name in present]
    facts = [_hold_bytes(column(name), text) for name in names if name not in present]
    alike = [each.like(pattern, escape=escape) for each in own]
    if not own or "notes" not in present:
        return or_(*alike, *facts)
    notes: Field = column("notes")
    held = or_(*(_hold_bytes(each, text) for each in own))
    with_nul = and_(notes.is_not(None), notes.like(f"%{HAS_NUL}%"), held)
    return or_(*alike, *facts, with_nul)


def _hold_bytes(text: Field, part: bytes) -> ColumnElement[bool]:
    # In this order: to call functions of what is not there takes a fiftieth of the whole search.
    return and_(text.is_not(None), func.instr(cast(func.lower(text), LargeBinary), part) > 0)

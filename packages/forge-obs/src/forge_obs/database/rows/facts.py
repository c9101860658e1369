"""Statements that put facts beside the row of a call, in the transaction that writes the row.

An outcome may come before the call that it is about: from another process, or while the call waits
in the spool. It stands in `early_outcomes` then, until its call is written; what no call comes for
goes after a while. See D80.
"""

from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy import (
    ColumnElement,
    Delete,
    Select,
    bindparam,
    case,
    delete,
    func,
    literal_column,
    select,
)
from sqlalchemy.dialects.sqlite import Insert, dialect, insert

from forge_obs.database.schema import call_facts, early_outcomes, interactions
from forge_obs.model.columns import Column, Merge
from forge_obs.model.rows import FACTS, OUTCOME

KEPT_DAYS: Final = 7
"""How long an outcome waits for its call."""

MOST_EARLY: Final = 10_000
"""How many outcomes wait at most; the oldest go first."""

Prepared = tuple[str, list[str]]
"""A statement's text, and the names of its parameters in order."""

_NAMES: Final = tuple(column.name for column in FACTS)


def build_facts_upsert(key: Sequence[str], *, finished: bool) -> Prepared:
    """Write the statement that puts facts beside the row of a key.

    Args:
        key: Columns of `interactions` that name the row.
        finished: Whether the entry says how the call ended; one that does not only fills gaps.
    """
    values: list[ColumnElement[Any]] = [bindparam(name) for name in _NAMES]
    source = select(interactions.c.id, *values).where(*_named_by(key))
    return _compile(_merge(_NAMES, source, new_first=finished))


def build_facts_insert(names: Sequence[str]) -> Prepared:
    """Write the statement that puts facts beside a new row, whose id comes before its parameters.

    Args:
        names: The facts that there are.
    """
    values: dict[str, ColumnElement[Any]] = {}
    for name in ("interaction_id", *names):
        values[name] = bindparam(name)
    statement, [_, *others] = _compile(insert(call_facts).values(values))
    return statement, others


def build_outcome_upsert() -> Prepared:
    """Write the statement that puts an outcome beside the row of an entry id."""
    values: list[ColumnElement[Any]] = [bindparam(name) for name in OUTCOME]
    source = select(interactions.c.id, *values).where(*_named_by(["entry_id"]))
    return _compile(_merge(OUTCOME, source, new_first=True))


def build_early_upsert() -> Prepared:
    """Write the statement that keeps an outcome whose call is not there yet."""
    names = ("entry_id", "created_at", *OUTCOME)
    statement = insert(early_outcomes).values({name: bindparam(name) for name in names})
    new, old = statement.excluded, early_outcomes.c
    merged = statement.on_conflict_do_update(
        index_elements=[old.entry_id],
        set_={c.name: _merged(c, new, old, new_first=True) for c in FACTS if c.name in OUTCOME},
    )
    return _compile(merged)


def build_early_merge(key: Sequence[str]) -> Prepared:
    """Write the statement that adds to the row of a key what came before it.

    What has come since is newer, and stays.
    """
    early = [early_outcomes.c[name] for name in OUTCOME]
    source = (
        select(interactions.c.id, *early)
        .join_from(interactions, early_outcomes, _is_early())
        .where(*_named_by(key))
    )
    return _compile(_merge(OUTCOME, source, new_first=False))


def build_early_removal() -> Prepared:
    """Write the statement that forgets an outcome which stands beside its call by now."""
    return _compile(
        delete(early_outcomes).where(early_outcomes.c.entry_id == bindparam("entry_id"))
    )


def build_early_purge() -> Prepared:
    """Write the statement that forgets outcomes whose calls have not come in time."""
    moment: ColumnElement[Any] = literal_column(
        f"(strftime('%Y-%m-%dT%H:%M:%fZ','now','-{KEPT_DAYS} days'))"
    )
    newest = (
        select(early_outcomes.c.created_at)
        .order_by(early_outcomes.c.created_at.desc())
        .limit(literal_column("1"))
        .offset(literal_column(str(MOST_EARLY)))
        .scalar_subquery()
    )
    old = early_outcomes.c.created_at
    return _compile(delete(early_outcomes).where((old < moment) | (old <= newest)))


def _is_early() -> ColumnElement[bool]:
    return early_outcomes.c.entry_id == interactions.c.entry_id


def _named_by(key: Sequence[str]) -> list[ColumnElement[bool]]:
    return [interactions.c[name] == bindparam(f"key_{name}") for name in key]


def _merge(names: Sequence[str], source: Select[Any], *, new_first: bool) -> Insert:
    statement = insert(call_facts).from_select(["interaction_id", *names], source)
    new, old = statement.excluded, call_facts.c
    return statement.on_conflict_do_update(
        index_elements=[old.interaction_id],
        set_={c.name: _merged(c, new, old, new_first=new_first) for c in FACTS if c.name in names},
    )


def _merged(column: Column, new: Any, old: Any, *, new_first: bool) -> ColumnElement[Any]:  # noqa: ANN401
    """Say what becomes of a fact: what explains an outcome stays with it."""
    first, second = (new, old) if new_first else (old, new)
    filled = func.coalesce(first[column.name], second[column.name])
    if column.merge is not Merge.JUDGED:
        return filled
    another = first.outcome.is_not(None) & first.outcome.is_distinct_from(second.outcome)
    return case((another, first[column.name]), else_=filled)


def _compile(statement: Insert | Delete) -> Prepared:
    compiled = statement.compile(dialect=dialect())
    names = compiled.positiontup or []
    return str(compiled), [name.removeprefix("key_") for name in names]

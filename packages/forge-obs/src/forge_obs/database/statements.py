"""The statements that write an entry, prepared once each, with the parameters of its row."""

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache, lru_cache, partial
from operator import itemgetter
from typing import Final

from sqlalchemy import bindparam, delete, func, text
from sqlalchemy.dialects.sqlite import dialect

from forge_obs.database.commits.group_commit import Commit, Step
from forge_obs.database.rows import collisions, facts
from forge_obs.database.rows.upsert import build_insert, build_upsert
from forge_obs.database.schema import interactions, runs
from forge_obs.model.columns import CALL_KEY, STARTED
from forge_obs.model.entries import Before, Entry, Row
from forge_obs.model.rows import FACTS


@dataclass(frozen=True)
class Statement:
    """A prepared statement.

    Attributes:
        text: In the words of the database's driver.
        pick: Gives the parameters, in order, out of a row.
    """

    text: str
    pick: Callable[[Row], tuple[object, ...]]

    def step(self, row: Row, *, after_change: bool | None = None) -> Step:
        """Build what follows a row in its transaction."""
        return Step(self.text, self.pick(row), after_change)


@dataclass(frozen=True)
class KeyStatements:
    """What writes a call that a key names.

    Attributes:
        upsert: Inserts or merges the row.
        late: Merges it also into one whose texts are archived.
        start: Puts facts beside it that only fill gaps.
        finish: Puts facts beside it that replace others.
        early: Adds an outcome that came before the call.
        removal: Forgets that it did.
    """

    upsert: Statement
    late: Statement
    start: Statement
    finish: Statement
    early: Statement
    removal: Statement


_ENTRY_KEY: Final = ("entry_id",)


def build_commits(entry: Entry) -> Iterator[Commit]:
    """Build what writes an entry; each further one is for where a key of the one before is taken.

    Args:
        entry: The clean row.
    """
    if entry.table == "runs":
        run = _run_statement()
        yield Commit(run.text, run.pick(entry.row))
    elif entry.table == "call_facts":
        yield _build_outcome(entry)
    elif entry.table == "removals":
        removal = _removal_statement()
        yield Commit(removal.text, removal.pick(entry.row), alone=True)
    else:
        if entry.before is Before.NOTHING and not entry.has_call_key:
            yield _build_insert(entry)  # an id that somebody else made up, too, is taken
        for statement in _call_statements(has_call_key=entry.has_call_key):
            yield _build_commit(statement, entry)


def _build_insert(entry: Entry) -> Commit:
    """Write a call that has only the id that was made up for it: there is nothing to merge with."""
    insert, known = _insert_statement(), entry.facts
    if not known:
        return Commit(insert.text, insert.pick(entry.row))
    beside = _facts_statement(tuple(known))
    step = Step(beside.text, beside.pick(known), takes_id=True)
    return Commit(insert.text, insert.pick(entry.row), [step])


def _build_commit(statement: KeyStatements, entry: Entry) -> Commit:
    steps: list[Step] = []
    if entry.facts:
        upsert = statement.finish if entry.row["status"] != STARTED else statement.start
        steps.append(upsert.step({**entry.row, **NO_FACTS, **entry.facts}))
    if entry.before is Before.ANYTHING:
        steps += _build_early_steps(statement, entry)
    part = partial(_part, statement, entry)
    return Commit(statement.upsert.text, statement.upsert.pick(entry.row), steps, part=part)


def build_early_steps(entry: Entry) -> list[Step]:
    """Build what adds an outcome that came before a call to its row, which is written."""
    [*_, statement] = _call_statements(has_call_key=False)
    return _build_early_steps(statement, entry)


def _build_early_steps(statement: KeyStatements, entry: Entry) -> list[Step]:
    removal = statement.removal.step(entry.row, after_change=True)
    return [statement.early.step(entry.row), removal]


def _part(statement: KeyStatements, entry: Entry, driver: sqlite3.Connection) -> Commit:
    """Build what to write where the statement changed nothing."""
    parted = collisions.part(driver, entry)
    if parted is None:
        rest = collisions.leave_archived(driver, entry)
        return _build_commit(replace(statement, upsert=statement.late), rest)
    [first, *_] = _call_statements(has_call_key=parted.has_call_key)
    return _build_commit(first, parted)


def _build_outcome(entry: Entry) -> Commit:
    """Put an outcome beside its call or, where that is not there yet, where it waits for it."""
    values = {**NO_FACTS, **entry.row, **entry.facts}
    upsert, keep, purge = _outcome_statements()
    steps = [keep.step(values, after_change=False), purge.step(values, after_change=True)]
    return Commit(upsert.text, upsert.pick(values), steps, alone=True)


NO_FACTS: Final[Row] = dict.fromkeys(column.name for column in FACTS)
"""Facts of which nothing is known."""


@cache
def _run_statement() -> Statement:
    run_key = func.coalesce(runs.c.run_id, text("''"))
    return _prepare(build_upsert(runs, [runs.c.workflow_id, run_key]))


@cache
def _insert_statement() -> Statement:
    return _prepare(build_insert(interactions))


@cache
def _removal_statement() -> Statement:
    """Return what removes a call that belongs to no run and has its texts itself."""
    call = interactions.c
    named = call.entry_id == bindparam("entry_id")
    removal = delete(interactions).where(
        named, call.workflow_id.is_(None), call.archive_id.is_(None)
    )
    return _prepare((str(removal.compile(dialect=dialect())), ["entry_id"]))


@cache
def get_new_insert() -> Statement:
    """Return what inserts a call unless a row has one of its keys."""
    return _prepare(build_insert(interactions, if_new=True))


@cache
def get_facts_insert() -> Statement:
    """Return what inserts all facts beside a new row, whose id comes before its parameters."""
    return _prepare(facts.build_facts_insert(tuple(NO_FACTS)))


@lru_cache(maxsize=128)
def _facts_statement(names: tuple[str, ...]) -> Statement:
    """Give what inserts just these facts; a program's calls have few sets of them."""
    return _prepare(facts.build_facts_insert(names))


@cache
def _call_statements(*, has_call_key: bool) -> list[KeyStatements]:
    """Give the statements to try, those of each key that the row may share with another."""
    keys = [CALL_KEY, _ENTRY_KEY] if has_call_key else [_ENTRY_KEY]
    return [_prepare_key(key) for key in keys]


def _prepare_key(key: Sequence[str]) -> KeyStatements:
    columns = [interactions.c[name] for name in key]
    return KeyStatements(
        upsert=_prepare(build_upsert(interactions, columns)),
        late=_prepare(build_upsert(interactions, columns, archived=True)),
        start=_prepare(facts.build_facts_upsert(key, finished=False)),
        finish=_prepare(facts.build_facts_upsert(key, finished=True)),
        early=_prepare(facts.build_early_merge(key)),
        removal=_prepare(facts.build_early_removal()),
    )


@cache
def _outcome_statements() -> tuple[Statement, Statement, Statement]:
    """Give what adds an outcome to its call, what keeps an early one, and what forgets old ones."""
    return (
        _prepare(facts.build_outcome_upsert()),
        _prepare(facts.build_early_upsert()),
        _prepare(facts.build_early_purge()),
    )


def _prepare(prepared: tuple[str, list[str]]) -> Statement:
    statement, names = prepared
    if len(names) == 1:
        [name] = names
        return Statement(statement, lambda row: (row[name],))
    return Statement(statement, itemgetter(*names) if names else lambda _: ())

"""The tables as SQLAlchemy's ORM and Alembic know them, with their keys and indexes.

Only who asks for the mapped classes makes them: see `forge_obs.database.schema`, and D52.
"""

from typing import Final

from sqlalchemy import (
    DDL,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    UniqueConstraint,
    event,
    func,
    text,
)

from forge_obs.database.schema import TYPES
from forge_obs.model import columns
from forge_obs.model.rows import ARCHIVE_ID, ARCHIVES, TABLES

_NOW: Final = "(strftime('%Y-%m-%dT%H:%M:%fZ','now'))"

metadata: Final = MetaData()


def _columns(table: str) -> list[Column[object]]:
    key: Column[object] = Column("id", Integer, primary_key=True)
    return [key, *map(_column, TABLES[table])]


DROP_FACTS: Final = DDL(  # type: ignore[no-untyped-call]
    "CREATE TRIGGER tr_interactions_delete AFTER DELETE ON interactions "
    "BEGIN DELETE FROM call_facts WHERE interaction_id = OLD.id; END"
)
"""SQLite heeds foreign keys only where asked to, and gives the id of a deleted row to a new one."""


def _column(column: columns.Column) -> Column[object]:
    default = _server_default(column)
    return Column(
        column.name,
        TYPES[column.kind](),
        nullable=column.nullable,
        server_default=None if default is None else text(default),
    )


def _server_default(column: columns.Column) -> str | None:
    """Return what the database puts where a writer of its own SQL says nothing."""
    if column.required or column.nullable:
        return None
    if column.kind is columns.Kind.TIME:
        return _NOW
    return f"'{column.default}'" if column.kind is columns.Kind.TEXT else str(column.default)


interactions: Final = Table(
    "interactions",
    metadata,
    *_columns("interactions"),
    _column(ARCHIVE_ID),
    UniqueConstraint("entry_id", name="uq_interactions_entry_id"),
    UniqueConstraint(*columns.CALL_KEY, name="uq_interactions_call_key"),
)
Index("ix_interactions_task_id", interactions.c.task_id)
Index("ix_interactions_workflow_id", interactions.c.workflow_id)

runs: Final = Table("runs", metadata, *_columns("runs"))
Index("ix_runs_task_id", runs.c.task_id)
Index(
    "uq_runs_workflow_id_run_id",
    runs.c.workflow_id,
    func.coalesce(runs.c.run_id, text("''")),
    unique=True,
)
# An index ends with the row's id, so these give "newest first" without a sort.
Index("ix_runs_created_at", runs.c.created_at)
for _name in ("status", "model_name", "task_id", "workflow_id"):
    Index(f"ix_runs_{_name}_created_at", runs.c[_name], runs.c.created_at)

call_facts: Final = Table(
    "call_facts",
    metadata,
    Column(
        "interaction_id",
        Integer,
        ForeignKey("interactions.id", ondelete="CASCADE"),
        primary_key=True,
    ),
    *map(_column, TABLES["call_facts"]),
)
for _name in ("session_id", "root_run_id"):
    _given = call_facts.c[_name].is_not(None)
    Index(f"ix_call_facts_{_name}", call_facts.c[_name], sqlite_where=_given)
event.listen(call_facts, "after_create", DROP_FACTS.execute_if(dialect="sqlite"))

early_outcomes: Final = Table(
    "early_outcomes",
    metadata,
    *map(_column, TABLES["early_outcomes"]),
    PrimaryKeyConstraint("entry_id"),
)
Index("ix_early_outcomes_created_at", early_outcomes.c.created_at)

archives: Final = Table(
    "archives",
    metadata,
    Column("id", Integer, primary_key=True),
    *map(_column, ARCHIVES),
    Column("data", LargeBinary, nullable=False),
    sqlite_autoincrement=True,
)

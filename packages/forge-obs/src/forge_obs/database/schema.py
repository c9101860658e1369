"""The tables, built from the column data of `forge_obs.model.columns`.

See D52.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Dialect,
    Float,
    Index,
    Integer,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
    func,
    text,
)
from sqlalchemy.types import TypeDecorator, TypeEngine

from forge_obs.database.sqlite import NOW
from forge_obs.model import columns
from forge_obs.model.sanitize import format_time


class UtcTime(TypeDecorator[datetime]):
    """A moment, kept as RFC 3339 text in UTC with microseconds."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> str | None:  # noqa: ARG002
        """Write a moment; a naive one is taken as UTC."""
        return None if value is None else format_time(value)

    def process_result_value(self, value: str | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        """Read a moment in UTC."""
        if value is None:
            return None
        moment = datetime.fromisoformat(value)
        return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


_TYPES: Final[Mapping[columns.Kind, type[TypeEngine[Any]]]] = {
    columns.Kind.TEXT: Text,
    columns.Kind.COUNT: BigInteger,
    columns.Kind.REAL: Float,
    columns.Kind.FLAG: Boolean,
    columns.Kind.TIME: UtcTime,
}

# What a writer of its own SQL may leave out.
_SERVER_DEFAULTS: Final = {
    "interactions": {
        "created_at": NOW,
        "usage_known": "1",
        "status": "'ok'",
        "origin": "'provider'",
        "cache_read_tokens": "0",
        "cache_write_tokens": "0",
        "reasoning_tokens": "0",
        "explanation": "''",
    },
    "runs": {"created_at": NOW},
}

metadata: Final = MetaData()


def _columns(table: str) -> list[Column[object]]:
    key: Column[object] = Column("id", Integer, primary_key=True)
    return [key, *(_column(spec, _SERVER_DEFAULTS[table]) for spec in columns.TABLES[table])]


def _column(spec: columns.Column, defaults: Mapping[str, str]) -> Column[object]:
    default = defaults.get(spec.name)
    return Column(
        spec.name,
        _TYPES[spec.kind](),
        nullable=spec.default is None and default is None,
        server_default=None if default is None else text(default),
    )


interactions: Final = Table(
    "interactions",
    metadata,
    *_columns("interactions"),
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

"""The tables as statements name them, from the column data of `forge_obs.model.rows`.

They are none of SQLAlchemy's `Table` and `Column`, to whose classes a host program may listen: what
records and prunes makes nothing that a listener could hear of. See D79.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    Boolean,
    ColumnClause,
    Dialect,
    Float,
    Integer,
    LargeBinary,
    TableClause,
    Text,
    column,
    table,
)
from sqlalchemy.types import TypeDecorator, TypeEngine

from forge_obs.model import columns
from forge_obs.model.rows import ARCHIVE_ID, ARCHIVES, TABLES
from forge_obs.model.sanitize import format_time


class UtcTime(TypeDecorator[datetime]):
    """A moment, kept as RFC 3339 text in UTC with microseconds."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> str | None:  # noqa: ARG002
        """Write a moment; a naive one is local time."""
        return None if value is None else format_time(value)

    def process_result_value(self, value: str | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        """Read a moment in UTC."""
        if value is None:
            return None
        moment = datetime.fromisoformat(value)
        return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


TYPES: Final[Mapping[columns.Kind, type[TypeEngine[Any]]]] = {
    columns.Kind.TEXT: Text,
    columns.Kind.COUNT: BigInteger,
    columns.Kind.REAL: Float,
    columns.Kind.FLAG: Boolean,
    columns.Kind.TIME: UtcTime,
}
"""Types by what a column holds."""


def _table(name: str, *keys: str, extra: Sequence[columns.Column] = ()) -> TableClause:
    listed: list[ColumnClause[Any]] = [column(key, Integer()) for key in keys]
    listed += [column(spec.name, TYPES[spec.kind]()) for spec in (*TABLES[name], *extra)]
    return table(name, *listed)


interactions: Final = _table("interactions", "id", extra=(ARCHIVE_ID,))
runs: Final = _table("runs", "id")
call_facts: Final = _table("call_facts", "interaction_id")
early_outcomes: Final = _table("early_outcomes")
archives: Final = table(
    "archives",
    column("id", Integer()),
    *(column(spec.name, TYPES[spec.kind]()) for spec in ARCHIVES),
    column("data", LargeBinary()),
)

"""`Interaction` and `Run` as SQLAlchemy mapped classes; importing this module maps them."""

from typing import Final, TypeVar

from sqlalchemy import inspect
from sqlalchemy.orm import make_transient_to_detached, registry

from forge_obs.database.schema import interactions, metadata, runs
from forge_obs.model.rows import Interaction, Run

__all__ = ["Interaction", "Run", "detach"]

Row = TypeVar("Row")

_registry: Final = registry(metadata=metadata)
_registry.map_imperatively(Interaction, interactions)
_registry.map_imperatively(Run, runs)


def detach(row: Row) -> Row:
    """Make a row that was read the detached object of its primary key."""
    if inspect(row).transient:
        make_transient_to_detached(row)
    return row

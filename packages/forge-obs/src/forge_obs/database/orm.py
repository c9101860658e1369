"""`Interaction` and `Run` as SQLAlchemy mapped classes; importing this module maps them."""

from typing import TypeVar

from sqlalchemy import inspect, select
from sqlalchemy.orm import MappedSQLExpression, column_property, make_transient_to_detached

from forge_obs.database.metadata import call_facts, interactions, metadata, runs
from forge_obs.database.private.mapping import map_classes
from forge_obs.model.rows import FACTS, Interaction, Run

__all__ = ["Interaction", "Run", "detach"]

Row = TypeVar("Row")


def _fact(name: str) -> MappedSQLExpression[object]:
    """Read a fact from beside the row; what is assigned to it is not written there."""
    beside = call_facts.c.interaction_id == interactions.c.id
    return column_property(select(call_facts.c[name]).where(beside).scalar_subquery())


_FACTS = {column.name: _fact(column.name) for column in FACTS}

map_classes(metadata, {Interaction: (interactions, _FACTS), Run: (runs, {})})


def detach(row: Row) -> Row:
    """Make a row that was read the detached object of its primary key."""
    if inspect(row).transient:
        make_transient_to_detached(row)
    return row

"""Mapped classes that run nothing of what a host program registered for all mappers.

See `engine`. SQLAlchemy has no way to say this of a class before it is mapped. Where a
later version lacks what is used here, the classes are mapped as all others, and listeners of the
host see that.
"""

from collections.abc import Mapping
from typing import Any, Final

from sqlalchemy import MetaData, Table
from sqlalchemy.orm import Mapper, QueryableAttribute, registry
from sqlalchemy.orm.instrumentation import ClassManager, manager_of_class

from forge_obs.model.rows import TABLES

_PRIVATE: Final = {
    name: type(name, (), {}) for name in ("registry", "mapper", "instances", "attribute")
}
"""One class for each kind: SQLAlchemy keeps the listeners of a class whatever kind they are of."""


def map_classes(metadata: MetaData, tables: Mapping[type, tuple[Table, Mapping[str, Any]]]) -> None:
    """Map classes to tables, with further properties by name."""
    mappers = registry(metadata=metadata)
    _part(mappers, "registry")
    for row, (table, properties) in tables.items():
        _map(mappers, row, table, properties)
    _configure(mappers)
    for row in tables:
        manager: ClassManager[Any] = manager_of_class(row)
        _part(manager, "instances")
        for attribute in manager.values():
            _part_attribute(attribute)


def _map(mappers: registry, row: type, table: Table, properties: Mapping[str, Any]) -> None:
    own = [*(column.name for column in TABLES[table.name]), "id", *properties]
    # A listener of the host may have given the table columns that the file has not.
    options = {"properties": dict(properties), "include_properties": own}
    try:
        from sqlalchemy.orm.decl_base import _ImperativeMapperConfig  # noqa: PLC0415
    except ImportError:
        mappers.map_imperatively(row, table, **options)
        return

    class Private(_ImperativeMapperConfig):
        """A mapping of which no listener of the host program hears."""

        def map(self, mapper_kw: Any = options) -> Mapper[Any]:  # noqa: ANN401
            """Map the class as SQLAlchemy does, by a mapper that is parted first."""
            mapper: Mapper[Any] = Mapper.__new__(Mapper)
            _part(mapper, "mapper")
            mapper.__init__(self.cls, self.local_table, **mapper_kw)  # type: ignore[misc]
            return self.set_cls_attribute("__mapper__", mapper)

    Private(mappers, row, table, options)


def _configure(mappers: registry) -> None:
    """Do now what the first row would do else, for these classes alone and heard by nobody."""
    all_mappers: list[Any] = list(mappers.mappers)
    steps = ("_post_configure_properties", "_expire_memoizations")
    if not all(hasattr(mapper, step) for mapper in all_mappers for step in steps):
        mappers.configure()
        return
    mappers._new_mappers = False  # noqa: SLF001
    for mapper in all_mappers:
        for step in steps:
            getattr(mapper, step)()


def _part_attribute(attribute: QueryableAttribute[Any]) -> None:
    """Let an attribute dispatch for a class of ours, and what sets its value, too."""
    shared: Any = type(attribute).dispatch
    dispatch = shared._for_class(_PRIVATE["attribute"])  # noqa: SLF001
    attribute._slots_dispatch = attribute.impl.dispatch = dispatch  # type: ignore[attr-defined]  # noqa: SLF001


def _part(target: Any, kind: str) -> None:  # noqa: ANN401 - whatever dispatches
    """Let an object dispatch for a class of ours instead of its own."""
    target.dispatch = type(target).dispatch._for_class(_PRIVATE[kind])  # noqa: SLF001

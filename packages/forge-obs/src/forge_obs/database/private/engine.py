"""Engines that run nothing of what a host program registered for all engines.

Listeners on SQLAlchemy's classes (`Engine`, `Connection`, `Pool`, `Dialect`) reach an object
through the class that it dispatches for. Objects of ours dispatch for classes that nobody else can
name, and have only the listeners that they are given themselves. See D79.
"""

import os
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, cast

from sqlalchemy import URL, Connection, Engine, event

# Not from `sqlalchemy`, where tracing tools put a function that adds their listeners.
from sqlalchemy.engine.create import create_engine
from sqlalchemy.pool import NullPool

_PRIVATE: Final = {name: type(name, (), {}) for name in ("engine", "connection", "pool", "dialect")}
"""One class for each kind: SQLAlchemy keeps the listeners of a class whatever kind they are of."""


def build_engine(
    path: Path,
    connect: Callable[[], sqlite3.Connection],
    begin: Callable[[Connection], None] | None = None,
) -> Engine:
    """Make an engine of a SQLite file; it keeps no connection that is not in use.

    Args:
        path: The file, which `engine.url` names.
        connect: Opens a connection.
        begin: Begins a transaction; None leaves that to the driver.
    """
    url = URL.create("sqlite", database=os.fspath(path))
    engine = create_engine(url, pool=_Pool(connect), hide_parameters=True)
    _part(engine, "engine")
    _part(engine.dialect, "dialect")
    # Said of the object, since listeners on the class say otherwise of the class.
    engine._has_events = engine.dialect._has_events = False  # noqa: SLF001
    engine._connection_cls = _connecting(begin)  # noqa: SLF001 - there is no other way
    return engine


def get_driver(connection: Connection) -> sqlite3.Connection:
    """Return the driver's own connection."""
    return cast("sqlite3.Connection", connection.connection.driver_connection)


class _Pool(NullPool):
    """A pool whose connections come and go unseen."""

    def __init__(self, *args: Any, **options: Any) -> None:  # noqa: ANN401
        _part(self, "pool")
        super().__init__(*args, **options)


def _connecting(begin: Callable[[Connection], None] | None) -> type[Connection]:
    class Private(Connection):
        """A connection whose statements run unseen."""

        def __init__(self, *args: Any, **options: Any) -> None:  # noqa: ANN401
            self._has_events = False
            _part(self, "connection")
            super().__init__(*args, **options)
            if begin is not None:
                event.listen(self, "begin", begin)

    return Private


def _part(target: Any, kind: str) -> None:  # noqa: ANN401 - whatever dispatches
    """Let an object dispatch for a class of ours instead of its own."""
    target.dispatch = type(target).dispatch._for_class(_PRIVATE[kind])  # noqa: SLF001

"""Alembic's operations on a connection of ours, apart from those of the host program.

`alembic.op` and `alembic.context` are proxies that the whole process shares: whoever sets them
while a migration of the host runs takes its connection away. Objects of our own need none.
"""

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module, metadata, util
from pathlib import Path
from threading import get_ident
from types import ModuleType
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from alembic.operations import Operations
    from sqlalchemy import Connection

_log: Final = logging.getLogger("alembic.runtime.migration")

_ALIAS: Final = "_forge_obs_alembic"
"""Under this name the library is imported where the host program has a package named `alembic`."""


def open_operations(connection: "Connection") -> "Operations":
    """Give operations that change the schema in the transaction of a connection.

    Raises:
        ImportError: Alembic is not there.
    """
    try:
        import alembic.migration as migration  # noqa: PLC0415, PLR0402
        import alembic.operations as operations  # noqa: PLC0415, PLR0402
    except ImportError:
        migration, operations = _import_from_disk()
    with _quiet():
        context = migration.MigrationContext.configure(connection, opts={"transactional_ddl": True})
    return operations.Operations(context)


def _import_from_disk() -> tuple[ModuleType, ModuleType]:
    """Import the library that is installed, past a folder of the host program with its name."""
    if _ALIAS not in sys.modules:
        file = Path(str(metadata.distribution("alembic").locate_file("alembic/__init__.py")))
        spec = util.spec_from_file_location(
            _ALIAS, file, submodule_search_locations=[str(file.parent)]
        )
        if spec is None or spec.loader is None:
            raise ImportError(f"{file} is no module")
        sys.modules[_ALIAS] = module = util.module_from_spec(spec)
        spec.loader.exec_module(module)
    return import_module(f"{_ALIAS}.migration"), import_module(f"{_ALIAS}.operations")


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep what Alembic says in this thread out of the host's log, whose handlers may raise.

    Neither the level nor the handlers of the logger change: they are the host's.
    """
    thread = get_ident()

    def is_of_another_thread(_record: logging.LogRecord) -> bool:
        """Return whether a record is none of this migration."""
        return get_ident() != thread

    _log.addFilter(is_of_another_thread)
    try:
        yield
    finally:
        _log.removeFilter(is_of_another_thread)

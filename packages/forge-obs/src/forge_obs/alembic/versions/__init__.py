"""Revisions of the schema, oldest first.

Each is imported here by name, so that a program which was packed into one file has them too.
"""

from typing import TYPE_CHECKING, Final, Protocol

from forge_obs.alembic.versions import (
    v001_initial,
    v002_newest_runs,
    v003_call_facts,
    v004_archives,
)

if TYPE_CHECKING:
    from alembic.operations import Operations

__all__ = ["VERSIONS", "Version"]


class Version(Protocol):
    """A revision: a module of this folder."""

    @property
    def revision(self) -> str:
        """Its id, which the file keeps in `alembic_version`."""
        ...

    @property
    def down_revision(self) -> str | None:
        """The id of the one before; None for the first."""
        ...

    def upgrade(self, op: "Operations") -> None:
        """Bring the schema from the revision before to this one.

        Only adds, so that older programs go on writing. Schema is changed by SQL text
        (`op.execute`): a table that SQLAlchemy builds or compiles passes through whatever the host
        program registered for tables and statements.
        """
        ...


VERSIONS: Final[tuple[Version, ...]] = (
    v001_initial,
    v002_newest_runs,
    v003_call_facts,
    v004_archives,
)

"""Texts of old calls in compressed frames.

The column stands behind the texts, where it costs nothing while it is null: SQLite knows that from
the row's header. See D87.

Revision ID: 004_archives
Revises: 003_call_facts
"""

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from alembic.operations import Operations

revision = "004_archives"
down_revision = "003_call_facts"

# The id of a deleted frame is not given to another one, so that no reader takes one for the other.
_ARCHIVES: Final = """
CREATE TABLE archives (
    id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    created_at TEXT NOT NULL,
    codec TEXT NOT NULL,
    row_count BIGINT NOT NULL,
    first_at TEXT NOT NULL,
    last_at TEXT NOT NULL,
    text_bytes BIGINT NOT NULL,
    directory_json TEXT NOT NULL,
    data BLOB NOT NULL
)
"""


def upgrade(op: "Operations") -> None:
    """Add the table and the column."""
    op.execute("ALTER TABLE interactions ADD COLUMN archive_id BIGINT")
    op.execute(_ARCHIVES)

"""${message}.

Revision ID: ${up_revision}
Revises: ${down_revision | comma,n}
"""

import sqlalchemy as sa
from alembic import op
${imports if imports else ""}
revision = ${repr(up_revision)}
down_revision = ${repr(down_revision)}
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add what the revision adds; older versions keep writing to the result."""
    ${upgrades if upgrades else "pass"}


def downgrade() -> None:
    """Refuse: a store is never taken back, since that would lose rows."""
    raise NotImplementedError

"""Indexes that give the newest runs of a status, a model, a task or a workflow in order.

Revision ID: 002_newest_runs
Revises: 001_initial
"""

from alembic import op

revision = "002_newest_runs"
down_revision = "001_initial"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the indexes."""
    op.create_index("ix_runs_created_at", "runs", ["created_at"])
    # `ix_runs_task_id` is contained in one of these and stays: migrations only add.
    for name in ("status", "model_name", "task_id", "workflow_id"):
        op.create_index(f"ix_runs_{name}_created_at", "runs", [name, "created_at"])


def downgrade() -> None:
    """Refuse: a store is never taken back.

    Raises:
        NotImplementedError: Always.
    """
    raise NotImplementedError

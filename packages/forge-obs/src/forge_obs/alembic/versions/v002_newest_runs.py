"""Indexes that give the newest runs of a status, a model, a task or a workflow in order.

Revision ID: 002_newest_runs
Revises: 001_initial
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from alembic.operations import Operations

revision = "002_newest_runs"
down_revision = "001_initial"


def upgrade(op: "Operations") -> None:
    """Add the indexes."""
    op.execute("CREATE INDEX ix_runs_created_at ON runs (created_at)")
    # `ix_runs_task_id` is contained in one of these and stays: migrations only add.
    for name in ("status", "model_name", "task_id", "workflow_id"):
        op.execute(f"CREATE INDEX ix_runs_{name}_created_at ON runs ({name}, created_at)")

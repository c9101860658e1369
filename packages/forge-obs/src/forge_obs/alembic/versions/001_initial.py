"""Interactions and runs.

Revision ID: 001_initial
Revises:
"""

import sqlalchemy as sa
from alembic import op

revision = "001_initial"
down_revision = None
branch_labels = None
depends_on = None

NOW = sa.text("(strftime('%Y-%m-%dT%H:%M:%fZ','now'))")


def upgrade() -> None:
    """Create both tables with their indexes."""
    _create_interactions()
    _create_runs()


def downgrade() -> None:
    """Refuse: a store is never taken back, since that would lose rows.

    Raises:
        NotImplementedError: Always.
    """
    raise NotImplementedError


def _create_interactions() -> None:
    op.create_table(
        "interactions",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("entry_id", sa.Text),
        sa.Column("task_id", sa.Text, nullable=False),
        sa.Column("step_id", sa.Text),
        sa.Column("sub_task_id", sa.Text),
        sa.Column("role", sa.Text, nullable=False),
        sa.Column("model_name", sa.Text, nullable=False),
        sa.Column("input_tokens", sa.BigInteger, nullable=False),
        sa.Column("output_tokens", sa.BigInteger, nullable=False),
        sa.Column("latency_ms", sa.Float, nullable=False),
        sa.Column("created_at", sa.Text, nullable=False, server_default=NOW),
        sa.Column("usage_known", sa.Boolean, nullable=False, server_default=sa.text("1")),
        sa.Column("workflow_id", sa.Text),
        sa.Column("run_id", sa.Text),
        sa.Column("activity_id", sa.Text),
        sa.Column("activity_attempt", sa.BigInteger),
        sa.Column("seq", sa.BigInteger),
        sa.Column("attempt", sa.BigInteger),
        sa.Column("step_attempt", sa.BigInteger),
        sa.Column("status", sa.Text, nullable=False, server_default=sa.text("'ok'")),
        sa.Column("error_type", sa.Text),
        sa.Column("finish_reason", sa.Text),
        sa.Column("origin", sa.Text, nullable=False, server_default=sa.text("'provider'")),
        sa.Column("request_model", sa.Text),
        *_token_details(),
        sa.Column("trace_id", sa.Text),
        sa.Column("span_id", sa.Text),
        *_long_texts(),
        sa.UniqueConstraint("entry_id", name="uq_interactions_entry_id"),
        sa.UniqueConstraint(
            "run_id", "activity_id", "activity_attempt", "seq", name="uq_interactions_call_key"
        ),
    )
    op.create_index("ix_interactions_task_id", "interactions", ["task_id"])
    op.create_index("ix_interactions_workflow_id", "interactions", ["workflow_id"])


def _token_details() -> list[sa.Column[int]]:
    names = ("cache_read_tokens", "cache_write_tokens", "reasoning_tokens")
    zero = sa.text("0")
    return [sa.Column(name, sa.BigInteger, nullable=False, server_default=zero) for name in names]


def _long_texts() -> list[sa.Column[str]]:
    return [
        sa.Column("params_json", sa.Text),
        sa.Column("context_manifest_json", sa.Text),
        sa.Column("extra_json", sa.Text),
        sa.Column("notes", sa.Text),
        sa.Column("context_stats_json", sa.Text),
        sa.Column("explanation", sa.Text, nullable=False, server_default=sa.text("''")),
        sa.Column("error", sa.Text),
        sa.Column("system_prompt", sa.Text, nullable=False),
        sa.Column("user_prompt", sa.Text, nullable=False),
        sa.Column("response", sa.Text),
    ]


def _create_runs() -> None:
    op.create_table(
        "runs",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("task_id", sa.Text, nullable=False),
        sa.Column("workflow_id", sa.Text, nullable=False),
        sa.Column("run_id", sa.Text),
        sa.Column("status", sa.Text, nullable=False),
        sa.Column("created_at", sa.Text, nullable=False, server_default=NOW),
        sa.Column("finished_at", sa.Text),
        sa.Column("repo_root", sa.Text),
        sa.Column("model_name", sa.Text),
        sa.Column("planned", sa.Boolean),
        sa.Column("owner_host", sa.Text),
        sa.Column("owner_pid", sa.BigInteger),
        sa.Column("owner_start", sa.Text),
        sa.Column("seen_at", sa.Text),
        sa.Column("result_json", sa.Text, nullable=False),
    )
    op.create_index("ix_runs_task_id", "runs", ["task_id"])
    op.create_index(
        "uq_runs_workflow_id_run_id",
        "runs",
        ["workflow_id", sa.text("coalesce(run_id, '')")],
        unique=True,
    )

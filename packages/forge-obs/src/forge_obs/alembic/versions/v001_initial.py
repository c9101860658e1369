"""Interactions and runs.

Revision ID: 001_initial
Revises:
"""

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from alembic.operations import Operations

revision = "001_initial"
down_revision = None

_INTERACTIONS: Final = """
CREATE TABLE interactions (
    id INTEGER NOT NULL,
    entry_id TEXT,
    task_id TEXT NOT NULL,
    step_id TEXT,
    sub_task_id TEXT,
    role TEXT NOT NULL,
    model_name TEXT NOT NULL,
    input_tokens BIGINT NOT NULL,
    output_tokens BIGINT NOT NULL,
    latency_ms FLOAT NOT NULL,
    created_at TEXT DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ','now')) NOT NULL,
    usage_known BOOLEAN DEFAULT 1 NOT NULL,
    workflow_id TEXT,
    run_id TEXT,
    activity_id TEXT,
    activity_attempt BIGINT,
    seq BIGINT,
    attempt BIGINT,
    step_attempt BIGINT,
    status TEXT DEFAULT 'ok' NOT NULL,
    error_type TEXT,
    finish_reason TEXT,
    origin TEXT DEFAULT 'provider' NOT NULL,
    request_model TEXT,
    cache_read_tokens BIGINT DEFAULT 0 NOT NULL,
    cache_write_tokens BIGINT DEFAULT 0 NOT NULL,
    reasoning_tokens BIGINT DEFAULT 0 NOT NULL,
    trace_id TEXT,
    span_id TEXT,
    params_json TEXT,
    context_manifest_json TEXT,
    extra_json TEXT,
    notes TEXT,
    context_stats_json TEXT,
    explanation TEXT DEFAULT '' NOT NULL,
    error TEXT,
    system_prompt TEXT NOT NULL,
    user_prompt TEXT NOT NULL,
    response TEXT,
    PRIMARY KEY (id),
    CONSTRAINT uq_interactions_entry_id UNIQUE (entry_id),
    CONSTRAINT uq_interactions_call_key UNIQUE (run_id, activity_id, activity_attempt, seq)
)
"""

_RUNS: Final = """
CREATE TABLE runs (
    id INTEGER NOT NULL,
    task_id TEXT NOT NULL,
    workflow_id TEXT NOT NULL,
    run_id TEXT,
    status TEXT NOT NULL,
    created_at TEXT DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ','now')) NOT NULL,
    finished_at TEXT,
    repo_root TEXT,
    model_name TEXT,
    planned BOOLEAN,
    owner_host TEXT,
    owner_pid BIGINT,
    owner_start TEXT,
    seen_at TEXT,
    result_json TEXT NOT NULL,
    PRIMARY KEY (id)
)
"""


def upgrade(op: "Operations") -> None:
    """Create both tables with their indexes."""
    op.execute(_INTERACTIONS)
    op.execute("CREATE INDEX ix_interactions_task_id ON interactions (task_id)")
    op.execute("CREATE INDEX ix_interactions_workflow_id ON interactions (workflow_id)")
    op.execute(_RUNS)
    op.execute("CREATE INDEX ix_runs_task_id ON runs (task_id)")
    op.execute(
        "CREATE UNIQUE INDEX uq_runs_workflow_id_run_id ON runs (workflow_id, coalesce(run_id, ''))"
    )

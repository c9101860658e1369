"""What is known of a call and of a run besides their rows.

Short facts of a call get a table of their own: behind the long texts of `interactions` they would
be read through, and written with, all pages of these. See D80.

Revision ID: 003_call_facts
Revises: 002_newest_runs
"""

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from alembic.operations import Operations

revision = "003_call_facts"
down_revision = "002_newest_runs"

_CALL_FACTS: Final = """
CREATE TABLE call_facts (
    interaction_id INTEGER NOT NULL,
    outcome TEXT,
    outcome_reason TEXT,
    failed_checks_json TEXT,
    commit_sha TEXT,
    usage_json TEXT,
    service_tier TEXT,
    stated_cost_usd FLOAT,
    first_token_ms FLOAT,
    response_id TEXT,
    request_id TEXT,
    session_id TEXT,
    root_run_id TEXT,
    parent_span_id TEXT,
    PRIMARY KEY (interaction_id),
    FOREIGN KEY(interaction_id) REFERENCES interactions (id) ON DELETE CASCADE
)
"""

# SQLite heeds foreign keys only where a program asks for it, and gives the id of a deleted row to a
# new one: the facts of a deleted call would become those of a later one.
_DROP_FACTS: Final = """
CREATE TRIGGER tr_interactions_delete AFTER DELETE ON interactions
BEGIN DELETE FROM call_facts WHERE interaction_id = OLD.id; END
"""

_EARLY_OUTCOMES: Final = """
CREATE TABLE early_outcomes (
    entry_id TEXT NOT NULL,
    created_at TEXT NOT NULL,
    outcome TEXT,
    outcome_reason TEXT,
    failed_checks_json TEXT,
    commit_sha TEXT,
    PRIMARY KEY (entry_id)
)
"""


def upgrade(op: "Operations") -> None:
    """Add the tables and the columns."""
    op.execute("ALTER TABLE interactions ADD COLUMN messages_json TEXT")
    for name in ("description", "base_commit", "branch", "request_json", "reason"):
        op.execute(f"ALTER TABLE runs ADD COLUMN {name} TEXT")
    op.execute(_CALL_FACTS)
    # Most calls have but one of them: an index of nulls would be a page more to write for each.
    for name in ("session_id", "root_run_id"):
        op.execute(
            f"CREATE INDEX ix_call_facts_{name} ON call_facts ({name}) WHERE {name} IS NOT NULL"
        )
    op.execute(_DROP_FACTS)
    op.execute(_EARLY_OUTCOMES)
    op.execute("CREATE INDEX ix_early_outcomes_created_at ON early_outcomes (created_at)")

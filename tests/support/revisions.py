"""Stores as an older version left them."""

from pathlib import Path

from forge_obs.database.migrate import run_revisions
from sqlalchemy import create_engine


def make_store(path: Path, revision: str) -> None:
    """Make a store whose schema is at a revision, by the migrations themselves."""
    engine = create_engine(f"sqlite:///{path}")
    with engine.begin() as connection:
        run_revisions(connection, None, revision)
    engine.dispose()

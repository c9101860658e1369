"""Stores as an older version left them."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import create_engine


def make_store(path: Path, revision: str) -> None:
    """Make a store whose schema is at a revision, by the migrations themselves."""
    config = Config()
    config.set_main_option("script_location", "forge_obs:alembic")
    engine = create_engine(f"sqlite:///{path}")
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, revision)
    engine.dispose()

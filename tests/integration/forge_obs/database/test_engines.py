"""Connections are opened whole, or not at all."""

import os
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from forge_obs.database.connections import identify, list_connections
from forge_obs.database.engines import connect_for_writing, open_for_reading


@pytest.fixture
def undecodable(tmp_path: Path) -> Path:
    """Make a database whose schema SQLite refuses with a message that is no UTF-8."""
    path = tmp_path / "forge.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE name_of_a_table (id INTEGER)")
    whole = path.read_bytes()
    assert whole.count(b"name_of_a_table") == 3
    table, sql = b"name_of_a_tabl\x96", b"CREATE TABLE "
    path.write_bytes(whole.replace(b"name_of_a_table", table).replace(sql, b"CREATE TABEL "))
    return path


@pytest.mark.parametrize(
    "connect",
    [open_for_reading, lambda path: connect_for_writing(path, 0.0)],
    ids=["reading", "writing"],
)
def test_connection_is_closed_whose_schema_cannot_even_be_named(
    undecodable: Path, connect: Callable[[Path], object]
) -> None:
    with pytest.raises(UnicodeDecodeError):  # whose traceback keeps what it went through
        connect(undecodable)

    here = identify(os.fspath(undecodable))
    assert not any(known.identity == here for known in list_connections())

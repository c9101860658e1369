"""The rows that benchmarks write, and a bare `sqlite3` writer of the same rows to compare with."""

import os
import sqlite3
from contextlib import closing
from pathlib import Path
from uuid import uuid4

from forge_obs import LLMStats, flush, record, upgrade
from forge_obs.model.keywords import InteractionKeywords
from forge_obs.model.rows import INTERACTIONS

_NAMES = [column.name for column in INTERACTIONS]


def build_call(size_kb: int) -> InteractionKeywords:
    """Give the keywords of a call whose texts are that long together."""
    text = "def parse(line):  # keep the tail\n" * (size_kb * 1024 // 34)
    return {
        "task_id": "tidy-parser",
        "role": "llm",
        "system_prompt": text[: len(text) // 8],
        "user_prompt": text[len(text) // 8 : -512],
        "response": text[-512:],
        "workflow_id": "forge-tidy-parser-00c0ffee",
        "stats": LLMStats(model_name="m", input_tokens=900, output_tokens=80, latency_ms=812.5),
        "context_stats": {"files_discovered": 30, "budget_utilization": 0.4},
    }


def use_store(path: Path) -> None:
    """Let `record()` of this process and its children write there, and make the schema."""
    os.environ["FORGE_DB_PATH"] = str(path)
    upgrade(path)


class BareWriter:
    """Inserts what `record()` would store, by one connection and one statement.

    The quickest way that `sqlite3` offers to commit one row: WAL mode, `synchronous=NORMAL`, a
    cached statement in a transaction of its own, and SQLite's automatic checkpoint.

    Args:
        path: A database at the current schema.
        row: The values of all columns but `id`.
    """

    def __init__(self, path: Path, row: tuple[object, ...]) -> None:
        self._connection = sqlite3.connect(path, isolation_level=None, timeout=60.0)
        self._connection.execute("PRAGMA synchronous=NORMAL")
        marks = ", ".join("?" * len(_NAMES))
        self._insert = f"INSERT INTO interactions ({', '.join(_NAMES)}) VALUES ({marks})"  # noqa: S608
        self._rest = row[1:]

    def write(self) -> None:
        """Insert the row under a fresh id."""
        self._connection.execute(self._insert, (uuid4().hex, *self._rest))

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()


def build_row(directory: Path, size_kb: int) -> tuple[object, ...]:
    """Let `record()` write one call, and give the row as it was stored."""
    use_store(directory / "sample.db")
    assert record("interaction", **build_call(size_kb))
    flush()
    with closing(sqlite3.connect(directory / "sample.db")) as connection:
        found = connection.execute(f"SELECT {', '.join(_NAMES)} FROM interactions")  # noqa: S608
        return tuple(found.fetchone())


def count_rows(path: Path) -> int:
    """Count the interactions of a database."""
    with closing(sqlite3.connect(path)) as connection:
        return int(connection.execute("SELECT count(*) FROM interactions").fetchone()[0])

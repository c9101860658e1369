"""What `record()` costs beside a bare `sqlite3` insert of the same row, each committed in WAL mode.

Both write in one process, in turns, so that a slow moment of the machine meets both. Run it with
`python -m benchmarks.record`.
"""

import os
import sqlite3
import tempfile
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from forge_obs import LLMStats, flush, record
from forge_obs.columns import INTERACTIONS
from forge_obs.keywords import InteractionKeywords
from forge_obs.migrate import upgrade

SIZES_KB = (2, 40, 400)
LIMITS = {2: 4.0, 40: 2.0, 400: 1.5}
"""By size in kB: how many times a bare insert `record()` may take."""

BATCHES = 60
"""Turns that each side takes."""

BATCH = {2: 20, 40: 20, 400: 5}
"""Rows that one side writes in a turn, by size in kB."""


@dataclass(frozen=True)
class Row:
    """One line of the table; durations are medians in microseconds."""

    size_kb: int
    bare_us: float
    record_us: float
    limit: float

    @property
    def ratio(self) -> float:
        """How many times a bare insert `record()` takes."""
        return self.record_us / self.bare_us


def measure(batches: int = BATCHES) -> list[Row]:
    """Measure every size."""
    return [_measure_size(size_kb, batches) for size_kb in SIZES_KB]


def main() -> int:
    """Print the table; 1 if a ratio is above its limit."""
    rows = measure()
    print("record() beside a bare sqlite3 insert, p50 per committed row")
    print(f"{'row':>7} {'bare µs':>9} {'record µs':>10} {'ratio':>6} {'limit':>6}")
    for row in rows:
        print(
            f"{row.size_kb:>4} kB {row.bare_us:>9.0f} {row.record_us:>10.0f}"
            f" {row.ratio:>6.2f} {row.limit:>6.1f}"
        )
    return int(any(row.ratio > row.limit for row in rows))


def _measure_size(size_kb: int, batches: int) -> Row:
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory, "record.db")
        os.environ["FORGE_DB_PATH"] = str(path)
        call = _interaction(size_kb)
        assert record("interaction", **call)
        flush()
        bare_path = Path(directory, "bare.db")
        upgrade(bare_path)
        with closing(sqlite3.connect(bare_path, isolation_level=None)) as connection:
            insert = _bare_insert(connection, path)
            bare, recorded = _take_turns(
                insert, lambda: record("interaction", **call), batches, BATCH[size_kb]
            )
        flush()
    return Row(size_kb, median(bare), median(recorded), LIMITS[size_kb])


def _interaction(size_kb: int) -> InteractionKeywords:
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


def _bare_insert(connection: sqlite3.Connection, source: Path) -> Callable[[], object]:
    """Give a function that inserts the row that `record()` wrote, under a new entry id."""
    connection.execute("PRAGMA synchronous=NORMAL")
    names = [column.name for column in INTERACTIONS]
    with closing(sqlite3.connect(source)) as other:
        row = other.execute(f"SELECT {', '.join(names)} FROM interactions").fetchone()  # noqa: S608
    marks = ", ".join("?" * len(names))
    statement = f"INSERT INTO interactions ({', '.join(names)}) VALUES ({marks})"  # noqa: S608
    position = names.index("entry_id")
    numbers = iter(range(10**9))

    def insert() -> None:
        fresh = (*row[:position], f"{next(numbers):032x}", *row[position + 1 :])
        connection.execute("BEGIN IMMEDIATE")
        connection.execute(statement, fresh)
        connection.execute("COMMIT")

    return insert


def _take_turns(
    first: Callable[[], object], second: Callable[[], object], batches: int, batch: int
) -> tuple[list[float], list[float]]:
    durations: tuple[list[float], list[float]] = ([], [])
    for _ in range(batches):
        for call, found in zip((first, second), durations, strict=True):
            found.extend(_microseconds(call) for _ in range(batch))
    return durations


def _microseconds(call: Callable[[], object]) -> float:
    started = time.perf_counter()
    call()
    return (time.perf_counter() - started) * 1e6


if __name__ == "__main__":
    raise SystemExit(main())

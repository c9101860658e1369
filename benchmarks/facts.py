"""What facts beside the row of a call cost, and what reading them by SQL takes.

A call with facts is written in turns with the same call without. Outcomes are grouped among long
prompts, which the query must not touch. A store of a million calls is brought up to date from the
revision before there were facts.
"""

import sqlite3
import tempfile
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from statistics import median
from typing import Any

from forge_obs import flush, record, upgrade
from forge_obs.database.migrate import run_revisions
from sqlalchemy import create_engine

from benchmarks.reading import CALLS_A_RUN, RUNS, fill_store
from benchmarks.record import ROWS_A_TURN, TURNS
from benchmarks.workload import build_call, use_store

FACTS: dict[str, Any] = {
    "usage": {"prompt_tokens": 900, "completion_tokens": 80, "total_tokens": 980},
    "service_tier": "default",
    "first_token_ms": 212.5,
    "response_id": "chatcmpl-0123456789",
    "root_run_id": "0193a5d0-7e8d-7c3a-9d55-0b8f7a6f3c11",
}

WRITE_LIMIT = 1.25
"""How many times as long a call with facts may take as one without."""

CALLS = 2000
GROUP_LIMIT_MS = 5.0

MIGRATION_LIMIT_S = 10.0

BEFORE = "002_newest_runs"

GROUP = """
SELECT i.model_name, f.outcome, count(*) FROM call_facts AS f
JOIN interactions AS i ON i.id = f.interaction_id GROUP BY i.model_name, f.outcome
"""


def main() -> int:
    """Print each figure; 1 if one is beyond its limit."""
    found = [measure_writes(size_kb) for size_kb in (2, 40, 400)]
    found += [measure_groups(), measure_migration()]
    return int(not all(found))


def measure_writes(size_kb: int) -> bool:
    """Write the same call with facts and without, in turns."""
    with tempfile.TemporaryDirectory() as directory:
        use_store(Path(directory, "forge.db"))
        call: dict[str, Any] = {**build_call(size_kb)}
        untyped: Any = record
        sides: dict[str, Callable[[], object]] = {
            "without": lambda: untyped("interaction", **call),
            "with": lambda: untyped("interaction", **call, **FACTS),
        }
        durations: dict[str, list[float]] = {side: [] for side in sides}
        for turn in range(TURNS + 1):
            for side, write in sides.items():
                taken = [_seconds(write) * 1e6 for _ in range(ROWS_A_TURN[size_kb])]
                if turn:
                    durations[side] += taken
        flush()
    without, with_facts = (median(durations[side]) for side in ("without", "with"))
    ratio = with_facts / without
    figures = f"{without:.0f} / {with_facts:.0f} µs, {ratio:.2f} times"
    return _print(f"a call of {size_kb} kB without / with facts", figures, ratio <= WRITE_LIMIT)


def measure_groups() -> bool:
    """Group the outcomes of calls with long prompts."""
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory, "forge.db")
        use_store(path)
        call: dict[str, Any] = {**build_call(400)}
        untyped: Any = record
        for number in range(CALLS):
            entry_id = f"{number:032x}"
            untyped("interaction", **call, entry_id=entry_id, root_run_id="r")
            untyped("outcome", entry_id=entry_id, outcome="refused" if number % 5 else "accepted")
        flush()
        with closing(sqlite3.connect(path)) as connection:
            durations = [_seconds(lambda: connection.execute(GROUP).fetchall()) for _ in range(9)]
            assert sum(count for *_, count in connection.execute(GROUP)) == CALLS
    ms = median(durations) * 1000
    name = f"outcomes of {CALLS:,} calls of 400 kB, grouped"
    return _print(name, f"{ms:.2f} ms", ms <= GROUP_LIMIT_MS)


def measure_migration() -> bool:
    """Bring a store of a million calls up to date."""
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory, "forge.db")
        engine = create_engine(f"sqlite:///{path}")
        with engine.begin() as connection:
            run_revisions(connection, None, BEFORE)
        engine.dispose()
        fill_store(path, make=False)
        seconds = _seconds(lambda: upgrade(path))
        flush()
    name = f"{RUNS * CALLS_A_RUN:,} calls brought up to date from {BEFORE}"
    return _print(name, f"{seconds:.2f} s", seconds <= MIGRATION_LIMIT_S)


def _seconds(call: Callable[[], object]) -> float:
    started = time.perf_counter()
    call()
    return time.perf_counter() - started


def _print(name: str, figures: str, ok: bool) -> bool:
    print(f"{name:<62} {figures:>30}  {'ok' if ok else 'TOO SLOW'}", flush=True)
    return ok


if __name__ == "__main__":
    raise SystemExit(main())

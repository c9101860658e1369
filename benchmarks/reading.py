"""What reading costs among a million calls of a hundred thousand runs."""

import sqlite3
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median

from forge_obs import (
    StoreReader,
    flush,
    get_interactions,
    get_run,
    list_recent_runs,
    open_reader,
    upgrade,
)
from sqlalchemy import Engine

RUNS = 100_000
CALLS_A_RUN = 10
TURNS = 30
LIMIT_MS = 5.0

_BEGAN = datetime(2026, 1, 1, tzinfo=UTC)
MIDDLE = f"forge-task-{RUNS // 2}"


def main() -> int:
    """Print each query's time; 1 if one is too slow."""
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory, "forge.db")
        fill_store(path)
        engine = open_reader(path)
        assert engine is not None
        found = {name: _median_ms(query, engine) for name, query in _queries(engine).items()}
    print(f"{RUNS * CALLS_A_RUN:,} calls of {RUNS:,} runs: ms, median of {TURNS}, whole call")
    for name, ms in found.items():
        print(f"{name:<34} {ms:>6.2f}   limit {LIMIT_MS}: {'ok' if ms <= LIMIT_MS else 'TOO SLOW'}")
    return int(any(ms > LIMIT_MS for ms in found.values()))


def _queries(engine: Engine) -> dict[str, Callable[[Engine], object]]:
    since = _BEGAN + timedelta(minutes=RUNS - 10)
    [call, *_] = get_interactions(engine, workflow_id=MIDDLE)
    prefix = str(call.entry_id)[:12]
    return {
        "newest 20 runs": list_recent_runs,
        "newest 20 failed runs": lambda e: list_recent_runs(e, status="failure_terminal"),
        "newest 20 runs of a model": lambda e: list_recent_runs(e, model_name="rare"),
        "newest 20 runs since": lambda e: list_recent_runs(e, since=since),
        "one run with all its calls": lambda e: (
            get_run(e, MIDDLE),
            get_interactions(e, workflow_id=MIDDLE),
        ),
        "figures of 20 runs": lambda e: list(
            StoreReader(e).iterate_call_figures([f"forge-task-{n}" for n in range(20)])
        ),
        "one call by number": lambda e: StoreReader(e).get_interaction(RUNS),
        "one call by entry id": lambda e: StoreReader(e).get_interaction(str(call.entry_id)),
        "one call by prefix": lambda e: StoreReader(e).get_interaction(prefix),
    }


def _median_ms(query: Callable[[Engine], object], engine: Engine) -> float:
    durations = []
    for _ in range(TURNS):
        started = time.perf_counter()
        assert query(engine)
        durations.append((time.perf_counter() - started) * 1000)
    return median(durations)


def fill_store(path: Path, *, make: bool = True) -> None:
    """Write all rows in one go, quicker than any program would record them.

    Args:
        path: The database.
        make: Make it first; else it is there, at whatever revision.
    """
    if make:
        upgrade(path)
    flush()
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA synchronous=OFF")
        connection.execute("PRAGMA cache_size=-400000")
        connection.execute("BEGIN")
        connection.executemany(
            "INSERT INTO runs (task_id, workflow_id, run_id, status, created_at, finished_at,"
            " model_name, result_json) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            _runs(),
        )
        connection.executemany(
            "INSERT INTO interactions (entry_id, task_id, role, model_name, input_tokens,"
            " output_tokens, latency_ms, created_at, workflow_id, run_id, activity_id,"
            " activity_attempt, seq, system_prompt, user_prompt, response)"
            " VALUES (lower(hex(randomblob(16))), ?, 'llm', 'm', 900, 80, 812.5, ?, ?, ?, ?,"
            " 1, 0, ?, ?, 'done')",
            _calls(),
        )
        connection.execute("COMMIT")


def _moment(run: int) -> str:
    return (_BEGAN + timedelta(minutes=run)).isoformat(timespec="microseconds")[:-6] + "Z"


def _runs() -> Iterator[tuple[object, ...]]:
    for run in range(RUNS):
        status = "success" if run % 50 else "failure_terminal"
        model = "m" if run % 500 else "rare"
        moment = _moment(run)
        task_id, workflow_id = f"task-{run % 1000}", f"forge-task-{run}"
        yield task_id, workflow_id, f"r{run}", status, moment, moment, model, '{"step_results":[]}'


def _calls() -> Iterator[tuple[object, ...]]:
    for run in range(RUNS):
        moment = _moment(run)
        for call in range(CALLS_A_RUN):
            task_id, workflow_id = f"task-{run % 1000}", f"forge-task-{run}"
            prompt = f"call {call} of run {run}"
            yield task_id, moment, workflow_id, f"r{run}", str(call), "Be brief.", prompt


if __name__ == "__main__":
    raise SystemExit(main())

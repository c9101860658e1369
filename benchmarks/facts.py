"""What facts beside the row of a call cost, and what reading them by SQL takes.

A call with facts is written in turns with the same call without, and with one whose usage is to be
read besides. A block of `observe()` is written in turns with one `record()` of the same call.
Outcomes are grouped among long prompts, which the query must not touch. A store of a million calls
is brought up to date from the revision before there were facts.
"""

import sqlite3
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from itertools import count
from pathlib import Path
from statistics import median
from typing import Any

from forge_obs import flush, observe, record, upgrade
from forge_obs.database.migrate import run_revisions
from sqlalchemy import create_engine

from benchmarks.reading import CALLS_A_RUN, RUNS, fill_store
from benchmarks.record import ROWS_A_TURN, TURNS
from benchmarks.workload import build_call, use_store

FACTS: dict[str, Any] = {
    "service_tier": "default",
    "first_token_ms": 212.5,
    "response_id": "chatcmpl-0123456789",
    "root_run_id": "0193a5d0-7e8d-7c3a-9d55-0b8f7a6f3c11",
}

WRITE_LIMIT = 1.25
"""How many times as long a call with facts may take as one without."""

USAGE_LIMIT_US = 20.0
"""How much longer it may take to read and keep a provider's usage, too."""

OBSERVE_LIMIT = 2.2
"""How many times as long a block may take as one `record()` of the same call."""

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
    sizes = (2, 40, 400)
    found = [measure_writes(size_kb) for size_kb in sizes]
    found += [measure_observe(size_kb) for size_kb in sizes]
    found += [measure_groups(), measure_migration()]
    return int(not all(found))


def measure_writes(size_kb: int) -> bool:
    """Write the same call without facts, with them, and with usage to be read as well."""
    call: dict[str, Any] = {**build_call(size_kb)}
    untyped: Any = record
    usages = _build_usages()
    without, with_facts, with_usage = _measure(
        size_kb,
        lambda: untyped("interaction", **call),
        lambda: untyped("interaction", **call, **FACTS),
        lambda: untyped("interaction", **call, **FACTS, usage=next(usages)),
    )
    ratio, more = with_facts / without, with_usage - with_facts
    figures = f"{without:.0f} / {with_facts:.0f} µs, {ratio:.2f} times"
    ok = _print(f"a call of {size_kb} kB without / with facts", figures, ratio <= WRITE_LIMIT)
    return (
        _print("... and with usage to be read", f"{more:.0f} µs more", more <= USAGE_LIMIT_US)
        and ok
    )


def measure_observe(size_kb: int) -> bool:
    """Write the same call by `record()` and by a block around it."""
    call = build_call(size_kb)
    names = ("task_id", "system_prompt", "user_prompt", "workflow_id", "context_stats")
    asked: Any = {name: value for name, value in call.items() if name in names}
    answer: Any = call["response"]
    usages = _build_usages()
    untyped: Any = record

    def write() -> None:
        known = {**asked, "role": "llm", "request_model": "m", "latency_ms": 812.5}
        untyped("interaction", **known, response=answer, usage=next(usages))

    def observe_call() -> None:
        with observe(model="m", **asked) as block:
            block.answer(answer, usage=next(usages))

    once, block = _measure(size_kb, write, observe_call)
    ratio = block / once
    figures = f"{once:.0f} / {block:.0f} µs, {ratio:.2f} times"
    return _print(
        f"a call of {size_kb} kB by record() / observe()", figures, ratio <= OBSERVE_LIMIT
    )


def _build_usages() -> Iterator[dict[str, object]]:
    for number in count(1):
        details = {"cached_tokens": number % 512, "audio_tokens": 0}
        yield {
            "prompt_tokens": 900 + number,
            "completion_tokens": 80,
            "total_tokens": 980 + number,
            "prompt_tokens_details": details,
            "completion_tokens_details": {"reasoning_tokens": 20, "audio_tokens": 0},
        }


def _measure(size_kb: int, *sides: Callable[[], object]) -> list[float]:
    """Let sides write in turns; gives the median of each in microseconds."""
    durations: list[list[float]] = [[] for _ in sides]
    with tempfile.TemporaryDirectory() as directory:
        use_store(Path(directory, "forge.db"))
        for turn in range(TURNS + 1):
            for write, kept in zip(sides, durations, strict=True):
                taken = [_seconds(write) * 1e6 for _ in range(ROWS_A_TURN[size_kb])]
                if turn:  # in the first, the log grows to its length
                    kept.extend(taken)
        flush()
    return [median(kept) for kept in durations]


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

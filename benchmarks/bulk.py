"""What an entry costs in `record_many()`, beside `record()` of the same call, in turns.

The call is one that a span tells of: 2 kB of messages, an id of its own, usage and facts. Then
another process records one call after another while a long list is written: it waits for single
transactions of that, not for all of it.
"""

import multiprocessing
import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.synchronize import Event
from pathlib import Path
from statistics import median, quantiles
from typing import Any
from uuid import uuid4

from forge_obs import Fate, flush, record, record_many

from benchmarks.workload import build_call, use_store

TURNS = 12
ENTRIES = 512

RATIO_LIMIT = 0.5
"""How much of the time of `record()` an entry may take."""

AGAIN_LIMIT = 0.8
"""The same for one that is delivered again, and merged."""

WAIT_LIMIT_MS = 50.0
"""How long the 99th of a hundred calls of another process may take meanwhile."""

LONG_LIST = 20_000


def main() -> int:
    """Print each figure; 1 if one is beyond its limit."""
    return int(not (measure_entries() & measure_waits()))


def build_entry() -> dict[str, Any]:
    """Build the keywords of a call of 2 kB as a span tells of it, with a new id."""
    call = build_call(2)
    asked = [{"role": "system", "content": call["system_prompt"]}]
    asked += [{"role": "user", "content": call["user_prompt"]}]
    return {
        "entry_id": uuid4().hex,
        "task_id": "my-app",
        "role": "llm",
        "messages": {
            "input": asked,
            "output": [{"role": "assistant", "content": call["response"]}],
        },
        "request_model": "openai:gpt-4o",
        "usage": {"gen_ai.usage.input_tokens": 900, "gen_ai.usage.output_tokens": 80},
        "params": {"temperature": 0.2},
        "latency_ms": 812.5,
        "session_id": "conversation-1",
        "response_id": "chatcmpl-0123456789",
        "trace_id": uuid4().hex,
        "span_id": uuid4().hex[:16],
        "parent_span_id": uuid4().hex[:16],
        "system_prompt": None,
        "user_prompt": None,
    }


def measure_entries() -> bool:
    """Write the same calls one by one, together, and together once more."""
    untyped: Any = record
    found: dict[str, list[float]] = {"one by one": [], "together": [], "again": []}
    with _store():
        record_many([build_entry() for _ in range(ENTRIES)])
        for _ in range(TURNS):
            single = [build_entry() for _ in range(ENTRIES // 4)]
            many = [build_entry() for _ in range(ENTRIES)]
            started = time.perf_counter()
            for entry in single:
                untyped("interaction", **entry)
            found["one by one"].append(_microseconds_since(started) / len(single))
            for name in ("together", "again"):
                started = time.perf_counter()
                record_many(many)
                found[name].append(_microseconds_since(started) / ENTRIES)
    one, together, again = (median(durations) for durations in found.values())
    print(f"an entry of 2 kB: record() {one:.0f} µs, record_many() {together:.0f} µs:", end=" ")
    ok = _judge(together / one, RATIO_LIMIT)
    print(f"the same entry again: record_many() {again:.0f} µs:", end=" ")
    return _judge(again / one, AGAIN_LIMIT) and ok


def measure_waits() -> bool:
    """Record in another process while a long list is written."""
    with _store():
        given = [build_entry() for _ in range(LONG_LIST)]
        context = multiprocessing.get_context("fork")
        ready, over = context.Event(), context.Event()
        results: Any = context.SimpleQueue()
        flush()
        other = context.Process(target=_record_until, args=(ready, over, results))
        other.start()
        ready.wait()
        fates = record_many(given)
        over.set()
        durations = results.get()
        other.join()
    p99 = quantiles(durations, n=100)[98]
    stored = all(fate is Fate.STORED for fate in fates)
    print(f"{len(durations)} calls of another process meanwhile: p50 {median(durations):.2f} ms,")
    print(f"  p99 {p99:.1f} ms, longest {max(durations):.1f} ms, limit of p99", end=" ")
    print(f"{WAIT_LIMIT_MS:.0f} ms: {'ok' if p99 <= WAIT_LIMIT_MS and stored else 'TOO SLOW'}")
    return p99 <= WAIT_LIMIT_MS and stored


def _record_until(ready: Event, over: Event, results: Any) -> None:  # noqa: ANN401 - a queue
    call, durations = build_call(2), []
    record("interaction", **call)
    ready.set()
    while not over.is_set():
        started = time.perf_counter()
        record("interaction", **call)
        durations.append(_microseconds_since(started) / 1000)
        time.sleep(0.001)
    results.put(durations)


@contextmanager
def _store() -> Iterator[None]:
    before = os.environ.get("FORGE_DB_PATH")
    with tempfile.TemporaryDirectory() as directory:
        use_store(Path(directory, "forge.db"))
        yield
        flush()
    if before is None:
        del os.environ["FORGE_DB_PATH"]


def _judge(ratio: float, limit: float) -> bool:
    print(f"{ratio:.2f} times, limit {limit}: {'ok' if ratio <= limit else 'TOO SLOW'}")
    return ratio <= limit


def _microseconds_since(started: float) -> float:
    return (time.perf_counter() - started) * 1e6


if __name__ == "__main__":
    raise SystemExit(main())

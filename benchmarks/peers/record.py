"""What recording one call costs beside the `llm` tool's logging of the same call, in one run.

`llm` is no dependency of Forge: run it as `hatch run peers:bench peers`, or it says so and ends.
"""

import tempfile
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from statistics import median
from typing import Any

from forge_obs import flush, record

from benchmarks.peers.llm_log import LlmLog
from benchmarks.workload import build_call, count_rows, use_store

SIZE_KB = 2
TURNS = 10
CALLS_A_TURN = 20
"""Calls one after another, so that neither side pays for the caches that the other emptied."""

LIMIT = 20.0
"""How many times as fast as the peer `record()` is at least."""

THREADS = 16
ROWS_A_THREAD = 10


def main() -> int:
    """Print both figures; 1 if a promise is broken."""
    if find_spec("llm") is None:
        print("peers: `llm` is not installed: hatch run peers:bench peers")
        return 0
    with tempfile.TemporaryDirectory() as directory:
        use_store(Path(directory, "forge.db"))
        peer = LlmLog(Path(directory, "logs.db"), str(build_call(SIZE_KB)["response"]))
        ratio = _compare_latency(peer)
        kept = _compare_threads(peer, Path(directory, "forge.db"))
        flush()
    return int(ratio < LIMIT or not kept)


def _ask(peer: LlmLog) -> Any:  # noqa: ANN401 - of a library that may not be there
    call = build_call(SIZE_KB)
    return peer.ask(call["user_prompt"], call["system_prompt"])


def _compare_latency(peer: LlmLog) -> float:
    call = build_call(SIZE_KB)
    record("interaction", **call)
    database = peer.connect()
    seconds: tuple[list[float], list[float]] = ([], [])
    for _ in range(TURNS):
        answers = [_ask(peer) for _ in range(CALLS_A_TURN)]
        seconds[0].extend(_seconds(partial(answer.log_to_db, database)) for answer in answers)
        store = partial(record, "interaction", **call)
        seconds[1].extend(_seconds(store) for _ in range(CALLS_A_TURN))
    theirs, ours = (median(found) * 1e6 for found in seconds)
    verdict = "ok" if theirs / ours >= LIMIT else "TOO SLOW"
    print(f"one call of {SIZE_KB} kB: llm {theirs:,.0f} µs, record() {ours:,.0f} µs:", end=" ")
    print(f"{theirs / ours:,.0f} times as fast, limit {LIMIT:.0f}: {verdict}")
    return theirs / ours


def _compare_threads(peer: LlmLog, path: Path) -> bool:
    call = build_call(SIZE_KB)
    before = peer.count(), count_rows(path)

    def log_theirs() -> None:
        database = peer.connect()
        for _ in range(ROWS_A_THREAD):
            with suppress(Exception):  # the loss is what is counted
                _ask(peer).log_to_db(database)

    def log_ours() -> None:
        for _ in range(ROWS_A_THREAD):
            record("interaction", **call)

    for body in (log_theirs, log_ours):
        threads = [threading.Thread(target=body) for _ in range(THREADS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    calls = THREADS * ROWS_A_THREAD
    theirs, ours = peer.count() - before[0], count_rows(path) - before[1]
    print(f"{calls} calls by {THREADS} threads: llm keeps {theirs}, record() {ours}:", end=" ")
    print("ok" if ours == calls else "ROWS LOST")
    return ours == calls


def _seconds(act: Callable[[], object]) -> float:
    started = time.perf_counter()
    act()
    return time.perf_counter() - started


if __name__ == "__main__":
    raise SystemExit(main())

"""What `record()` costs beside a bare `sqlite3` insert of the same row into the same table.

One thread, then many threads, then several processes. Both sides write in turns, so that a slow
moment of the machine meets both. One thread writes long enough that each side pays for moving its
own write-ahead log. The turns of many are bursts, of which `record()` may leave a part in the log.
"""

import multiprocessing
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from multiprocessing.synchronize import Barrier
from pathlib import Path
from statistics import median, quantiles
from typing import Literal

from forge_obs import flush, record, upgrade

from benchmarks.workload import BareWriter, build_call, build_row, count_rows, use_store

Side = Literal["bare", "record"]
SIDES: tuple[Side, Side] = ("bare", "record")

TURNS = 8
ROWS_A_TURN = {2: 400, 40: 150, 400: 60}
"""By the size of a row in kB."""

P50_LIMITS = {2: 2.0, 40: 1.5, 400: 1.2}
"""How many times a bare insert `record()` may take, by size in kB; its p99 may take no more."""

THREADS = 16
THREADS_LIMITS = {2: 1.4, 400: 2.0}
"""Rows per second that `record()` stores at least, against bare ones, by size in kB."""

PROCESSES = 4
PROCESSES_LIMIT = 0.8

PAIRS = {2: 24, 400: 8}
"""Turns that each side takes with many threads or processes, by size in kB.

Short ones are bursts of 0.2 s, of which a slow moment of the machine takes several; long ones are
up to 100 MB each.
"""


@dataclass(frozen=True)
class Latency:
    """Durations of single rows of one size, in microseconds."""

    size_kb: int
    bare: Sequence[float]
    record: Sequence[float]

    def ratio(self, percentile: int) -> float:
        """How many times as long `record()` takes at a percentile."""
        return at_percentile(self.record, percentile) / at_percentile(self.bare, percentile)

    @property
    def ok(self) -> bool:
        """Whether both promises hold."""
        return self.ratio(50) <= P50_LIMITS[self.size_kb] and self.ratio(99) < 1.0


@dataclass(frozen=True)
class Throughput:
    """Rows per second of one size by several writers at once; medians of all turns."""

    writers: str
    size_kb: int
    bare: float
    record: float
    limit: float
    kept: bool
    """Whether every row of `record()` is in the database."""

    @property
    def ratio(self) -> float:
        """How many times as many rows `record()` stores."""
        return self.record / self.bare

    @property
    def ok(self) -> bool:
        """Whether the promise holds."""
        return self.kept and self.ratio >= self.limit


def main() -> int:
    """Print both tables; 1 if a promise is broken."""
    latencies = [measure_latency(size_kb) for size_kb in P50_LIMITS]
    _print_latencies(latencies)
    throughputs = [measure_threads(size_kb) for size_kb in THREADS_LIMITS]
    throughputs += [measure_processes(size_kb) for size_kb in THREADS_LIMITS]
    _print_throughputs(throughputs)
    return int(not (all(x.ok for x in latencies) and all(x.ok for x in throughputs)))


def measure_latency(size_kb: int, turns: int = TURNS) -> Latency:
    """Write rows of one size one after another."""
    rows = ROWS_A_TURN[size_kb]
    with _both_sides(size_kb) as (stores, row), closing(BareWriter(stores["bare"], row)) as bare:
        call = build_call(size_kb)
        writes = {"bare": bare.write, "record": lambda: record("interaction", **call)}
        durations: dict[str, list[float]] = {side: [] for side in SIDES}
        for turn in range(turns + 1):
            for side in SIDES:
                found = [_microseconds(writes[side]) for _ in range(rows)]
                if turn:  # in the first, both logs grow to their length
                    durations[side] += found
    return Latency(size_kb, durations["bare"], durations["record"])


def measure_threads(size_kb: int) -> Throughput:
    """Write rows of one size by many threads of this process."""
    rows = ROWS_A_TURN[size_kb] // 4
    pairs = PAIRS[size_kb]
    call = build_call(size_kb)

    with _both_sides(size_kb) as (stores, row):

        def write_bare() -> None:
            with closing(BareWriter(stores["bare"], row)) as bare:
                for _ in range(rows):
                    bare.write()

        def write_record() -> None:
            for _ in range(rows):
                record("interaction", **call)

        bodies: dict[Side, Callable[[], None]] = {"bare": write_bare, "record": write_record}

        def run(side: Side) -> float:
            seconds = _run_threads(bodies[side])
            _wait_for_the_log()
            return seconds

        rates = _rates(run, rows * THREADS, pairs)
        flush()
        kept = count_rows(stores["record"]) == rows * THREADS * (pairs + 1)
    limit = THREADS_LIMITS[size_kb]
    return Throughput(f"{THREADS} threads", size_kb, rates["bare"], rates["record"], limit, kept)


def measure_processes(size_kb: int) -> Throughput:
    """Write rows of one size by several processes."""
    rows = ROWS_A_TURN[size_kb]
    pairs = PAIRS[size_kb]
    with _both_sides(size_kb) as (stores, row):

        def run(side: Side) -> float:
            return _run_processes(lambda barrier: (barrier, side, stores[side], row, size_kb, rows))

        rates = _rates(run, rows * PROCESSES, pairs)
        kept = count_rows(stores["record"]) == (1 + rows) * PROCESSES * (pairs + 1)
    name = f"{PROCESSES} processes"
    return Throughput(name, size_kb, rates["bare"], rates["record"], PROCESSES_LIMIT, kept)


def at_percentile(durations: Sequence[float], percentile: int) -> float:
    """Give the value that so many percent of the durations do not exceed."""
    return quantiles(durations, n=100)[percentile - 1]


@contextmanager
def _both_sides(size_kb: int) -> Iterator[tuple[dict[Side, Path], tuple[object, ...]]]:
    """Make a store for each side; gives their paths, and a row of that size."""
    with tempfile.TemporaryDirectory() as directory:
        row = build_row(Path(directory), size_kb)
        stores = {side: Path(directory, f"{side}.db") for side in SIDES}
        for path in stores.values():
            upgrade(path)
        flush()
        use_store(stores["record"])
        yield stores, row
        flush()


def _microseconds(call: Callable[[], object]) -> float:
    started = time.perf_counter()
    call()
    return (time.perf_counter() - started) * 1e6


def _rates(run: Callable[[Side], float], rows: int, pairs: int) -> dict[Side, float]:
    """Run both sides in turns, once more for warmth; gives rows per second."""
    seconds = [{side: run(side) for side in SIDES} for _ in range(pairs + 1)][1:]
    return {side: rows / median(turn[side] for turn in seconds) for side in SIDES}


def _run_threads(body: Callable[[], None]) -> float:
    threads = [threading.Thread(target=body) for _ in range(THREADS)]
    started = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return time.perf_counter() - started


def _wait_for_the_log() -> None:
    """Let `record()` move what it left in its log, which would slow the other side's turn."""
    while any(thread.name == "forge-obs-log" for thread in threading.enumerate()):
        time.sleep(0.01)


_Work = tuple[Barrier, Side, Path, tuple[object, ...], int, int]


def _run_processes(work: Callable[[Barrier], _Work]) -> float:
    context = multiprocessing.get_context("spawn")
    barrier = context.Barrier(PROCESSES + 1)
    children = [context.Process(target=_write, args=work(barrier)) for _ in range(PROCESSES)]
    for child in children:
        child.start()
    barrier.wait()
    started = time.perf_counter()
    barrier.wait()
    seconds = time.perf_counter() - started
    for child in children:
        child.join()
    return seconds


def _write(
    barrier: Barrier, side: Side, path: Path, row: tuple[object, ...], size_kb: int, rows: int
) -> None:
    call = build_call(size_kb)
    with closing(BareWriter(path, row)) as bare:
        write = bare.write if side == "bare" else lambda: record("interaction", **call)
        if side == "record":
            use_store(path)
        write()  # imports, connections and statements are ready on both sides
        barrier.wait()
        for _ in range(rows):
            write()
        barrier.wait()
    flush()


def _print_latencies(latencies: Sequence[Latency]) -> None:
    print("one thread: µs per committed row, bare sqlite3 / record()")
    print(f"{'row':>7} {'p50':>15} {'ratio':>6} {'limit':>6} {'p99':>17} {'ratio':>6} {'limit':>6}")
    for found in latencies:
        cells = [
            f"{at_percentile(found.bare, p):.0f} / {at_percentile(found.record, p):.0f}"
            for p in (50, 99)
        ]
        print(
            f"{found.size_kb:>4} kB {cells[0]:>15} {found.ratio(50):>6.2f}"
            f" {P50_LIMITS[found.size_kb]:>6.1f} {cells[1]:>17} {found.ratio(99):>6.2f}"
            f" {'< 1':>6}  {_verdict(found.ok)}"
        )


def _print_throughputs(throughputs: Sequence[Throughput]) -> None:
    print("several writers: committed rows per second, bare sqlite3 / record()")
    for found in throughputs:
        rates = f"{found.bare:,.0f} / {found.record:,.0f}"
        print(
            f"{found.writers:>12} {found.size_kb:>4} kB {rates:>19} {found.ratio:>6.2f}"
            f" {'>= ' + str(found.limit):>7}  {_verdict(found.ok)}"
        )


def _verdict(ok: bool) -> str:
    return "ok" if ok else "TOO SLOW"


if __name__ == "__main__":
    raise SystemExit(main())

"""What archiving saves and costs: against the plain file, and against SQL on plain rows.

Prompts are made of the standard library's own sources, shared by the calls of a run as the files of
a repository are. Reads and locks are timed by the processor, and what reads from a disk without the
time that other programs had the processor; what is compared takes turns.
"""

import os
import random
import resource
import shutil
import sqlite3
import sys
import sysconfig
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from statistics import median, quantiles
from unittest.mock import patch

from forge_obs import CallQuery, StoreReader, TextSearch, archive, flush, record, upgrade
from forge_obs.admin import archive as archiving
from forge_obs.database.engines import connect_for_writing

from benchmarks.workload import build_call, count_rows

OLD = datetime.now(UTC) - timedelta(days=30)
TURNS = 15
CALLS_A_RUN = 12
ARCHIVE_TURNS = 3
LOCK_TURNS = 5
COLD_TURNS = 5
COLUMN_PAIRS = 4_000
PAIRS_BEFORE = 400
"""Pairs that are not counted, in which both logs grow to their length."""

NOWHERE = "nothing of the kind is anywhere"


@dataclass(frozen=True)
class Workload:
    """Calls of one kind, and what is allowed of them."""

    name: str
    runs: int
    prompt_bytes: int
    share: float
    """What of the size of the texts the file may have after archiving."""
    vacuums: float
    """How many times a VACUUM of the plain file archiving may take."""


LONGEST_PROMPT = 400_000
WORKLOADS = (
    Workload("400 kB a call", 16, LONGEST_PROMPT, 0.04, 1.6),
    Workload("50 kB a call", 80, 50_000, 0.065, 1.6),
    Workload("2 kB a call", 1_500, 2_000, 0.45, 5.0),
)
READS: dict[str, Callable[[StoreReader], object]] = {
    "one call": lambda reader: reader.get_interaction(20),
    "a run": lambda reader: reader.get_interactions(workflow_id="w1"),
    "metadata of a run": lambda reader: list(
        reader.calls.iterate(CallQuery(workflow_id="w1"), details=False)
    ),
    "search": lambda reader: list(reader.calls.find(CallQuery(), TextSearch(NOWHERE))),
}
LIMITS = {"one call": 7.0, "a run": 1.3, "metadata of a run": 1.2, "search": 2.0}
"""How many times as long the reading of archived calls may take."""


def main() -> int:
    """Print every figure with its limit; 1 if one is beyond it."""
    failures = 0
    with tempfile.TemporaryDirectory() as directory:
        for workload in WORKLOADS:
            failures += _measure(workload, Path(directory, f"{workload.prompt_bytes}.db"))
        failures += _measure_locks(Path(directory, "locks.db"))
        failures += _measure_column(Path(directory))
    return int(failures > 0)


def _measure(workload: Workload, path: Path) -> int:
    print(f"{workload.name}, {workload.runs * CALLS_A_RUN:,} calls")
    _fill(workload, path)
    text = _measure_text(path)
    _execute(path, "VACUUM")
    whole = path.with_name("plain.db")
    shutil.copyfile(path, whole)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    vacuum_s = archive_s = float("inf")
    for _ in range(ARCHIVE_TURNS):
        shutil.copyfile(whole, path)
        vacuum_s = min(vacuum_s, _time(lambda: _execute(path, "VACUUM")))
        archive_s = min(archive_s, _time(lambda: archive(path, datetime.now(UTC))))
    _execute(path, "VACUUM")
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    share = path.stat().st_size / text
    failures = [
        _tell("file, % of its texts", share * 100, workload.share * 100),
        _tell("archiving ÷ VACUUM of the plain file", archive_s / vacuum_s, workload.vacuums),
        _tell("memory, MB more", grown, 100),
    ]
    failures.append(
        _tell("search with cold files, archived ÷ plain", _compare_cold(path, whole), 1.1)
    )
    for name, limit in LIMITS.items():
        if name == "search" or workload.prompt_bytes == LONGEST_PROMPT:
            archived_s, plain_s = _compare(READS[name], path, whole)
            label = f"{name}, archived ÷ plain ({plain_s * 1000:.1f} ms)"
            failures.append(_tell(label, archived_s / plain_s, limit))
    whole.unlink()
    print()
    return sum(failures)


def _tell(name: str, value: float, limit: float) -> int:
    is_beyond = value > limit
    print(f"  {name:<48} {value:>8.2f}   limit {limit:g}: {'BEYOND' if is_beyond else 'ok'}")
    return int(is_beyond)


def _fill(workload: Workload, path: Path) -> None:
    upgrade(path)
    flush()
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA synchronous=OFF")
        connection.execute("BEGIN")
        connection.executemany(
            "INSERT INTO interactions (entry_id, task_id, role, model_name, input_tokens,"
            " output_tokens, latency_ms, created_at, workflow_id, system_prompt, user_prompt,"
            " response) VALUES (lower(hex(randomblob(16))), 't', 'llm', 'm', 900, 80, 812.5, ?, ?,"
            " 'Be brief.', ?, ?)",
            _calls(workload),
        )
        moment = OLD.isoformat()
        connection.executemany(
            "INSERT INTO runs (task_id, workflow_id, status, created_at, finished_at, result_json)"
            " VALUES ('t', ?, 'success', ?, ?, '{}')",
            ((f"w{run}", moment, moment) for run in range(workload.runs)),
        )
        connection.execute("COMMIT")
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def _calls(workload: Workload) -> Iterator[tuple[str, str, str, str]]:
    dice = random.Random(7)  # noqa: S311 - no secret
    files = _read_sources()
    for run in range(workload.runs):
        context: list[str] = []
        while sum(map(len, context)) < workload.prompt_bytes:
            context.append(dice.choice(files)[: workload.prompt_bytes])
        for call in range(CALLS_A_RUN):
            _change(context, files, dice, is_step=call % 4 == 3)
            prompt = f"Step {call} of run {run}.\n{''.join(context)}"[: workload.prompt_bytes]
            answer = dice.choice(files)[: workload.prompt_bytes // 20]
            yield OLD.isoformat(), f"w{run}", prompt, answer


def _change(
    context: list[str], files: Sequence[str], dice: random.Random, *, is_step: bool
) -> None:
    """Change some lines of a file, as an attempt does; a step shows another file, too."""
    place = dice.randrange(len(context))
    lines = context[place].splitlines(keepends=True)
    at = dice.randrange(len(lines) + 1)
    lines[at : at + 5] = dice.choice(files).splitlines(keepends=True)[:10]
    context[place] = "".join(lines)
    if is_step:
        context[dice.randrange(len(context))] = dice.choice(files)


def _read_sources() -> list[str]:
    folder = Path(sysconfig.get_path("stdlib"))
    found = sorted(folder.glob("*.py")) + sorted(folder.glob("*/*.py"))
    return [path.read_text(encoding="utf-8", errors="replace") for path in found[:400]]


def _measure_text(path: Path) -> int:
    with closing(sqlite3.connect(path)) as connection:
        columns = ("system_prompt", "user_prompt", "response")
        lengths = "+".join(f"length(CAST({name} AS BLOB))" for name in columns)
        query = f"SELECT sum({lengths}) FROM interactions"  # noqa: S608
        return int(connection.execute(query).fetchone()[0])


def _execute(path: Path, statement: str) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute(statement)
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def _time(work: Callable[[], object], clock: Callable[[], float] = time.process_time) -> float:
    started = clock()
    work()
    return clock() - started


def _compare(read: Callable[[StoreReader], object], *paths: Path) -> list[float]:
    """Time a read of each file in turns; gives the medians."""

    def open_and_read(path: Path) -> None:
        reader = StoreReader.open(path)
        assert reader is not None
        read(reader)

    turns = [[_time(partial(open_and_read, path)) for path in paths] for _ in range(TURNS)]
    return [median(times) for times in zip(*turns, strict=True)]


def _compare_cold(archived: Path, plain: Path) -> float:
    """Return how much longer a search takes where nothing of the file is in memory."""
    times: dict[Path, list[float]] = {archived: [], plain: []}
    for _ in range(COLD_TURNS):
        for path, known in times.items():
            _forget(path)
            known.append(_time(partial(_search, path), _read_own_clock))
    return min(times[archived]) / min(times[plain])


def _read_own_clock() -> float:
    """Return the time, less what this thread waited while other programs had the processor.

    See https://docs.kernel.org/scheduler/sched-stats.html on `schedstat` of a process.
    """
    while True:
        waited_ns = _read_wait_ns()
        now = time.perf_counter()
        if _read_wait_ns() == waited_ns:  # else it waited between the two
            return now - waited_ns / 1e9


def _read_wait_ns() -> int:
    return int(Path("/proc/thread-self/schedstat").read_text(encoding="ascii").split()[1])


def _forget(path: Path) -> None:
    """Have the system drop what it keeps of a file in memory."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)  # what is not on the disk yet cannot be dropped
        os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
    finally:
        os.close(descriptor)


def _search(path: Path) -> None:
    reader = StoreReader.open(path)
    assert reader is not None
    assert not list(reader.calls.find(CallQuery(), TextSearch(NOWHERE)))


def _measure_locks(path: Path) -> int:
    """Measure how long the lock is held, and what that does to who records meanwhile."""
    print("recording while 16 runs of 400 kB prompts are archived")
    _fill(WORKLOADS[0], path)
    held: dict[str, float] = {}
    for mode in ("ON", "OFF"):
        turns = [_archive_and_time_locks(_copy(path), mode) for _ in range(LOCK_TURNS)]
        # A frame's quickest turn is the one that other programs disturbed the least.
        held[mode] = max(map(min, zip(*turns, strict=True)))
    file = path.with_name("recorded.db")
    _fill(WORKLOADS[0], file)
    alone = _time_records(file, threading.Event())
    done = threading.Event()

    def archive_all() -> None:
        archive(file, datetime.now(UTC))
        done.set()

    thread = threading.Thread(target=archive_all)
    thread.start()
    beside = _time_records(file, done)
    thread.join()
    longest = f"lock held (longest), ÷ with secure_delete ({held['ON'] * 1000:.0f} ms)"
    slowest = f"record() beside it, p99 ÷ alone ({alone * 1000:.1f} ms)"
    return _tell(longest, held["OFF"] / held["ON"], 0.25) + _tell(slowest, beside / alone, 8.0)


def _copy(path: Path) -> Path:
    copy = path.with_name("copy.db")
    shutil.copyfile(path, copy)
    return copy


def _measure_column(folder: Path) -> int:
    """Measure what the column for archived texts costs a call that is recorded.

    The two of a pair follow each other, so that what slows the machine down slows both.
    """
    print("recording 2 kB a call into a store with and without the column archive_id")
    stores = {name: folder / f"{name}.db" for name in ("with", "without")}
    for name, path in stores.items():
        upgrade(path)
        flush()
        if name == "without":
            _execute(path, "ALTER TABLE interactions DROP COLUMN archive_id")
    work = partial(record, "interaction", **build_call(2))
    ratios = []
    for pair in range(PAIRS_BEFORE + COLUMN_PAIRS):
        times = {}
        for name, path in sorted(stores.items(), reverse=bool(pair % 2)):
            os.environ["FORGE_DB_PATH"] = str(path)
            times[name] = _time(work, time.thread_time)
        ratios.append(times["with"] / times["without"])
    flush()
    assert count_rows(stores["without"]) == count_rows(stores["with"])
    ratio = median(ratios[PAIRS_BEFORE:])
    return _tell(f"record(), ÷ without (median of {COLUMN_PAIRS:,} pairs)", ratio, 1.03)


def _archive_and_time_locks(path: Path, mode: str) -> list[float]:
    times: list[float] = []

    def connect(file: Path, wait_s: float) -> object:
        return _Timed(connect_for_writing(file, wait_s), mode, times)

    with (
        closing(sqlite3.connect(path, isolation_level=None)) as other,
        patch.object(archiving, "connect_for_writing", connect),
    ):
        # A store in use has a log, whose beginning waits for the disk once.
        other.execute("UPDATE runs SET reason = NULL WHERE id = 1")
        archive(path, datetime.now(UTC))
    return times


class _Timed:
    """A connection that notes how much of the processor its transactions take.

    Its `secure_delete` is what the benchmark says. SQLite's own trace would spell out every text.
    """

    def __init__(self, driver: sqlite3.Connection, mode: str, times: list[float]) -> None:
        self._driver, self._mode, self._times = driver, mode, times
        self._began = 0.0

    def execute(self, statement: str, *values: object) -> sqlite3.Cursor:
        if "secure_delete" in statement:
            statement = f"PRAGMA secure_delete={self._mode}"
        cursor = self._driver.execute(statement, *values)  # type: ignore[arg-type]
        if statement.startswith("BEGIN"):
            self._began = time.thread_time()
        elif statement == "COMMIT":
            self._times.append(time.thread_time() - self._began)
        return cursor

    def __getattr__(self, name: str) -> object:
        return getattr(self._driver, name)


def _time_records(path: Path, done: threading.Event) -> float:
    """Record calls until an event, or 300 of them; gives the 99th percentile."""
    os.environ["FORGE_DB_PATH"] = str(path)

    def save() -> None:
        record("interaction", task_id="t", role="llm", system_prompt="", user_prompt="u")

    times = []
    for _ in range(300):
        times.append(_time(save, time.perf_counter))
        if done.is_set():
            break
    return quantiles(times, n=100)[-1] if len(times) > 1 else times[0]


if __name__ == "__main__":
    sys.exit(main())

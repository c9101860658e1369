"""Many writers for long: nothing fails, is lost, is doubled, or grows."""

import gc
import os
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path

import pytest
from forge_obs import flush, get_backlog, lost_count, record, upgrade
from forge_obs.database.connections import identify
from support.children import start_child, wait_for
from support.waiting import wait_until

PROCESSES = 5
THREADS = 8
FIRST_COMERS = 4

PROMISED_S = 5.0
"""How long a call takes at most: 2 s for the database, 1 s for what waits, and a busy machine."""


@pytest.fixture
def db(private_environment: Path) -> Path:
    return private_environment / "forge.db"


def write(task_id: str, user_prompt: str) -> bool:
    return record(
        "interaction", task_id=task_id, role="llm", system_prompt="s", user_prompt=user_prompt
    )


def write_in_threads(
    name: str, text: str, goes_on: Callable[[int], bool]
) -> tuple[list[str], float]:
    """Write until it is enough; gives the task ids, and how long the slowest call took."""
    task_ids: list[str] = []
    seconds: list[float] = []

    def write_on(thread: int) -> None:
        number = 0
        while goes_on(number):
            task_ids.append(f"{name}-{thread}-{number}")
            began = time.monotonic()
            write(task_ids[-1], text)
            seconds.append(time.monotonic() - began)
            number += 1

    threads = [threading.Thread(target=write_on, args=(thread,)) for thread in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return task_ids, max(seconds)


def store_what_waits(db: Path) -> None:
    """Store what waits, as the next program that records would."""

    def is_stored() -> bool:
        upgrade(db)
        return not get_backlog(db).pending

    wait_until(is_stored, "what waits to be stored")


@contextmanager
def starved(processes: int) -> Iterator[None]:
    """Keep the machine busy with so many processes that compute."""
    command = [sys.executable, "-c", "while True: pass"]
    busy = [subprocess.Popen(command) for _ in range(processes)]
    try:
        yield
    finally:
        for process in busy:
            process.kill()
            process.wait()


def stored_ids(db: Path) -> list[str]:
    with closing(sqlite3.connect(db)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        found = connection.execute("SELECT task_id FROM interactions").fetchall()
        return [str(task_id) for (task_id,) in found]


@pytest.mark.parametrize(
    ("size_kb", "rows", "seconds", "others"),
    [
        pytest.param(2, 12, 0.0, 0, id="2 kB"),
        pytest.param(400, 3, 0.0, 0, id="400 kB"),
        pytest.param(400, 1, 0.0, 8, id="400 kB, starved"),
        pytest.param(2, 0, 30.0, 0, id="2 kB for 30 s", marks=pytest.mark.soak),
        pytest.param(400, 0, 30.0, 0, id="400 kB for 30 s", marks=pytest.mark.soak),
        pytest.param(400, 0, 30.0, 8, id="400 kB for 30 s, starved", marks=pytest.mark.soak),
    ],
)
def test_many_threads_of_many_processes_lose_and_double_nothing(
    db: Path, tmp_path: Path, size_kb: int, rows: int, seconds: float, others: int
) -> None:
    assert write("first", "u")  # the children need not import what this loads
    text = "x" * (size_kb * 1024)
    end = time.monotonic() + seconds

    def goes_on(number: int) -> bool:
        return number < rows or time.monotonic() < end

    def write_and_tell(name: str) -> bool:
        task_ids, slowest_s = write_in_threads(name, text, goes_on)
        (tmp_path / f"{name}.txt").write_text("\n".join(task_ids), encoding="ascii")
        return lost_count() == 0 and slowest_s < PROMISED_S

    with starved(others):
        children = [start_child(partial(write_and_tell, f"p{n}")) for n in range(PROCESSES)]
        assert [wait_for(child) for child in children] == [True] * PROCESSES
    store_what_waits(db)

    told = [line for file in tmp_path.glob("p*.txt") for line in file.read_text().split()]
    assert len(told) >= PROCESSES * THREADS * rows
    assert sorted(stored_ids(db)) == sorted(["first", *told])


FIRST_CALL = """
import sys
from forge_obs import record
sys.stdin.readline()
assert record("interaction", task_id=sys.argv[1], role="llm", system_prompt="s", user_prompt="u")
print("alembic" in sys.modules)
"""


def test_of_processes_that_make_a_database_together_few_load_what_that_needs(db: Path) -> None:
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", FIRST_CALL, str(number)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for number in range(FIRST_COMERS)
    ]

    loaded = [process.communicate("\n", timeout=120)[0].strip() for process in processes]

    assert loaded.count("True") == 1
    assert loaded.count("False") == FIRST_COMERS - 1
    assert sorted(stored_ids(db)) == sorted(map(str, range(FIRST_COMERS)))


@pytest.mark.parametrize("calls", [3_000, pytest.param(100_000, marks=pytest.mark.soak)])
def test_many_calls_leave_nothing_behind(db: Path, calls: int) -> None:
    def write_many(number: int) -> None:
        assert all(write("t", "x" * 2048) for _ in range(number))
        wait_until(lambda: count_log_threads() == 0, "the end of the log's thread")
        gc.collect()

    flush()
    wait_until(lambda: count_log_threads() == 0, "threads of other tests")
    write_many(1000)
    before = count_descriptors(db), resident_kb()

    write_many(calls)

    assert count_descriptors(db) == before[0]
    assert resident_kb() - before[1] < 8_000
    assert len(stored_ids(db)) == calls + 1000


def count_log_threads() -> int:
    return sum(thread.name == "forge-obs-log" for thread in threading.enumerate())


def count_descriptors(db: Path) -> int:
    """Count those that lead to the database and what stands beside it: others come and go."""
    ours = {identify(str(file)) for file in db.parent.iterdir()} - {None}
    return sum(find_identity(int(found.name)) in ours for found in Path("/dev/fd").iterdir())


def find_identity(descriptor: int) -> tuple[int, int] | None:
    try:
        found = os.fstat(descriptor)
    except OSError:  # that of the listing itself
        return None
    return found.st_dev, found.st_ino


def resident_kb() -> int:
    """Tell how much memory this process has in use."""
    status = Path("/proc/self/statm")
    if not status.exists():
        pytest.skip("the system does not tell how much memory a process uses")
    return int(status.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") // 1024

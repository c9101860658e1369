"""Many writers for long: nothing fails, is lost, is doubled, or grows."""

import gc
import os
import sqlite3
import threading
import time
from collections.abc import Callable
from contextlib import closing
from functools import partial
from pathlib import Path

import pytest
from forge_obs import flush, record
from support.children import start_child, wait_for
from support.waiting import wait_until

PROCESSES = 8
THREADS = 8


@pytest.fixture
def db(private_environment: Path) -> Path:
    return private_environment / "forge.db"


def write(task_id: str, user_prompt: str) -> bool:
    return record(
        "interaction", task_id=task_id, role="llm", system_prompt="s", user_prompt=user_prompt
    )


def write_in_threads(name: str, text: str, goes_on: Callable[[int], bool]) -> dict[str, bool]:
    """Write until it is enough; gives what `record()` said of each task id."""
    said: dict[str, bool] = {}

    def write_on(thread: int) -> None:
        number = 0
        while goes_on(number):
            task_id = f"{name}-{thread}-{number}"
            said[task_id] = write(task_id, text)
            number += 1

    threads = [threading.Thread(target=write_on, args=(thread,)) for thread in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return said


def stored_ids(db: Path) -> list[str]:
    with closing(sqlite3.connect(db)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        found = connection.execute("SELECT task_id FROM interactions").fetchall()
        return [str(task_id) for (task_id,) in found]


@pytest.mark.parametrize(
    ("size_kb", "rows", "seconds"),
    [
        pytest.param(2, 12, 0.0, id="2 kB"),
        pytest.param(400, 3, 0.0, id="400 kB"),
        pytest.param(2, 0, 30.0, id="2 kB for 30 s", marks=pytest.mark.soak),
        pytest.param(400, 0, 30.0, id="400 kB for 30 s", marks=pytest.mark.soak),
    ],
)
def test_many_threads_of_many_processes_lose_and_double_nothing(
    db: Path, tmp_path: Path, size_kb: int, rows: int, seconds: float
) -> None:
    assert write("first", "u")  # the children need not import what this loads
    text = "x" * (size_kb * 1024)
    end = time.monotonic() + seconds

    def goes_on(number: int) -> bool:
        return number < rows or time.monotonic() < end

    def write_and_tell(name: str) -> bool:
        said = write_in_threads(name, text, goes_on)
        (tmp_path / f"{name}.txt").write_text("\n".join(said), encoding="ascii")
        return all(said.values())

    children = [start_child(partial(write_and_tell, f"p{n}")) for n in range(PROCESSES)]
    assert [wait_for(child) for child in children] == [True] * PROCESSES

    told = [line for file in tmp_path.glob("p*.txt") for line in file.read_text().split()]
    assert len(told) >= PROCESSES * THREADS * rows
    assert sorted(stored_ids(db)) == sorted(["first", *told])


@pytest.mark.parametrize("calls", [3_000, pytest.param(100_000, marks=pytest.mark.soak)])
def test_many_calls_leave_nothing_behind(db: Path, calls: int) -> None:
    def write_many(number: int) -> None:
        assert all(write("t", "x" * 2048) for _ in range(number))
        wait_until(lambda: count_log_threads() == 0, "the end of the log's thread")
        gc.collect()

    flush()
    wait_until(lambda: count_log_threads() == 0, "threads of other tests")
    write_many(1000)
    before = count_descriptors(), resident_kb()

    write_many(calls)

    assert count_descriptors() == before[0]
    assert resident_kb() - before[1] < 8_000
    assert len(stored_ids(db)) == calls + 1000


def count_log_threads() -> int:
    return sum(thread.name == "forge-obs-log" for thread in threading.enumerate())


def count_descriptors() -> int:
    return len(list(Path("/dev/fd").iterdir()))


def resident_kb() -> int:
    """Tell how much memory this process has in use."""
    status = Path("/proc/self/statm")
    if not status.exists():
        pytest.skip("the system does not tell how much memory a process uses")
    return int(status.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") // 1024

"""A backup takes the place of a database in use: it stays sound, and what comes after is kept."""

import os
import shutil
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path

import pytest
from forge_obs import back_up, flush, get_backlog, restore, upgrade
from support.store import interaction
from support.waiting import wait_until

WRITER = """
import itertools, os, sys, time
from forge_obs import record
name, stop = sys.argv[1:]
for number in itertools.count():
    if os.path.exists(stop):
        break
    began = time.monotonic()
    stored = record("interaction", task_id=f"{name}-{number}", role="llm",
                    system_prompt="s" * 5000, user_prompt="u")
    print(f"{name}-{number}", began, stored, flush=True)
"""
"""Writes rows until a file exists, and says when each began and whether it was acknowledged."""

WRITER_OF_MANY = """
import itertools, os, sys, time
from forge_obs import Fate, record_many
name, stop = sys.argv[1:]
for number in itertools.count():
    if os.path.exists(stop):
        break
    began = time.monotonic()
    tasks = [f"{name}-{number}-{place}" for place in range(50)]
    fates = record_many(
        dict(task_id=task, role="llm", system_prompt="s" * 5000, user_prompt="u") for task in tasks
    )
    for task, fate in zip(tasks, fates):
        print(task, began, fate is Fate.STORED, flush=True)
"""
"""The same with many rows at a time."""


@pytest.fixture
def db(private_environment: Path) -> Path:
    return private_environment / "forge.db"


def rename_over(backup: Path, db: Path) -> None:
    fresh = db.with_name("fresh")
    shutil.copy(backup, fresh)
    fresh.replace(db)


def copy_into(backup: Path, db: Path) -> None:
    shutil.copyfile(backup, db)


def empty(_backup: Path, db: Path) -> None:
    os.truncate(db, 0)


REPLACEMENTS = pytest.mark.parametrize(
    "replace", [rename_over, copy_into, empty], ids=["rename", "cp", "truncate"]
)


def list_tasks(db: Path) -> set[str]:
    with closing(sqlite3.connect(db)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        return {task for (task,) in connection.execute("SELECT task_id FROM interactions")}


def store_all(db: Path) -> None:
    """Store what waits, as the next program that records would."""

    def stored() -> bool:
        upgrade(db)
        return not get_backlog(db).pending

    wait_until(stored, "what waits to be stored")
    flush()


class Writers:
    """Programs that record at the same time."""

    def __init__(self, directory: Path, programs: Sequence[str]) -> None:
        self._stop = directory / "stop"
        self._outputs = [directory / f"writer{name}" for name in range(len(programs))]
        self._processes = list(map(self._start, programs, self._outputs))

    def _start(self, program: str, output: Path) -> "subprocess.Popen[bytes]":
        command = [sys.executable, "-c", program, output.name, str(self._stop)]
        with output.open("wb") as file:
            return subprocess.Popen(command, stdout=file)

    def wait_for_rows(self, number: int) -> None:
        """Wait until each has written so many rows more."""
        counts = [self._count(output) + number for output in self._outputs]
        wait_until(
            lambda: all(map(int.__le__, counts, map(self._count, self._outputs))),
            "rows of every program",
        )

    def _count(self, output: Path) -> int:
        return output.read_bytes().count(b"\n")

    def stop(self) -> None:
        self._stop.touch()
        for process in self._processes:
            process.wait(60)

    def list_acknowledged(self, since: float) -> set[str]:
        """List the rows that were begun after a moment and acknowledged."""
        text = "".join(output.read_text() for output in self._outputs)
        lines = [line.split() for line in text.splitlines()]
        return {task for task, began, stored in lines if stored == "True" and float(began) > since}

    def __enter__(self) -> "Writers":
        return self

    def __exit__(self, *_: object) -> None:
        for process in self._processes:
            process.kill()
            process.wait()


@REPLACEMENTS
def test_rows_after_a_replacement_are_in_the_file_that_stands_there(
    db: Path, tmp_path: Path, replace: Callable[[Path, Path], None]
) -> None:
    assert all(interaction(task_id=f"before{number}") for number in range(5))
    back_up(db, tmp_path / "backup.db")
    assert all(interaction(task_id=f"gone{number}") for number in range(50))

    replace(tmp_path / "backup.db", db)
    for number in range(50):
        interaction(task_id=f"after{number}")
    store_all(db)

    kept = set() if replace is empty else {f"before{number}" for number in range(5)}
    assert list_tasks(db) == kept | {f"after{number}" for number in range(50)}


def test_log_of_a_replaced_database_is_set_aside_and_said_once(
    db: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    assert interaction()
    back_up(db, tmp_path / "backup.db")

    rename_over(tmp_path / "backup.db", db)
    assert all(interaction() for _ in range(3))

    assert [message for message in caplog.messages if "replaced" in message] == [
        f"database {db} was replaced while it was in use: what its log held is in {db}-wal-replaced"
    ]
    assert Path(f"{db}-wal-replaced").stat().st_mode & 0o777 == 0o600


def replace_in_use(
    db: Path,
    directory: Path,
    replace: Callable[[Path, Path], object],
    *,
    programs: Sequence[str],
    rows: int,
) -> tuple[int, int]:
    """Replace a database that programs write to; gives rows acknowledged after it, and lost."""
    directory.mkdir()
    assert interaction(task_id="before")
    back_up(db, directory / "backup.db")
    flush()
    with Writers(directory, programs) as writers:
        writers.wait_for_rows(rows)
        replace(directory / "backup.db", db)
        replaced_at = time.monotonic()
        writers.wait_for_rows(rows)
        writers.stop()
        acknowledged = writers.list_acknowledged(replaced_at)
    store_all(db)
    return len(acknowledged), len(acknowledged - list_tasks(db))


def put_back(backup: Path, db: Path) -> None:
    restore(db, backup)


@pytest.mark.parametrize("replace", [rename_over, put_back], ids=["rename", "restore"])
def test_programs_that_record_go_on_after_a_replacement(
    db: Path, tmp_path: Path, replace: Callable[[Path, Path], object]
) -> None:
    programs = [WRITER, WRITER_OF_MANY]
    acknowledged, lost = replace_in_use(db, tmp_path / "round", replace, programs=programs, rows=20)

    assert acknowledged > 0
    assert lost == 0
    assert "before" in list_tasks(db)


@pytest.mark.soak
@pytest.mark.parametrize(
    "replace",
    [rename_over, copy_into, empty, put_back],
    ids=["rename", "cp", "truncate", "restore"],
)
def test_rounds_of_replacements_lose_nothing(
    db: Path, tmp_path: Path, replace: Callable[[Path, Path], object]
) -> None:
    acknowledged = lost = 0
    for number in range(12):
        programs = [WRITER, WRITER_OF_MANY] * 2
        figures = replace_in_use(db, tmp_path / f"{number}", replace, programs=programs, rows=200)
        acknowledged, lost = acknowledged + figures[0], lost + figures[1]

    assert lost == 0
    assert acknowledged > 0

"""A process that goes through many databases keeps descriptors and memory for few."""

import gc
import os
import resource
import sqlite3
from collections import Counter
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from uuid import uuid4

import pytest
from forge_obs import get_engine, record, upgrade
from forge_obs.database import handle
from forge_obs.database.writer import write_at
from forge_obs.model.entries import build_interaction
from sqlalchemy import text
from support.children import run_in_child
from support.store import forget_databases, interaction

MOST = 3
STORES = 8


@pytest.fixture
def paths(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    forget_databases()
    monkeypatch.setattr(handle, "_MOST_IN_USE", MOST)
    monkeypatch.setenv("FORGE_DB_PATH", "")
    return [tmp_path / f"tenant-{number}" / "forge.db" for number in range(STORES)]


def record_in(paths: Iterable[Path]) -> bool:
    done = []
    for path in paths:
        os.environ["FORGE_DB_PATH"] = str(path)
        done.append(interaction())
    return all(done)


def count_descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def count_rows(path: Path) -> int:
    with closing(sqlite3.connect(path)) as connection:
        return int(connection.execute("SELECT count(*) FROM interactions").fetchone()[0])


def test_descriptors_are_bounded_however_often_each_store_is_used(paths: list[Path]) -> None:
    before = count_descriptors()
    for _ in range(3):
        assert record_in(paths)

        assert count_descriptors() - before <= 4 * MOST

    assert [count_rows(path) for path in paths] == [3] * STORES


def test_threads_take_no_store_from_each_other_in_the_middle_of_a_write(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(handle, "_MOST_IN_USE", 2)
    stores = [tmp_path / f"tenant-{number}" / "forge.db" for number in range(6)]
    for path in stores:
        upgrade(path)

    def write_to_each(first: int) -> Counter[Path]:
        written: Counter[Path] = Counter()
        for number in range(first, first + 60):
            path = stores[number * (first + 1) % len(stores)]
            fields = {"task_id": "t", "role": "llm", "system_prompt": "", "user_prompt": "u"}
            entry = build_interaction(fields, entry_id=uuid4().hex, now="2026-12-01T00:00:00Z")
            assert write_at(path, [entry], timeout_s=20.0, migrate_s=20.0) == (None,)
            written[path] += 1
        return written

    with ThreadPoolExecutor(8) as threads:
        written = sum(threads.map(write_to_each, range(8)), Counter[Path]())

    assert [count_rows(path) for path in stores] == [written[path] for path in stores]


def test_store_that_nobody_holds_is_forgotten(paths: list[Path]) -> None:
    assert record_in(paths)
    gc.collect()

    assert {database.path for database in handle.list_open()} == set(paths[-MOST:])


def test_engine_that_somebody_holds_stays_the_only_one_of_its_file(paths: list[Path]) -> None:
    upgrade(paths[0])
    engine = get_engine(paths[0])
    assert record_in(paths[1:])
    gc.collect()

    assert get_engine(paths[0]) is engine
    assert record_in(paths[:1])
    with engine.connect() as connection:
        assert connection.execute(text("SELECT count(*) FROM interactions")).scalar_one() == 1


def test_store_with_an_open_transaction_keeps_it(paths: list[Path]) -> None:
    upgrade(paths[0])
    with get_engine(paths[0]).begin() as connection:
        connection.execute(text("DELETE FROM runs"))
        assert record_in(paths[1:])
        connection.execute(text("DELETE FROM interactions"))

    assert record_in(paths)
    assert [count_rows(path) for path in paths] == [1] + [2] * (STORES - 1)


def test_store_that_was_replaced_meanwhile_is_opened_anew(paths: list[Path]) -> None:
    assert record_in(paths)
    paths[0].unlink()

    assert record_in(paths)

    assert [count_rows(path) for path in paths] == [1] + [2] * (STORES - 1)


def test_few_descriptors_are_enough_for_many_stores(tmp_path: Path) -> None:
    def record_within_the_limit() -> bool:
        _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (64, most))
        many = [tmp_path / f"tenant-{number}" / "forge.db" for number in range(24)]
        return record_in(many) and record_in(many)

    assert run_in_child(record_within_the_limit)


def test_child_starts_over_with_all_that_its_parent_used(paths: list[Path]) -> None:
    assert record_in(paths)

    assert run_in_child(
        lambda: record_in(paths) and not handle._in_use.keys() - set(map(str, paths))
    )

    assert record_in(paths)
    assert [count_rows(path) for path in paths] == [3] * STORES
    assert record("run", task_id="t", workflow_id="w", status="success")

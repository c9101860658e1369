"""Entries that the database cannot take wait beside it, and come in as if nothing had been."""

import itertools
import os
import signal
import sqlite3
import stat
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal

import pytest
from forge_obs import (
    Backlog,
    Interaction,
    delivery,
    flush,
    get_backlog,
    get_interactions,
    get_run,
    lost_count,
    open_reader,
    record,
    upgrade,
)
from forge_obs.database.commits.checkpointer import Checkpointer
from forge_obs.environment import locked_file as private_file
from forge_obs.errors import SpoolUnavailable
from forge_obs.model.columns import HEAD
from forge_obs.model.entries import Entry, clean_columns
from forge_obs.spool import file as spool
from forge_obs.spool.file import add_lost
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.children import run_in_child, start_child, wait_for
from support.store import eventually, interaction, locked

KEY = {"run_id": "r", "activity_id": "5", "activity_attempt": 1}

LONGEST_CALL_S = 10.0
"""Far above the deadline, since the machine may be busy."""


pytestmark = pytest.mark.usefixtures("impatient")


@pytest.fixture
def db(private_environment: Path) -> Path:
    path = private_environment / "forge.db"
    upgrade(path)
    return path


def stored(db: Path) -> list[Interaction]:
    engine = open_reader(db)
    assert engine is not None
    return get_interactions(engine)


def upgraded(db: Path) -> bool:
    upgrade(db)
    return True


def waiting(db: Path) -> int:
    return get_backlog(db).pending


def entry(task_id: str) -> Entry:
    values = {"task_id": task_id, "role": "llm", "created_at": "2026-11-03T10:00:00.000000Z"}
    return Entry("interactions", clean_columns("interactions", values))


def drain(db: Path, save: Callable[[Entry], bool], budget_s: float = 5.0) -> None:
    """Hand over what waits, and count what is of no use where every process sees it."""
    spool.drain(db, save, partial(add_lost, db), budget_s=budget_s, timeout_s=1.0)


def drained(db: Path, budget_s: float = 5.0) -> list[object]:
    """Take what waits out of the spool, without any database."""
    found: list[object] = []

    def save(waiting: Entry) -> bool:
        found.append(waiting.row["task_id"])
        return True

    drain(db, save, budget_s)
    return found


def test_entry_of_a_locked_database_waits_and_is_not_lost(db: Path) -> None:
    with locked(db):
        assert not interaction(task_id="first")
        assert not interaction(task_id="second")

        assert get_backlog(db) == Backlog(pending=2)
    assert lost_count() == 0


def test_next_writer_that_can_brings_the_waiting_ones_in_first(db: Path) -> None:
    with locked(db):
        assert not interaction(task_id="first")
        assert not interaction(task_id="second")

    assert eventually(lambda: interaction(task_id="third"))

    assert [row.task_id for row in stored(db)][:2] == ["first", "second"]
    assert stored(db)[-1].task_id == "third"
    assert waiting(db) == 0
    assert not spool.get_spool_path(db).exists()


def test_another_process_stores_what_waits(db: Path) -> None:
    with locked(db):
        assert run_in_child(lambda: not interaction(task_id="of the child"))
    assert waiting(db) == 1

    assert run_in_child(lambda: interaction(task_id="of another"))

    assert {row.task_id for row in stored(db)} == {"of the child", "of another"}
    assert waiting(db) == 0


@pytest.mark.parametrize("how", [upgrade, lambda _: flush()], ids=["upgrade", "flush"])
def test_upgrade_and_flush_store_what_waits(db: Path, how: Callable[[Path], None]) -> None:
    with locked(db):
        assert not interaction(task_id="late")

    how(db)

    assert [row.task_id for row in stored(db)] == ["late"]
    assert waiting(db) == 0


def test_entries_for_a_newer_schema_wait_for_the_version_that_knows_it(db: Path) -> None:
    with closing(sqlite3.connect(db)) as connection, connection:
        connection.execute("UPDATE alembic_version SET version_num = '999_future'")
    flush()
    assert run_in_child(lambda: not interaction(task_id="early"))
    assert waiting(db) == 1

    with closing(sqlite3.connect(db)) as connection, connection:
        connection.execute("UPDATE alembic_version SET version_num = ?", (HEAD,))
    upgrade(db)

    assert [row.task_id for row in stored(db)] == ["early"]


def test_call_that_waited_in_two_parts_is_one_row(db: Path) -> None:
    with locked(db):
        assert not interaction(**KEY, status="started", request_model="m")
        assert not interaction(**KEY, response="done")
    upgrade(db)

    [row] = stored(db)
    assert (row.status, row.response, row.request_model) == ("ok", "done", "m")


def test_start_that_waited_does_not_turn_back_a_finished_call(db: Path) -> None:
    with locked(db):
        assert run_in_child(lambda: not interaction(**KEY, status="started"))
    with closing(sqlite3.connect(db)) as connection, connection:
        connection.execute(
            "INSERT INTO interactions (task_id, role, model_name, input_tokens, output_tokens,"
            " latency_ms, system_prompt, user_prompt, status, response, run_id, activity_id,"
            " activity_attempt, seq)"
            " VALUES ('t', 'llm', '', 0, 0, 0, '', '', 'ok', 'done', ?, ?, ?, 0)",
            tuple(KEY.values()),
        )
    upgrade(db)

    [row] = stored(db)
    assert (row.status, row.response) == ("ok", "done")


def test_entry_that_was_stored_and_is_drained_again_stays_one_row(db: Path) -> None:
    with locked(db):
        assert not interaction(entry_id="mine")
    copy = spool.get_spool_path(db).read_bytes()
    upgrade(db)
    spool.get_spool_path(db).write_bytes(copy)
    upgrade(db)

    assert [row.entry_id for row in stored(db)] == ["mine"]


def test_own_entries_are_stored_in_the_order_of_recording(
    db: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def run(number: int) -> bool:
        result = {"n": number}
        return record("run", task_id="t", workflow_id="w", status="running", result=result)

    with locked(db):
        for number in range(30):
            assert not run(number)
    monkeypatch.setattr("forge_obs.spool.drain.BATCH_S", 0.0)
    last = iter(range(30, 1000))

    assert eventually(lambda: run(next(last)))

    engine = open_reader(db)
    assert engine is not None
    found = get_run(engine, "w")
    assert found is not None
    assert found.result_json == f'{{"n":{next(last) - 1}}}'


def record_run(status: Literal["running", "error"], **result: object) -> bool:
    return record("run", task_id="t", workflow_id="w", status=status, result=result)


def test_nothing_overtakes_what_another_process_left_waiting(
    db: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("forge_obs.spool.drain.BATCH_S", 0.0)

    def leave() -> bool:
        for _ in range(30):
            interaction()
        return not record_run("running", step=1) and not interaction(**KEY, response="older")

    assert interaction(), "there is nothing to wait behind, just now"
    with locked(db):
        assert run_in_child(leave)

    assert not record_run("running", step=5)
    assert not interaction(**KEY, status="error", error="refused")

    upgrade(db)
    engine = open_reader(db)
    assert engine is not None
    run = get_run(engine, "w")
    assert run is not None
    assert (run.result_json, run.owner_pid) == ('{"step":5}', os.getpid())
    assert stored(db)[-1].status == "error"


def test_spool_that_was_out_of_reach_for_a_moment_is_queued_behind_again(
    db: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("forge_obs.spool.drain.BATCH_S", 0.0)
    place, elsewhere = spool.get_spool_path(db), db.with_name("elsewhere")
    with locked(db):
        for _ in range(30):
            assert not interaction()
        place.rename(elsewhere)
        place.mkdir()
    assert eventually(lambda: interaction(task_id="out of turn"))
    place.rmdir()
    elsewhere.rename(place)

    assert not interaction(task_id="in turn")

    upgrade(db)
    assert stored(db)[-1].task_id == "in turn"


def test_full_spool_costs_no_entry_that_the_database_takes(
    db: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("forge_obs.spool.drain.BATCH_S", 0.0)
    monkeypatch.setattr(spool, "MAX_BYTES", 5000)
    with locked(db):
        assert eventually(lambda: interaction(user_prompt="x" * 500) or lost_count() > 0)

    assert eventually(lambda: interaction(task_id="out of turn"))

    assert waiting(db) > 0
    assert stored(db)[-1].task_id == "out of turn"


def test_database_that_was_replaced_gets_what_waited_for_it(db: Path) -> None:
    with locked(db):
        assert not interaction(task_id="kept")
    db.rename(db.with_name("old.db"))

    assert eventually(lambda: interaction(task_id="new"))

    assert stored(db)[0].task_id == "kept"


def test_batch_ends_in_time_and_the_next_goes_on(db: Path) -> None:
    for number in range(10):
        spool.append(db, [entry(str(number))], timeout_s=1.0)

    first = drained(db, budget_s=0.0)
    assert spool.read_backlog(db).pending == 8
    rest = drained(db)

    assert (first, rest) == (["0", "1"], [str(number) for number in range(2, 10)])


def test_log_is_not_waited_for_while_the_spool_is_held(
    db: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("forge_obs.spool.drain.BATCH_S", 0.0)
    waits: list[str] = []

    def keep_up(_: Checkpointer) -> None:
        try:
            with private_file.locked(spool.get_spool_path(db), 0, time.monotonic()):
                pass
        except TimeoutError:
            waits.append("held")
        except FileNotFoundError:
            waits.append("gone")
        else:
            waits.append("free")

    for number in range(10):
        spool.append(db, [entry(str(number))], timeout_s=1.0)
    monkeypatch.setattr(Checkpointer, "keep_up", keep_up)
    upgrade(db)
    assert interaction()

    assert waits == ["free"] * 4 + ["gone"]


def test_entry_that_cannot_be_saved_stays_with_those_behind_it(db: Path) -> None:
    for name in "abc":
        spool.append(db, [entry(name)], timeout_s=1.0)
    seen: list[object] = []

    def save(waiting: Entry) -> bool:
        if waiting.row["task_id"] == "b":
            raise sqlite3.OperationalError
        seen.append(waiting.row["task_id"])
        return True

    with pytest.raises(sqlite3.OperationalError):
        drain(db, save)

    assert seen == ["a"]
    assert drained(db) == ["b", "c"]


def test_entry_that_no_database_takes_is_lost_and_counted(db: Path) -> None:
    with closing(sqlite3.connect(db)) as connection:
        connection.execute(
            "CREATE TRIGGER refuse BEFORE INSERT ON interactions WHEN new.task_id = 'bad'"
            " BEGIN SELECT RAISE(ABORT, 'no'); END"
        )
    for name in ("bad", "good"):
        spool.append(db, [entry(name)], timeout_s=1.0)

    upgrade(db)

    assert [row.task_id for row in stored(db)] == ["good"]
    assert (waiting(db), get_backlog(db).lost) == (0, 1)


@pytest.mark.parametrize("torn", [b'{"table":"interactions","ro', b"\x00" * 50])
def test_torn_last_line_spoils_no_other(db: Path, torn: bytes) -> None:
    spool.append(db, [entry("before")], timeout_s=1.0)
    with spool.get_spool_path(db).open("ab") as file:
        file.write(torn)
    spool.append(db, [entry("after")], timeout_s=1.0)

    assert drained(db) == ["before", "after"]
    assert get_backlog(db).lost == 1


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"\xff" * 500, b"no header\nno line\n"],
    ids=["empty", "cut", "raw", "text"],
)
def test_garbage_in_place_of_the_spool_is_outlived(db: Path, content: bytes) -> None:
    spool.get_spool_path(db).write_bytes(content)
    with locked(db):
        assert not interaction(task_id="kept")

    upgrade(db)

    assert [row.task_id for row in stored(db)] == ["kept"]
    assert waiting(db) == 0


def test_spool_is_bounded_and_what_does_not_fit_is_counted(
    db: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(spool, "MAX_BYTES", 5000)
    with locked(db):
        for _ in range(20):
            assert not interaction(user_prompt="x" * 500)

    found = get_backlog(db)
    assert spool.get_spool_path(db).stat().st_size <= 5000
    assert 0 < found.pending < 20
    assert found.pending + found.lost == 20
    assert found.lost == lost_count()
    assert found.last_lost_at is not None
    assert len([line for line in caplog.messages if "is full" in line]) == 1


def test_losses_are_seen_by_other_processes(db: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spool, "MAX_BYTES", 0)
    with locked(db):
        assert run_in_child(lambda: not interaction() and lost_count() == 1)

    assert get_backlog(db).lost == 1


def lose_one(db: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Lose an entry, where nothing takes it and nothing counts it."""
    spool.get_lost_path(db).mkdir()
    with locked(db), monkeypatch.context() as full:
        full.setattr(spool, "MAX_BYTES", 0)
        assert not interaction()
    assert get_backlog_of_files(db) == 0
    spool.get_lost_path(db).rmdir()


def test_losses_that_found_no_place_are_written_down_later(
    db: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lose_one(db, monkeypatch)

    assert eventually(interaction)

    assert get_backlog_of_files(db) == get_backlog(db).lost == 1


def test_useless_lines_that_no_file_counts_are_counted_by_the_process(
    db: Path, caplog: pytest.LogCaptureFixture
) -> None:
    spool.append(db, [entry("good")], timeout_s=1.0)
    with spool.get_spool_path(db).open("ab") as file:
        file.write(b"no entry\n" * 3)
    spool.get_lost_path(db).mkdir()

    assert interaction(task_id="new")

    assert get_backlog(db).lost == 3
    assert [row.task_id for row in stored(db)] == ["good", "new"]
    assert "3 torn or unusable entries lost" in caplog.text


def test_losses_of_a_parent_are_not_counted_by_its_child_too(
    db: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lose_one(db, monkeypatch)

    assert run_in_child(lambda: lost_count() == 0 and eventually(interaction))
    assert eventually(interaction)

    assert get_backlog_of_files(db) == lost_count() == 1


def get_backlog_of_files(db: Path) -> int:
    """Count the losses that other processes can see."""
    return 0 if not spool.get_lost_path(db).is_file() else spool.get_lost_path(db).stat().st_size


def test_files_are_private_under_any_umask(db: Path) -> None:
    umask = os.umask(0)
    try:
        spool.append(db, [entry("x")], timeout_s=1.0)
        spool.add_lost(db, 1)
    finally:
        os.umask(umask)

    for file in (spool.get_spool_path(db), spool.get_lost_path(db)):
        assert stat.S_IMODE(file.stat().st_mode) == 0o600


@pytest.mark.parametrize("obstacle", ["directory", "link", "fifo"])
def test_something_else_in_place_of_the_spool_is_neither_followed_nor_waited_for(
    db: Path, tmp_path: Path, obstacle: str
) -> None:
    place, elsewhere = spool.get_spool_path(db), tmp_path / "elsewhere"
    if obstacle == "directory":
        place.mkdir()
    elif obstacle == "link":
        place.symlink_to(elsewhere)
    else:
        os.mkfifo(place)

    with locked(db):
        assert not interaction(task_id="waits")
    assert not elsewhere.exists()
    assert eventually(interaction)
    assert "waits" in [row.task_id for row in stored(db)]
    assert lost_count() == 0
    with pytest.raises(SpoolUnavailable):
        get_backlog(db)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_spool_of_somebody_else_is_left_alone(db: Path) -> None:
    place = spool.get_spool_path(db)
    place.touch(0o666)
    os.chown(place, 12345, 12345)

    with locked(db):
        assert not interaction(task_id="waits")

    assert eventually(interaction)
    assert "waits" in [row.task_id for row in stored(db)]
    assert lost_count() == 0
    assert place.read_bytes() == b""
    assert place.stat().st_uid == 12345


def test_busy_spool_costs_no_entry_and_little_time(db: Path) -> None:
    with private_file.locked(spool.get_spool_path(db), os.O_CREAT, 0.0):
        started = time.monotonic()
        spool.append(db, [entry("own")], timeout_s=10.0)
        took_s = time.monotonic() - started
        [own] = set(spool.list_files(db)) - {spool.get_spool_path(db)}
        with private_file.locked(own, 0, 0.0):
            spool.append(db, [entry("another")], timeout_s=10.0)
        assert get_backlog(db).pending == 2
        assert {file.stat().st_mode & 0o777 for file in spool.list_files(db)} == {0o600}

    assert took_s < 5.0
    assert eventually(interaction)
    assert {"own", "another"} < {row.task_id for row in stored(db)}
    assert list(db.parent.glob("*-spool*")) == []


def test_counting_changes_and_makes_nothing(db: Path, tmp_path: Path) -> None:
    spool.append(db, [entry("x")], timeout_s=1.0)
    before = spool.get_spool_path(db).read_bytes()

    assert get_backlog(db).pending == 1
    assert get_backlog(tmp_path / "no" / "such.db") == Backlog()

    assert spool.get_spool_path(db).read_bytes() == before
    assert not (tmp_path / "no").exists()


def test_many_writers_and_drainers_lose_and_double_nothing(
    db: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(delivery, "SPOOL_S", 60.0)  # nine threads wait for one file in turn

    def write(child: int) -> bool:
        def work(thread: int) -> None:
            for number in range(25):
                interaction(entry_id=f"{child}-{thread}-{number}")

        threads = [threading.Thread(target=work, args=(n,)) for n in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return lost_count() == 0

    with locked(db):
        children = [start_child(lambda child=child: write(child)) for child in range(3)]  # type: ignore[misc]
        assert eventually(lambda: waiting(db) > 20)
    assert [wait_for(child) for child in children] == [True] * 3
    drains = [start_child(lambda: upgraded(db)) for _ in range(3)]
    assert [wait_for(child) for child in drains] == [True] * 3
    upgrade(db)

    assert waiting(db) == get_backlog(db).lost == 0
    ids = [row.entry_id for row in stored(db)]
    assert len(ids) == len(set(ids)) == 3 * 3 * 25


def test_drainer_killed_on_the_way_loses_and_doubles_nothing(db: Path) -> None:
    with locked(db):
        for number in range(200):
            assert not interaction(entry_id=str(number))
    for rows in (20, 60):
        child = start_child(lambda: upgraded(db))
        eventually(lambda rows=rows: len(stored(db)) >= rows)  # type: ignore[misc]
        os.kill(child, signal.SIGKILL)
        wait_for(child)
    upgrade(db)

    assert sorted(int(row.entry_id or -1) for row in stored(db)) == list(range(200))


def test_writers_killed_while_they_spool_lose_nothing_that_was_set_aside(
    db: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(spool, "MAX_BYTES", 1 << 40)  # a quick disk takes hundreds of texts
    log = tmp_path / "set_aside"
    log.touch()

    def write(child: int) -> bool:
        with log.open("a", buffering=1) as file:
            for number in itertools.count():
                interaction(entry_id=f"{child}-{number}", user_prompt="x" * 30_000)
                file.write(f"{child}-{number}\n")
        return True

    def has_lines(number: int) -> bool:
        return len(log.read_text().splitlines()) >= number

    with locked(db):
        for child in range(6):
            goal = len(log.read_text().splitlines()) + 5
            pid = start_child(partial(write, child))
            assert eventually(partial(has_lines, goal))
            os.kill(pid, signal.SIGKILL)
            wait_for(pid)
    upgrade(db)

    assert waiting(db) == 0
    assert set(log.read_text().split()) <= {row.entry_id for row in stored(db)}


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.sampled_from(["append", "tear", "take two", "take all", "fail"]), max_size=25))
def test_any_history_hands_over_every_entry_once_and_in_order(
    tmp_path: Path, history: list[str]
) -> None:
    with TemporaryDirectory(dir=tmp_path) as directory:
        place = Path(directory, "forge.db")
        appended: list[object] = []
        taken: list[object] = []
        torn = 0
        for act in history:
            if act == "append":
                appended.append(str(len(appended)))
                spool.append(place, [entry(str(appended[-1]))], timeout_s=1.0)
            elif act == "tear" and spool.has_entries(place):
                # A second piece right behind a torn one makes the same torn line longer.
                torn += spool.get_spool_path(place).read_bytes().endswith(b"\n")
                with spool.get_spool_path(place).open("ab") as file:
                    file.write(b'{"table":"inter')
            elif act == "fail":
                with suppress(sqlite3.OperationalError):
                    spool.drain(
                        place, refuse, partial(add_lost, place), budget_s=1.0, timeout_s=1.0
                    )
            elif act.startswith("take"):
                taken += drained(place, budget_s=0.0 if act == "take two" else 5.0)
        taken += drained(place)

        assert taken == appended
        assert spool.read_backlog(place) == Backlog(0, torn, spool.read_backlog(place).last_lost_at)


def refuse(_: Entry) -> bool:
    raise sqlite3.OperationalError


def test_child_of_a_fork_does_not_keep_the_lock(db: Path) -> None:
    release, inside = threading.Event(), threading.Event()

    def save(_: Entry) -> bool:
        inside.set()
        return release.wait(10)

    spool.append(db, [entry("x")], timeout_s=1.0)
    drainer = threading.Thread(
        target=lambda: spool.drain(db, save, partial(add_lost, db), budget_s=5.0, timeout_s=1.0)
    )
    drainer.start()
    assert inside.wait(10)
    reader, writer = os.pipe()
    child = start_child(lambda: os.read(reader, 1) == b"x")
    release.set()
    drainer.join()

    spool.append(db, [entry("y")], timeout_s=1.0)
    os.write(writer, b"x")

    assert wait_for(child)
    assert drained(db) == ["y"]
    os.close(reader)
    os.close(writer)


@pytest.mark.parametrize("seconds", [2, pytest.param(60, marks=pytest.mark.soak)])
def test_database_locked_under_load_loses_nothing(
    db: Path, monkeypatch: pytest.MonkeyPatch, seconds: int
) -> None:
    monkeypatch.setattr(delivery, "DEADLINE_S", 2.0)
    monkeypatch.setattr("forge_obs.breaker.FIRST_PAUSE_S", 1.0)
    longest: list[float] = []

    def call(number: int) -> None:
        key = {"run_id": "r", "activity_id": str(number), "activity_attempt": 1}
        for status in ("started", "ok"):
            before = time.monotonic()
            interaction(**key, status=status, user_prompt="x" * 20_000)
            longest.append(time.monotonic() - before)

    pause = threading.Event()
    with ThreadPoolExecutor(64) as pool:
        with locked(db):
            calls = [pool.submit(call, 0)]
            for number in range(1, seconds * 20):
                pause.wait(0.05)
                calls.append(pool.submit(call, number))
        for finished in calls:
            finished.result(timeout=60)
    assert eventually(lambda: interaction(activity_id="last") and not waiting(db))

    assert (lost_count(), get_backlog(db)) == (0, Backlog())
    found = [row for row in stored(db) if row.activity_id != "last"]
    assert len(found) == seconds * 20
    assert {row.status for row in found} == {"ok"}
    assert max(longest) < LONGEST_CALL_S

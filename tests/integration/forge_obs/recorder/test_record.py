"""record(): what it writes, how it merges, and who may call it."""

import logging
import math
import os
import signal
import sqlite3
import stat
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import closing, suppress
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any
from unittest.mock import MagicMock

import pytest
from forge_obs import (
    Interaction,
    LLMStats,
    Run,
    check_store,
    delivery,
    flush,
    get_db_path,
    get_interactions,
    get_run,
    lost_count,
    open_reader,
    record,
    upgrade,
)
from forge_obs.breaker import MOST_KINDS
from forge_obs.database.writer import write_at
from forge_obs.model.entries import build_run
from forge_obs.model.liveness import Owner
from forge_obs.spool.file import add_lost
from support.children import run_in_child, start_child, wait_for
from support.store import interaction, locked
from support.waiting import wait_until

KEY = {"run_id": "r", "activity_id": "5", "activity_attempt": 1}
STATS = LLMStats(model_name="m-1", input_tokens=10, output_tokens=5, latency_ms=7.5)


@pytest.fixture
def db(private_environment: Path) -> Path:
    return private_environment / "forge.db"


# Tests pass what no type checker would let through.
untyped: Any = record


def run(status: str = "running", **fields: object) -> bool:
    return bool(untyped("run", **{"task_id": "t", "workflow_id": "w", "status": status, **fields}))


def stored() -> list[Interaction]:
    engine = open_reader(get_db_path() or "")
    return [] if engine is None else get_interactions(engine)


def without_state(row: Interaction) -> dict[str, object]:
    return {name: value for name, value in vars(row).items() if name != "_sa_instance_state"}


def stored_run() -> Run:
    engine = open_reader(get_db_path() or "")
    assert engine is not None
    found = get_run(engine, "w")
    assert found is not None
    return found


def test_recorded_interaction_is_in_the_database() -> None:
    before = datetime.now(UTC)

    assert interaction(stats=STATS, response="done", trace_id="ab", params={"t": 0.2})

    [row] = stored()
    assert (row.model_name, row.input_tokens, row.latency_ms) == ("m-1", 10, 7.5)
    assert (row.response, row.trace_id, row.params_json) == ("done", "ab", '{"t":0.2}')
    assert (row.status, row.usage_known, row.seq, row.notes) == ("ok", True, 0, None)
    assert before <= row.created_at <= datetime.now(UTC)
    assert len(row.entry_id or "") == 32


def test_store_that_is_off_takes_nothing(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("FORGE_DB_PATH", "")
    before = lost_count()

    assert not interaction()

    assert (lost_count(), caplog.records) == (before, [])


def test_environment_is_read_at_each_call(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("a.db", "b.db", "a.db"):
        monkeypatch.setenv("FORGE_DB_PATH", str(tmp_path / name))
        assert interaction(task_id=name)

    assert [row.task_id for row in stored()] == ["a.db", "a.db"]


def test_relative_path_follows_the_current_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FORGE_DB_PATH", "x/forge.db")
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        monkeypatch.chdir(tmp_path / name)
        assert interaction()

    assert (tmp_path / "one" / "x" / "forge.db").exists()
    assert (tmp_path / "two" / "x" / "forge.db").exists()


@pytest.mark.parametrize("by", [KEY, {"entry_id": "mine"}], ids=["call key", "entry id"])
def test_completed_call_merges_into_its_start(by: dict[str, object]) -> None:
    assert interaction(**by, status="started", request_model="m", step_id="s1")
    assert stored()[0].status == "started"
    assert interaction(**by, stats=STATS, response="r", finish_reason="stop")

    [row] = stored()
    assert (row.status, row.response, row.input_tokens, row.usage_known) == ("ok", "r", 10, True)
    assert (row.step_id, row.request_model, row.model_name) == ("s1", "m", "m-1")


@pytest.mark.parametrize("final", ["ok", "error"])
def test_started_never_changes_a_finished_call(final: str) -> None:
    assert interaction(**KEY, status=final, stats=STATS, error="boom")
    before = without_state(stored()[0])

    assert interaction(**KEY, status="started", user_prompt="other", error="late")

    assert without_state(stored()[0]) == before


def test_null_never_replaces_a_value() -> None:
    assert interaction(**KEY, stats=STATS, response="r", explanation="why", error_type="E")
    assert interaction(**KEY)

    [row] = stored()
    assert (row.response, row.explanation, row.error_type) == ("r", "why", "E")
    assert (row.input_tokens, row.latency_ms, row.model_name) == (10, 7.5, "m-1")


def test_record_without_figures_keeps_the_model_that_answered() -> None:
    assert interaction(**KEY, status="started", request_model="alias")
    assert interaction(**KEY, stats=STATS, request_model="alias")
    assert interaction(**KEY, status="error", error="cannot be parsed", request_model="alias")

    [row] = stored()
    assert (row.model_name, row.input_tokens, row.status) == ("m-1", 10, "error")


def test_origin_that_is_left_out_stays() -> None:
    assert interaction(**KEY, status="started", origin="scripted")
    assert interaction(**KEY, response="r", origin=None)

    assert stored()[0].origin == "scripted"


def test_two_attempts_that_were_both_paid_are_two_rows() -> None:
    assert interaction(**KEY)
    assert interaction(**{**KEY, "activity_attempt": 2})
    assert interaction(**KEY, seq=1)

    assert len(stored()) == 3


def test_calls_without_a_key_are_rows_of_their_own() -> None:
    assert interaction(run_id="r")
    assert interaction(run_id="r")

    assert len(stored()) == 2


def test_entry_that_gains_its_key_later_still_merges() -> None:
    assert interaction(entry_id="e", status="started")
    assert interaction(entry_id="e", **KEY)

    assert [(row.entry_id, row.status) for row in stored()] == [("e", "ok")]


def test_keywords_that_are_new_each_time_fill_no_log(caplog: pytest.LogCaptureFixture) -> None:
    for number in range(MOST_KINDS + 20):
        assert interaction(**{f"shade_{number}": "blue"})

    assert len([line for line in caplog.messages if "does not know" in line]) == MOST_KINDS


def test_unknown_keyword_is_kept_with_one_warning(caplog: pytest.LogCaptureFixture) -> None:
    for _ in range(3):
        assert interaction(shade_of_test="blue")

    assert stored()[0].extra_json == '{"shade_of_test":"blue"}'
    assert [r for r in caplog.messages if "shade_of_test" in r] == [
        "record('interaction') does not know 'shade_of_test': kept in extra_json"
    ]


def test_values_are_cleaned_and_noted() -> None:
    bad = {"model_name": "m", "input_tokens": -4, "output_tokens": 1e400, "latency_ms": math.nan}

    assert interaction(stats=bad, user_prompt="a\udfffb", attempt=2**90)

    [row] = stored()
    assert (row.user_prompt, row.input_tokens, row.latency_ms) == ("a\\udfffb", 0, 0.0)
    assert row.attempt == 2**63 - 1
    assert "user_prompt: lone surrogates escaped" in (row.notes or "")


def test_any_valid_text_comes_back_identical() -> None:
    text = "\x00\x01\ufeff\u202e😀 \r\n\t" + "".join(map(chr, range(0xA0, 0x300)))

    assert interaction(user_prompt=text, response=text * 100)

    assert (stored()[0].user_prompt, stored()[0].response) == (text, text * 100)


@pytest.mark.parametrize(
    "call",
    [
        untyped,
        lambda: untyped("bogus", task_id="t"),
        lambda: untyped("interaction", "positional"),
        lambda: untyped("run"),
        lambda: untyped(["interaction"]),
        lambda: interaction(stats=object(), context_stats=object(), params=lambda: 1),
        lambda: interaction(task_id=None, role=b"\xff", system_prompt=3, user_prompt=["x"]),
        lambda: interaction(seq="x", activity_attempt=object(), status=object()),
        lambda: run(result=object(), planned="maybe", finished_at="never"),
    ],
)
def test_no_argument_makes_it_raise(call: Callable[[], bool]) -> None:
    assert call() in {True, False}


def test_unknown_kind_is_lost_and_counted() -> None:
    before = lost_count()

    assert not untyped("sandwich", task_id="t")

    assert lost_count() == before + 1
    assert interaction()


def test_running_run_is_refreshed_and_finished() -> None:
    assert run(run_id="r", planned=True, model_name="m", repo_root="/repo")
    first = stored_run()
    assert run(run_id="r", result={"plan": 1})
    second = stored_run()
    assert run("success", run_id="r", result={"plan": 2})
    last = stored_run()

    assert first.seen_at is not None
    assert second.seen_at is not None
    assert second.seen_at > first.seen_at
    assert (first.result_json, second.result_json, last.result_json) == (
        "{}",
        '{"plan":1}',
        '{"plan":2}',
    )
    assert (last.status, last.planned, last.owner_pid) == ("success", True, os.getpid())
    assert (last.created_at, last.id) == (first.created_at, first.id)
    assert second.finished_at is None
    assert last.finished_at is not None


def test_sign_of_life_that_comes_late_only_fills_what_is_missing(db: Path) -> None:
    early = build_run(
        {"task_id": "t", "workflow_id": "w", "status": "running", "model_name": "m", "result": [1]},
        owner=Owner("elsewhere", 7, "then"),
        now="2026-11-01T00:00:00.000000Z",
    )
    assert run(result={"plan": 1})

    write_at(db, [early], timeout_s=5.0, migrate_s=5.0)

    found = stored_run()
    assert found.seen_at is not None
    assert found.seen_at > datetime.fromisoformat("2026-11-02T00:00:00Z")
    assert (found.owner_pid, found.result_json) == (os.getpid(), '{"plan":1}')
    assert found.model_name == "m"


def test_owner_before_the_clock_was_put_back_gives_way_to_the_next(db: Path) -> None:
    assert run()
    ahead = build_run(
        {"task_id": "t", "workflow_id": "w", "status": "running"},
        owner=Owner("here", 7, "then"),
        now=f"{datetime.now(UTC) + timedelta(hours=5):%Y-%m-%dT%H:%M:%S.%fZ}",
    )
    write_at(db, [ahead], timeout_s=5.0, migrate_s=5.0)
    before = stored_run()

    assert run()

    after = stored_run()
    assert (before.owner_pid, after.owner_pid) == (7, os.getpid())
    assert after.seen_at is not None
    assert after.seen_at < datetime.now(UTC) + timedelta(seconds=1)


def test_final_run_never_goes_back_to_running() -> None:
    assert run("cancelled", result={"a": 1})
    assert run("running", result={"a": 2})

    found = stored_run()
    assert (found.status, found.result_json, found.owner_pid) == ("cancelled", '{"a":1}', None)


def test_run_stops_at_its_budget_and_goes_on() -> None:
    assert run(result={"a": 1})
    assert run("budget", result={"a": 2})
    stopped = stored_run()
    assert run("running", result={"a": 3})
    resumed = stored_run()
    assert run("success")
    assert run("budget")

    ended = stored_run()
    assert (stopped.status, stopped.finished_at, stopped.owner_pid) == ("budget", None, os.getpid())
    assert (resumed.status, resumed.result_json, resumed.finished_at) == (
        "running",
        '{"a":3}',
        None,
    )
    assert (ended.status, ended.finished_at is None) == ("success", False)


def test_entry_of_a_run_that_waited_does_not_undo_its_stop(db: Path) -> None:
    early = build_run(
        {"task_id": "t", "workflow_id": "w", "status": "running", "run_id": None},
        owner=Owner("here", 7, "then"),
        now="2026-11-01T00:00:00.000000Z",
    )
    assert run("budget")

    write_at(db, [early], timeout_s=5.0, migrate_s=5.0)

    assert stored_run().status == "budget"


def test_result_may_be_json_text_or_a_model() -> None:
    assert run(result='{"a": 1}')
    assert stored_run().result_json == '{"a": 1}'
    assert run(result=STATS)
    assert stored_run().result_json.startswith('{"model_name":"m-1"')


def test_acknowledged_row_survives_a_kill() -> None:
    script = (
        "import os, signal\nfrom forge_obs import record\n"
        "assert record('run', task_id='t', workflow_id='w', status='running')\n"
        "assert record('interaction', task_id='t', role='llm', system_prompt='', user_prompt='u')\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )

    done = subprocess.run([sys.executable, "-c", script], check=False, timeout=60)

    assert done.returncode == -signal.SIGKILL
    assert [row.user_prompt for row in stored()] == ["u"]
    assert stored_run().status == "running"


def test_threads_lose_nothing() -> None:
    def write(thread: int) -> None:
        results.extend(interaction(task_id=f"{thread}-{n}") for n in range(20))

    results: list[bool] = []
    threads = [threading.Thread(target=write, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=30)

    assert results == [True] * 160
    assert len({row.task_id for row in stored()}) == 160


def test_processes_share_one_fresh_file() -> None:
    children = [
        start_child(lambda: all(interaction(attempt=n) for n in range(10))) for _ in range(6)
    ]

    assert [wait_for(child) for child in children] == [True] * 6
    assert len(stored()) == 60


def test_child_of_a_fork_writes_and_so_does_its_parent() -> None:
    assert interaction(task_id="before")

    assert run_in_child(lambda: interaction(task_id="child") and interaction(task_id="child"))

    assert interaction(task_id="after")
    assert [row.task_id for row in stored()] == ["before", "child", "child", "after"]


def test_fork_beside_writing_threads_neither_hangs_nor_loses() -> None:
    stop = threading.Event()
    written: list[bool] = []

    def write() -> None:
        while not stop.is_set():
            written.append(interaction(task_id="thread"))

    threads = [threading.Thread(target=write) for _ in range(3)]
    for thread in threads:
        thread.start()
    children = [start_child(lambda: interaction(task_id="child")) for _ in range(8)]
    outcomes = [wait_for(child) for child in children]
    stop.set()
    for thread in threads:
        thread.join(timeout=30)

    assert outcomes == [True] * 8
    assert all(written)
    assert len(stored()) == len(written) + 8


@pytest.mark.parametrize("how", ["removed", "replaced"])
def test_database_that_vanished_is_noticed(db: Path, tmp_path: Path, how: str) -> None:
    assert interaction(task_id="old")
    if how == "removed":
        db.unlink()
    else:
        other = tmp_path / "other.db"
        with closing(sqlite3.connect(other)):
            pass
        other.touch()
        other.replace(db)

    assert interaction(task_id="new")

    assert [row.task_id for row in stored()] == ["new"]


def test_database_that_was_emptied_gets_its_schema_again(db: Path) -> None:
    assert interaction(task_id="old")
    flush()
    db.write_bytes(b"")

    assert interaction(task_id="first")
    assert interaction(task_id="second")

    assert [row.task_id for row in stored()] == ["first", "second"]


def test_upgrade_looks_at_a_database_that_this_process_made(db: Path) -> None:
    assert interaction()
    flush()
    db.write_bytes(b"")

    upgrade(db)

    assert check_store(db).state == "current"


def test_log_handler_that_asks_for_an_exit_hears_nothing_of_a_migration(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Exiting(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            sys.exit(record.getMessage())

    root = logging.getLogger()
    monkeypatch.setattr(root, "handlers", [Exiting()])
    monkeypatch.setattr(root, "level", logging.INFO)
    monkeypatch.setenv("FORGE_DB_PATH", str(tmp_path / "new.db"))

    assert interaction()


def test_stand_in_for_a_text_is_dropped_and_costs_no_pause() -> None:
    assert interaction(user_prompt=MagicMock(spec=str), attempt=MagicMock(spec=int))

    [row] = stored()
    assert (row.user_prompt, row.attempt) == ("", None)
    assert str(row.notes).startswith("user_prompt: missing")


def test_directory_that_vanished_is_made_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "state" / "forge.db"
    monkeypatch.setenv("FORGE_DB_PATH", str(path))
    assert interaction()
    path.parent.rename(tmp_path / "moved")

    assert interaction(task_id="new")

    assert [row.task_id for row in stored()] == ["new"]


def test_files_are_private_under_any_umask(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    given = tmp_path / "given"
    given.mkdir(mode=0o755)
    path = given / "made" / "too" / "forge.db"
    monkeypatch.setenv("FORGE_DB_PATH", str(path))
    umask = os.umask(0)
    try:
        assert interaction()
    finally:
        os.umask(umask)

    modes = {file.name: stat.S_IMODE(file.stat().st_mode) for file in path.parent.iterdir()}
    assert modes == {"forge.db": 0o600, "forge.db-wal": 0o600, "forge.db-shm": 0o600}
    assert [stat.S_IMODE(p.stat().st_mode) for p in (path.parent, path.parent.parent, given)] == [
        0o700,
        0o700,
        0o755,
    ]


def test_file_that_vanished_while_it_was_closed_is_made_private_again(db: Path) -> None:
    assert interaction()
    flush()
    db.unlink()
    umask = os.umask(0)
    try:
        assert interaction()
    finally:
        os.umask(umask)

    assert {stat.S_IMODE(file.stat().st_mode) for file in db.parent.glob("forge.db*")} == {0o600}


def test_existing_file_is_tightened(db: Path) -> None:
    db.touch(mode=0o644)

    assert interaction()

    assert stat.S_IMODE(db.stat().st_mode) == 0o600


def test_flush_with_nothing_pending_returns_and_recording_goes_on(db: Path) -> None:
    flush()
    assert interaction()
    flush()
    assert not db.with_name("forge.db-wal").exists()
    assert interaction()

    assert len(stored()) == 2


def test_nothing_of_the_entry_is_logged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("FORGE_DB_PATH", str(tmp_path))
    with caplog.at_level(logging.DEBUG):
        assert not interaction(user_prompt="sk-ant-secret", task_id="hush")

    assert "not stored" in caplog.text
    assert not [word for word in ("sk-ant", "hush", "INSERT", "Traceback") if word in caplog.text]


def has_lines(path: Path, number: int) -> bool:
    return len(path.read_text().splitlines()) >= number


def die() -> bool:
    os.kill(os.getpid(), signal.SIGKILL)
    return False


def test_call_whose_process_was_killed_keeps_its_start() -> None:
    child = start_child(lambda: interaction(**KEY, status="started") and die())
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL

    [row] = stored()
    assert (row.status, row.user_prompt, row.usage_known) == ("started", "u", False)


@pytest.mark.parametrize("kills", [8, pytest.param(100, marks=pytest.mark.soak)])
def test_nothing_acknowledged_is_lost_or_doubled_by_kills_at_any_moment(
    tmp_path: Path, kills: int
) -> None:
    acknowledged = tmp_path / "acknowledged"

    def write(child: int) -> bool:
        with acknowledged.open("a", buffering=1) as file:
            for number in count():
                if interaction(entry_id=f"{child}-{number}", user_prompt="x" * 3000):
                    file.write(f"{child}-{number}\n")
        return True

    acknowledged.touch()
    for child in range(kills):
        goal = len(acknowledged.read_text().splitlines()) + 10 + child
        pid = start_child(partial(write, child))
        wait_until(partial(has_lines, acknowledged, goal), "some rows")
        os.kill(pid, signal.SIGKILL)
        wait_for(pid)

    ids = [row.entry_id for row in stored()]
    assert len(ids) == len(set(ids))
    assert set(acknowledged.read_text().split()) <= set(ids)
    assert check_store(get_db_path() or "").damage == ()


def test_files_are_private_from_their_first_byte_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another thread looks all the time while the files are made, under the widest umask."""
    monkeypatch.setattr(delivery, "DEADLINE_S", 0.05)
    seen: set[tuple[str, int]] = set()
    stop = threading.Event()

    def watch() -> None:
        while not stop.is_set():
            with suppress(FileNotFoundError), os.scandir(tmp_path / "s") as entries:
                for entry in entries:
                    with suppress(FileNotFoundError):
                        mode = stat.S_IMODE(entry.stat(follow_symlinks=False).st_mode)
                        seen.add((entry.name, mode))

    watcher = threading.Thread(target=watch)
    umask = os.umask(0)
    watcher.start()
    try:
        for number in range(2):
            directory = tmp_path / "s"
            monkeypatch.setenv("FORGE_DB_PATH", str(directory / f"{number}.db"))
            monkeypatch.setattr(delivery, "_state", delivery._State())
            assert interaction()
            with locked(directory / f"{number}.db"):
                assert not interaction()
            add_lost(directory / f"{number}.db", 1)
    finally:
        os.umask(umask)
        stop.set()
        watcher.join()

    endings = {name.rpartition(".")[2] for name, _ in seen}
    assert endings >= {"db", "db-wal", "db-shm", "db-spool", "db-lost"}
    assert {mode for _, mode in seen} == {0o600}
    assert stat.S_IMODE((tmp_path / "s").stat().st_mode) == 0o700

"""record_many(): the same rows as record() of each, in few transactions, and as safe."""

import random
import signal
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import orjson
import pytest
from forge_obs import (
    Interaction,
    delivery,
    flush,
    get_backlog,
    get_interactions,
    lost_count,
    open_reader,
    record,
    set_redact,
    upgrade,
)
from forge_obs.bulk import MOST_CHARACTERS, MOST_ROWS, Fate, record_many, remove_calls
from forge_obs.database.batch import Batch
from forge_obs.database.commits.sqlite_writer import Writer
from forge_obs.database.writer import write_at
from forge_obs.environment.entry import build_entry
from forge_obs.model.entries import build_removal
from forge_obs.spool import file as spool
from support.children import run_in_child, start_child, wait_for
from support.store import eventually, interaction, locked

KEY = {"run_id": "r", "activity_id": "5", "activity_attempt": 1}
STATS = {"model_name": "m-1", "input_tokens": 10, "output_tokens": 5, "latency_ms": 7.5}

untyped_many: Any = record_many
untyped_removal: Any = remove_calls


@pytest.fixture
def db(private_environment: Path) -> Path:
    path = private_environment / "forge.db"
    upgrade(path)
    return path


def call(**fields: object) -> dict[str, object]:
    return {"task_id": "t", "role": "llm", "system_prompt": "s", "user_prompt": "u", **fields}


def calls(number: int, **fields: object) -> list[dict[str, object]]:
    return [call(entry_id=f"e{n}", attempt=n, **fields) for n in range(number)]


def stored(db: Path) -> list[Interaction]:
    engine = open_reader(db)
    return [] if engine is None else get_interactions(engine)


def waiting_ids(db: Path) -> list[str]:
    lines = spool.get_spool_path(db).read_bytes().splitlines()[1:]
    return [orjson.loads(line)["row"]["entry_id"] for line in lines]


def test_many_calls_are_in_the_database_with_their_facts_and_in_order(db: Path) -> None:
    given = calls(
        MOST_ROWS + 75,
        response_id="x",
        usage={"input_tokens": 3},
        messages=[{"role": "user", "content": "hi"}],
    )
    del given[7]["response_id"], given[7]["usage"]

    assert record_many(given) == [Fate.STORED] * len(given)

    rows = stored(db)
    assert [row.entry_id for row in rows] == [entry["entry_id"] for entry in given]
    assert {(row.response_id, row.input_tokens) for row in rows} == {("x", 3), (None, 0)}
    assert (rows[7].response_id, rows[8].response_id) == (None, "x")
    assert orjson.loads(rows[9].messages_json or "")["input"][0]["role"] == "user"


def variants(seed: int) -> Iterator[dict[str, object]]:
    """Give calls that share keys in every way, with other statuses, texts and facts."""
    draw = random.Random(seed)  # noqa: S311
    for _ in range(120):
        keys: dict[str, object] = draw.choice(
            [
                {"entry_id": f"given-e{draw.randrange(8)}"},
                {**KEY, "seq": draw.randrange(4), "entry_id": f"given-k{draw.randrange(8)}"},
                {**KEY, "seq": draw.randrange(4)},
            ]
        )
        told: dict[str, object] = {
            "status": draw.choice(["started", "ok", "ok", "error"]),
            "user_prompt": draw.choice(["", "u", "u", "v"]),
            "response": draw.choice([None, "r", "q"]),
            "stats": draw.choice([None, STATS]),
            "session_id": draw.choice([None, "s1", "s2"]),
            "step_id": draw.choice([None, "one"]),
        }
        yield call(**{**keys, **told})


def comparable(row: Interaction) -> dict[str, object]:
    """Give what two stores must agree on: an id that was made up is another each time."""
    made_up = not (row.entry_id or "").startswith("given-")
    left_out = {"id", "created_at", "_sa_instance_state"} | ({"entry_id"} if made_up else set())
    return {name: value for name, value in vars(row).items() if name not in left_out}


@pytest.mark.parametrize("seed", range(6))
def test_rows_are_those_that_record_would_have_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    stores = []
    for name in ("one by one", "many"):
        path = tmp_path / f"{name}.db"
        monkeypatch.setenv("FORGE_DB_PATH", str(path))
        for early in ("given-e1", "given-k2", "nobody"):
            record("outcome", entry_id=early, outcome="accepted", commit_sha="c0ffee")
        given = list(variants(seed))
        if name == "many":
            assert record_many(given) == [Fate.STORED] * len(given)
        else:
            assert all(record("interaction", **entry) for entry in given)  # type: ignore[call-overload]
        stores.append([comparable(row) for row in stored(path)])
        with closing(sqlite3.connect(path)) as connection:
            stores[-1] += connection.execute("SELECT entry_id FROM early_outcomes").fetchall()

    one_by_one, many = stores
    assert sorted(map(str, many)) == sorted(map(str, one_by_one))
    assert len(many) > 10


def test_end_of_a_call_merges_into_its_start_of_the_same_batch(db: Path) -> None:
    started = call(entry_id="e", status="started", request_model="m", session_id="s")
    ended = call(entry_id="e", stats=STATS, response="r", response_id="x")

    assert record_many([started, ended, started]) == [Fate.STORED] * 3

    [row] = stored(db)
    assert (row.status, row.response, row.request_model, row.input_tokens) == ("ok", "r", "m", 10)
    assert (row.session_id, row.response_id) == ("s", "x")


def test_calls_beside_one_that_is_on_record_get_their_own_facts(db: Path) -> None:
    assert interaction(entry_id="e2", status="started")

    fates = record_many([call(entry_id=f"e{n}", response_id=f"x{n}") for n in range(5)])

    assert fates == [Fate.STORED] * 5
    expected = {(f"e{n}", f"x{n}") for n in range(5)}
    assert {(row.entry_id, row.response_id) for row in stored(db)} == expected


@pytest.mark.parametrize("bad", [None, 7, "text", ["x"], [("a", 1, 2)]], ids=str)
def test_entry_that_is_none_costs_no_other(db: Path, bad: object) -> None:
    before = lost_count()

    fates = untyped_many([call(entry_id="a"), bad, call(entry_id="b")])

    assert fates == [Fate.STORED, Fate.LOST, Fate.STORED]
    assert [row.entry_id for row in stored(db)] == ["a", "b"]
    assert (lost_count(), get_backlog(db).lost) == (before + 1, 1)


class Hostile:
    """A value that raises when it is looked at."""

    def __init__(self, error: type[BaseException]) -> None:
        self.error = error

    def __repr__(self) -> str:
        return self.error.__name__

    def __iter__(self) -> Iterator[object]:
        raise self.error

    @property
    def model_dump(self) -> object:
        raise self.error


@pytest.mark.parametrize("error", [ValueError, SystemExit])
def test_values_that_raise_are_dropped_from_their_entry_alone(
    db: Path, error: type[BaseException]
) -> None:
    given = [call(entry_id="a", params=Hostile(error)), call(entry_id="b", params={"t": 1})]

    assert record_many(given) == [Fate.STORED] * 2

    assert [(row.entry_id, row.params_json) for row in stored(db)] == [
        ("a", None),
        ("b", '{"t":1}'),
    ]


@pytest.mark.parametrize("given", [None, 7, Hostile(ValueError), Hostile(SystemExit)], ids=str)
def test_no_argument_makes_it_raise(db: Path, given: object) -> None:
    assert untyped_many(given) == []
    assert untyped_removal(given) == 0
    assert get_backlog(db).lost == 2


def test_nothing_is_written_for_nothing(db: Path) -> None:
    assert record_many([]) == []
    assert stored(db) == []


def test_store_that_is_off_takes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORGE_DB_PATH", "")
    before = lost_count()

    assert record_many(calls(3)) == [Fate.OFF] * 3

    assert (lost_count(), remove_calls(["e1"])) == (before, 0)


def test_entry_that_no_database_takes_costs_no_other(db: Path) -> None:
    """SQLite refuses a row beyond its limit, which is lowered here: the real one is a gigabyte."""
    given = [build_entry("interaction", entry)[0] for entry in calls(9, response_id="x")]
    given[4].row["user_prompt"] = "x" * 20_000
    given[6].facts["response_id"] = "x" * 20_000
    batch = Batch(given)
    with closing(Writer(db, 5.0)) as writer:
        writer._driver.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, 15_000)
        writer.transact(batch.write, 5.0)

    refused = [n for n, refusal in enumerate(batch.refusals) if refusal is not None]
    assert refused == [4, 6]
    assert [row.attempt for row in stored(db)] == [0, 1, 2, 3, 5, 7, 8]
    assert {row.response_id for row in stored(db)} == {"x"}


def test_batch_of_every_kind_is_written_in_order(db: Path) -> None:
    """What waits in the spool is of every kind; calls are written together, others alone."""
    given = [
        build_entry("interaction", call(entry_id="a"))[0],
        build_entry("outcome", {"entry_id": "a", "outcome": "accepted"})[0],
        build_entry("run", {"task_id": "t", "workflow_id": "w", "status": "running"})[0],
        build_entry("interaction", call(entry_id="b"))[0],
        build_removal("b"),
        build_entry("interaction", call(entry_id="c"))[0],
        build_entry("interaction", call(entry_id="d"))[0],
        build_entry("outcome", {"entry_id": "e", "outcome": "refused"})[0],
        build_entry("interaction", call(entry_id="e"))[0],
    ]

    assert list(write_at(db, given, timeout_s=5.0, migrate_s=5.0)) == [None] * len(given)

    found = {row.entry_id: row.outcome for row in stored(db)}
    assert found == {"a": "accepted", "c": None, "d": None, "e": "refused"}
    with closing(sqlite3.connect(db)) as connection:
        assert connection.execute("SELECT status FROM runs").fetchall() == [("running",)]


def test_redaction_hook_sees_every_text(db: Path) -> None:
    set_redact(lambda text: text.replace("secret", "[redacted]"))
    try:
        assert record_many(calls(3, response="the secret")) == [Fate.STORED] * 3
    finally:
        set_redact(None)

    assert {row.response for row in stored(db)} == {"the [redacted]"}


@pytest.mark.usefixtures("impatient")
def test_entries_of_a_locked_database_wait_in_order_and_come_in_later(db: Path) -> None:
    with locked(db):
        assert record_many(calls(MOST_ROWS + 9)) == [Fate.WAITING] * (MOST_ROWS + 9)
        assert record_many([call(entry_id="last")]) == [Fate.WAITING]

        assert waiting_ids(db) == [*(f"e{n}" for n in range(MOST_ROWS + 9)), "last"]

    assert eventually(lambda: record_many([call(entry_id="new")]) == [Fate.STORED])
    assert [row.entry_id for row in stored(db)][-3:] == [f"e{MOST_ROWS + 8}", "last", "new"]
    assert lost_count() == get_backlog(db).pending == 0


@pytest.mark.usefixtures("impatient")
def test_batch_is_put_into_the_spool_as_one(db: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sizes: list[int] = []
    append = spool.append

    def watched(path: Path, entries: Sequence[Any], *, timeout_s: float) -> int:
        sizes.append(len(entries))
        return append(path, entries, timeout_s=timeout_s)

    monkeypatch.setattr(spool, "append", watched)
    with locked(db):
        record_many(calls(50))

    assert sizes == [50]


@pytest.mark.usefixtures("impatient")
def test_spool_takes_what_it_has_room_for_and_the_rest_is_counted(
    db: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(spool, "MAX_BYTES", 2_000)
    given = calls(20)
    given[2]["response"] = "x" * 3_000
    with locked(db):
        fates = record_many(given)

    kept = fates.count(Fate.WAITING)
    assert fates[:4] == [Fate.WAITING, Fate.WAITING, Fate.LOST, Fate.WAITING]
    assert 0 < kept < 20
    assert len(waiting_ids(db)) == kept
    assert lost_count() == get_backlog(db).lost == fates.count(Fate.LOST) == 20 - kept


@pytest.mark.parametrize("how", ["removed", "replaced"])
def test_database_that_vanished_is_noticed(db: Path, tmp_path: Path, how: str) -> None:
    assert record_many(calls(3, task_id="old")) == [Fate.STORED] * 3
    if how == "removed":
        db.unlink()
    else:
        other = tmp_path / "other.db"
        upgrade(other)
        flush()
        other.replace(db)

    assert record_many(calls(3, task_id="new")) == [Fate.STORED] * 3

    assert [row.task_id for row in stored(db)] == ["new"] * 3


def test_schema_is_made_at_first_use(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "deep" / "fresh.db"
    monkeypatch.setenv("FORGE_DB_PATH", str(path))

    assert record_many(calls(3)) == [Fate.STORED] * 3

    assert len(stored(path)) == 3


def test_acknowledged_rows_survive_a_kill(db: Path) -> None:
    script = (
        "import os, signal\nfrom forge_obs.bulk import record_many, Fate\n"
        "given = [dict(task_id='t', role='llm', system_prompt='', user_prompt=str(n))"
        " for n in range(300)]\n"
        "assert record_many(given) == [Fate.STORED] * 300\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )

    done = subprocess.run([sys.executable, "-c", script], check=False, timeout=60)

    assert done.returncode == -signal.SIGKILL
    assert [row.user_prompt for row in stored(db)] == [str(n) for n in range(300)]


def test_threads_that_write_one_and_many_lose_nothing(db: Path) -> None:
    def write_many(thread: int) -> None:
        given = [call(task_id=f"many-{thread}-{n}") for n in range(200)]
        results.append(record_many(given) == [Fate.STORED] * 200)

    def write_one(thread: int) -> None:
        results.extend(interaction(task_id=f"one-{thread}-{n}") for n in range(20))

    results: list[bool] = []
    threads = [threading.Thread(target=write_many, args=(n,)) for n in range(3)]
    threads += [threading.Thread(target=write_one, args=(n,)) for n in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)

    assert results == [True] * (3 + 6 * 20)
    assert len({row.task_id for row in stored(db)}) == 3 * 200 + 6 * 20


def test_processes_share_one_fresh_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "fresh.db"
    monkeypatch.setenv("FORGE_DB_PATH", str(path))

    def write(process: int) -> bool:
        given = [call(entry_id=f"{process}-{n}") for n in range(300)]
        return record_many(given) == [Fate.STORED] * 300

    children = [start_child(lambda n=n: write(n)) for n in range(4)]  # type: ignore[misc]

    assert [wait_for(child) for child in children] == [True] * 4
    assert len({row.entry_id for row in stored(path)}) == 1200


def test_fork_beside_a_thread_that_writes_many_neither_hangs_nor_loses(db: Path) -> None:
    stop = threading.Event()
    written: list[bool] = []

    def write() -> None:
        while not stop.is_set():
            written.append(record_many([call(task_id="thread")] * 40) == [Fate.STORED] * 40)

    thread = threading.Thread(target=write)
    thread.start()
    children = [
        start_child(lambda: record_many([call()] * 3) == [Fate.STORED] * 3) for _ in range(5)
    ]
    outcomes = [wait_for(child) for child in children]
    stop.set()
    thread.join(timeout=30)

    assert outcomes == [True] * 5
    assert all(written)
    assert len(stored(db)) == 40 * len(written) + 15


def test_signal_handler_that_records_does_not_wait_for_what_it_interrupted(db: Path) -> None:
    def interrupt() -> bool:
        fates: list[Fate] = []
        signal.signal(signal.SIGUSR1, lambda *_: fates.extend(record_many([call(entry_id="in")])))
        signal.alarm(60)  # ends a child that stands still
        ident = threading.get_ident()
        delivery._writing.add(ident)
        signal.raise_signal(signal.SIGUSR1)
        delivery._writing.discard(ident)
        return fates == [Fate.WAITING]

    assert run_in_child(interrupt)
    assert waiting_ids(db) == ["in"]


def test_transactions_are_bounded_by_rows_and_by_texts(monkeypatch: pytest.MonkeyPatch) -> None:
    sizes: list[int] = []
    write = Batch.write

    def watched(batch: Batch, driver: sqlite3.Connection) -> None:
        sizes.append(len(batch.entries))
        write(batch, driver)

    monkeypatch.setattr(Batch, "write", watched)
    record_many(calls(MOST_ROWS + 2))
    record_many([call(response="x" * (MOST_CHARACTERS // 2)) for _ in range(6)])

    assert sizes == [MOST_ROWS, 2, 2, 2, 2]


def test_removed_call_is_gone_with_its_facts(db: Path) -> None:
    record_many(calls(3, response_id="x"))

    assert remove_calls(["e1", "nobody"]) == 2

    assert [row.entry_id for row in stored(db)] == ["e0", "e2"]
    with closing(sqlite3.connect(db)) as connection:
        assert connection.execute("SELECT count(*) FROM call_facts").fetchone() == (2,)


def test_call_of_a_run_is_never_removed(db: Path) -> None:
    interaction(entry_id="mine", workflow_id="w")

    remove_calls(["mine"])

    assert [row.entry_id for row in stored(db)] == ["mine"]


@pytest.mark.usefixtures("impatient")
def test_removal_of_a_call_that_waits_waits_behind_it(db: Path) -> None:
    with locked(db):
        assert record_many([call(entry_id="outer")]) == [Fate.WAITING]
        assert remove_calls(["outer"]) == 0
    upgrade(db)

    assert stored(db) == []
    assert get_backlog(db).pending == get_backlog(db).lost == 0


@pytest.mark.parametrize("entry_id", ["", None, 7], ids=str)
def test_removal_that_names_no_call_is_counted(db: Path, entry_id: object) -> None:
    assert untyped_removal([entry_id]) == 0

    assert get_backlog(db).lost == 1

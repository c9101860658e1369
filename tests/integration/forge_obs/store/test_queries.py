"""What readers ask for: found by an index, in order without a sort, and by short ids."""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from forge_obs import (
    AmbiguousId,
    StoreReader,
    check_store,
    flush,
    get_interactions,
    get_run,
    list_recent_runs,
    open_reader,
    record,
    save_interaction,
    save_run,
)
from forge_obs.database.handle import get_engine
from forge_obs.store import upgrade
from sqlalchemy import Engine, event
from support.revisions import make_store

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)

QUERIES: dict[str, Callable[[Engine], object]] = {
    "newest runs": list_recent_runs,
    "newest runs of a task": lambda engine: list_recent_runs(engine, task_id="t"),
    "newest runs of a status": lambda engine: list_recent_runs(engine, status="success"),
    "newest runs of a model": lambda engine: list_recent_runs(engine, model_name="m"),
    "newest runs since": lambda engine: list_recent_runs(engine, since=NOON),
    "newest runs of a status since": lambda engine: list_recent_runs(
        engine, status="success", since=NOON
    ),
    "newest runs by everything": lambda engine: list_recent_runs(
        engine, task_id="t", status="success", model_name="m", since=NOON
    ),
    "names": lambda engine: StoreReader(engine).list_names(),
    "one run": lambda engine: get_run(engine, "w"),
    "calls of a workflow": lambda engine: get_interactions(engine, workflow_id="w"),
    "calls of a task": lambda engine: get_interactions(engine, "t"),
    "calls of a step": lambda engine: get_interactions(engine, "t", "s1"),
    "calls of a workflow without texts": lambda engine: get_interactions(
        engine, workflow_id="w", texts=False
    ),
    "figures": lambda engine: list(StoreReader(engine).iterate_call_figures(["w", "w2"])),
    "one call by number": lambda engine: StoreReader(engine).get_interaction(1),
    "one call by entry id": lambda engine: StoreReader(engine).get_interaction("a1b2c3d4"),
    "one call by prefix": lambda engine: StoreReader(engine).get_interaction("a1b2"),
}


@pytest.fixture
def db(private_environment: Path) -> Path:
    path = private_environment / "forge.db"
    upgrade(path)
    return path


@pytest.fixture
def engine(db: Path) -> Engine:
    found = open_reader(db)
    assert found is not None
    return found


def save_call(db: Path, entry_id: str, **fields: object) -> None:
    call = {"task_id": "t", "role": "llm", "system_prompt": "s", "user_prompt": "u"}
    save_interaction(get_engine(db), entry_id=entry_id, **{**call, **fields})


def statements_of(engine: Engine, query: Callable[[Engine], object]) -> list[tuple[str, Any]]:
    seen: list[tuple[str, Any]] = []

    def note(_c: object, _k: object, statement: str, parameters: object, *_: object) -> None:
        if "pragma_table_info" not in statement and "alembic_version" not in statement:
            seen.append((statement, parameters))

    event.listen(engine, "before_cursor_execute", note)
    query(engine)
    return seen


@pytest.mark.parametrize("name", QUERIES)
def test_query_uses_an_index_and_sorts_nothing(db: Path, engine: Engine, name: str) -> None:
    statements = statements_of(engine, QUERIES[name])

    assert statements
    for statement, parameters in statements:
        with closing(sqlite3.connect(db)) as connection:
            plan = connection.execute(f"EXPLAIN QUERY PLAN {statement}", parameters).fetchall()
        for *_, step in plan:
            assert step.startswith("SEARCH ") or " USING INDEX " in step, step
            assert "TEMP B-TREE" not in step


@pytest.mark.parametrize(
    "read", [StoreReader.list_workflow_ids_like, StoreReader.list_task_ids_like]
)
def test_parts_of_names_are_looked_for_in_an_index_alone(
    db: Path, engine: Engine, read: Callable[[StoreReader, str], list[str]]
) -> None:
    statements = statements_of(engine, lambda engine: read(StoreReader(engine), "part"))

    assert len(statements) == 2
    for statement, parameters in statements:
        with closing(sqlite3.connect(db)) as connection:
            plan = connection.execute(f"EXPLAIN QUERY PLAN {statement}", parameters).fetchall()
        assert [step for *_, step in plan if "COVERING INDEX" not in step] == []


def test_names_of_runs_are_read_by_their_beginning_or_end(db: Path, engine: Engine) -> None:
    for task, number in (("dates-7f3a", "01"), ("dates-7f3a", "02"), ("a_b%", "03")):
        save_run(get_engine(db), {"task_id": task, "status": "success"}, f"forge-{task}-{number}")
    reader = StoreReader(engine)

    assert reader.list_task_ids_like("dates") == ["dates-7f3a"]
    assert reader.list_task_ids_like("7f3a") == ["dates-7f3a"]
    assert reader.list_task_ids_like("ates") == []
    assert reader.list_task_ids_like("_b%") == ["a_b%"]
    assert reader.list_task_ids_like("\U0010ffff") == []
    assert reader.list_workflow_ids_like("-02") == ["forge-dates-7f3a-02"]
    assert sorted(reader.list_workflow_ids_like("forge-dates")) == [
        "forge-dates-7f3a-01",
        "forge-dates-7f3a-02",
    ]
    assert len(reader.list_workflow_ids_like("forge-", limit=1)) == 1
    assert reader.list_names(2) == [
        ("forge-a_b%-03", "a_b%"),
        ("forge-dates-7f3a-02", "dates-7f3a"),
    ]


@pytest.mark.parametrize("name", [name for name in QUERIES if name.startswith("newest")])
def test_list_of_runs_reads_no_interaction(engine: Engine, name: str) -> None:
    assert not [s for s, _ in statements_of(engine, QUERIES[name]) if "interactions" in s]


def test_listing_calls_reads_no_page_of_their_prompts(db: Path) -> None:
    for number in range(3):
        save_call(db, f"e{number}", user_prompt="p" * 50_000, workflow_id="w")
    flush()
    content = bytearray(db.read_bytes())
    size = int.from_bytes(content[16:18], "big")
    for start in range(0, len(content), size):
        # An overflow page begins with the number of the next one: lead them out of the file.
        if content[start + 4 : start + size] == b"p" * (size - 4):
            content[start : start + size] = b"\x7f" * size
    db.write_bytes(content)
    engine = open_reader(db)
    assert engine is not None

    assert [row.broken for row in get_interactions(engine, workflow_id="w", texts=False)] == [
        None
    ] * 3
    assert all(row.broken for row in get_interactions(engine, workflow_id="w"))


def test_runs_are_found_by_what_is_known_of_them(db: Path, engine: Engine) -> None:
    for number, (status, model) in enumerate(
        [("success", "m"), ("error", "m"), ("success", "n"), ("success", "m")]
    ):
        result = {"task_id": "t", "status": status}
        save_run(get_engine(db), result, f"w{number}", model_name=model)

    def found(**filters: Any) -> list[str]:
        return [run.workflow_id for run in list_recent_runs(engine, **filters)]

    assert found() == ["w3", "w2", "w1", "w0"]
    assert found(limit=2) == ["w3", "w2"]
    assert found(status="success") == ["w3", "w2", "w0"]
    assert found(status="success", model_name="m") == ["w3", "w0"]
    assert found(task_id="other") == []
    assert found(status="") == []


def test_since_includes_the_moment_in_any_zone(engine: Engine) -> None:
    assert record("run", task_id="t", workflow_id="w", status="running")
    run = get_run(engine, "w")
    assert run is not None
    moment = run.created_at

    assert len(list_recent_runs(engine, since=moment)) == 1
    assert len(list_recent_runs(engine, since=moment.astimezone(timezone(timedelta(hours=9))))) == 1
    assert len(list_recent_runs(engine, since=moment.replace(tzinfo=None))) == 1
    assert list_recent_runs(engine, since=moment + timedelta(microseconds=1)) == []


def test_store_of_the_first_revision_is_read_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "first.db"
    make_store(path, "001_initial")
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(
            "INSERT INTO runs (task_id, workflow_id, status, result_json)"
            " VALUES ('t', 'w', 'success', '{}')"
        )
        connection.execute(
            "INSERT INTO interactions (entry_id, task_id, role, model_name, input_tokens,"
            " output_tokens, latency_ms, system_prompt, user_prompt)"
            " VALUES ('abcd1', 't', 'llm', 'm', 1, 1, 1, 's', 'u')"
        )
    engine = open_reader(path)
    assert engine is not None

    assert [run.workflow_id for run in list_recent_runs(engine, status="success")] == ["w"]
    assert StoreReader(engine).get_interaction("abcd") is not None
    assert check_store(path).state == "older"


def test_run_that_was_written_late_stands_where_it_began(db: Path, engine: Engine) -> None:
    save_run(get_engine(db), {"task_id": "t", "status": "success"}, "second")
    save_run(get_engine(db), {"task_id": "t", "status": "success"}, "first")
    with closing(sqlite3.connect(db)) as connection, connection:
        connection.execute(
            "UPDATE runs SET created_at = '2020-01-01T00:00:00.000000Z' WHERE workflow_id = 'first'"
        )

    assert [run.workflow_id for run in list_recent_runs(engine)] == ["second", "first"]
    assert [name for name, _ in StoreReader(engine).list_names()] == ["second", "first"]


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ("a1b2c3d4", "a1b2c3d4"),
        ("a1b2", "a1b2c3d4"),
        ("A1B2", "a1b2c3d4"),
        (1, "a1b2c3d4"),
        ("2", "12345678"),
        ("1234", "12345678"),
        ("my-own-id", "my-own-id"),
        ("a1b", None),
        ("my-own", "my-own-id"),
        ("a1b3", None),
        ("", None),
        (-1, None),
        (10**30, None),
        ("9" * 30, None),
        ("%", None),
    ],
)
def test_call_is_found_by_its_ids(
    db: Path, engine: Engine, wanted: int | str, found: str | None
) -> None:
    for entry_id in ("a1b2c3d4", "12345678", "my-own-id"):
        save_call(db, entry_id)

    row = StoreReader(engine).get_interaction(wanted)

    assert (row.entry_id if row else None) == found


def test_prefix_of_several_calls_names_them(db: Path, engine: Engine) -> None:
    for number in range(3):
        save_call(db, f"abcd{number}")

    with pytest.raises(AmbiguousId, match=r"abcd fits several interactions: abcd0, abcd1, abcd2$"):
        StoreReader(engine).get_interaction("abcd")
    for number in range(3, 9):
        save_call(db, f"abcd{number}")
    with pytest.raises(AmbiguousId, match=r"abcd4, and others$") as caught:
        StoreReader(engine).get_interaction("abcd")
    assert caught.value.entry_ids == tuple(f"abcd{number}" for number in range(5))


def test_whole_id_is_found_though_others_begin_with_it(db: Path, engine: Engine) -> None:
    save_call(db, "abcd")
    save_call(db, "abcdef")

    found = StoreReader(engine).get_interaction("abcd")

    assert found is not None
    assert found.entry_id == "abcd"

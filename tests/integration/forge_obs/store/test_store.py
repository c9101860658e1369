"""The store's API on real files: saving, getting, listing."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from forge_obs import LLMStats, StoreReader, build_interaction_dict
from forge_obs.store import (
    Interaction,
    Run,
    flush,
    get_engine,
    get_interactions,
    get_run,
    list_recent_runs,
    open_reader,
    save_interaction,
    save_run,
    upgrade,
)
from forge_obs.store.save import save_run_columns
from sqlalchemy import Engine, func, inspect, select
from sqlalchemy.orm import Session

CALL = {"task_id": "t", "role": "llm", "system_prompt": "s", "user_prompt": "u"}


@pytest.fixture
def db(tmp_path: Path) -> Path:
    path = tmp_path / "store.db"
    upgrade(path)
    return path


@pytest.fixture
def engine(db: Path) -> Iterator[Engine]:
    yield get_engine(db)
    flush()


def reader(db: Path) -> Engine:
    found = open_reader(db)
    assert found is not None
    return found


def save(engine: Engine, **columns: object) -> None:
    save_interaction(engine, **{**CALL, **columns})


def test_saved_interaction_comes_back_whole(engine: Engine) -> None:
    before = datetime.now(UTC)
    context = {
        "system_prompt": "be brief",
        "user_prompt": "naïve \x00 ∑",
        "context_stats": {"a": 1},
    }
    stats = LLMStats(model_name="m", input_tokens=3, output_tokens=4, latency_ms=1.5)

    save_interaction(engine, **build_interaction_dict("t", "s1", None, "planner", context, stats))

    [found] = get_interactions(engine, "t")
    assert (found.step_id, found.sub_task_id, found.role) == ("s1", None, "planner")
    assert (found.system_prompt, found.user_prompt) == ("be brief", "naïve \x00 ∑")
    assert (found.model_name, found.input_tokens, found.output_tokens) == ("m", 3, 4)
    assert (found.latency_ms, found.context_stats_json) == (1.5, '{"a":1}')
    assert before <= found.created_at <= datetime.now(UTC)
    assert found.broken is None


def test_interactions_are_found_by_task_step_and_workflow_in_order(engine: Engine) -> None:
    save(engine, step_id="a", workflow_id="w1")
    save(engine, step_id="b", workflow_id="w1")
    save(engine, step_id="a", workflow_id="w2")
    save(engine, task_id="other")

    assert [i.step_id for i in get_interactions(engine, "t")] == ["a", "b", "a"]
    assert [i.workflow_id for i in get_interactions(engine, "t", "a")] == ["w1", "w2"]
    assert [i.step_id for i in get_interactions(engine, workflow_id="w1")] == ["a", "b"]
    assert len(get_interactions(engine)) == 4


def test_listing_without_texts_leaves_prompts_out(engine: Engine) -> None:
    save(engine, response="long", error="kept")

    [found] = get_interactions(engine, "t", texts=False)

    assert (found.system_prompt, found.user_prompt, found.response) == ("", "", None)
    assert found.error == "kept"


def test_unknown_column_is_refused(engine: Engine) -> None:
    with pytest.raises(TypeError, match="colour"):
        save(engine, colour="red")


def test_what_is_read_is_detached_and_fully_loaded(engine: Engine) -> None:
    save(engine)

    [found] = get_interactions(engine, "t")

    assert isinstance(found, Interaction)
    assert inspect(found).detached
    assert inspect(found).unloaded == set()


def test_mapped_classes_work_in_a_session(engine: Engine) -> None:
    now = datetime(2026, 11, 3, tzinfo=UTC)
    with Session(engine) as session, session.begin():
        session.add(Run(task_id="t", workflow_id="w", status="running", created_at=now))

    with Session(engine) as session:
        found = session.scalars(select(Run)).one()
        assert (found.task_id, found.created_at, found.planned) == ("t", now, None)
        assert session.scalar(select(func.count()).select_from(Interaction)) == 0


def test_run_is_saved_and_found(engine: Engine) -> None:
    result = {"task_id": "t", "status": "success", "error": None}

    save_run(engine, result, "w-1", planned=True, repo_root="/repo")

    found = get_run(engine, "w-1")
    assert found is not None
    assert (found.task_id, found.status, found.planned) == ("t", "success", True)
    assert found.result_json == '{"task_id":"t","status":"success","error":null}'
    assert found.finished_at is not None
    assert get_run(engine, "w-2") is None


def test_workflow_id_may_be_used_by_several_runs(engine: Engine) -> None:
    for run_id in ("r1", "r2"):
        save_run(engine, {"task_id": "t", "status": "success"}, "w", run_id=run_id)

    found = get_run(engine, "w")
    assert found is not None
    assert found.run_id == "r2"
    assert len(list_recent_runs(engine)) == 2


def test_recent_runs_come_newest_first_and_limited(engine: Engine) -> None:
    for number in range(5):
        save_run(engine, {"task_id": "t", "status": "success"}, f"w{number}")

    assert [run.workflow_id for run in list_recent_runs(engine, 2)] == ["w4", "w3"]
    assert [name for name, _ in StoreReader(engine).list_names(3)] == ["w4", "w3", "w2"]
    assert list_recent_runs(engine, 0) == []


def test_figures_are_those_of_the_calls_of_some_workflows(engine: Engine) -> None:
    save(engine, workflow_id="w", input_tokens=5, origin="replay", user_prompt="long")
    save(engine, workflow_id="v", usage_known=False, status="error", error_type="quota")
    save(engine, workflow_id="other")

    figures = list(StoreReader(engine).iterate_call_figures(["w", "none", "v"]))

    found = {f.workflow_id: (f.input_tokens, f.origin, f.error_type) for f in figures}
    assert found == {"w": (5, "replay", None), "v": (0, "provider", "quota")}
    assert {figure.user_prompt for figure in figures} == {""}


def test_figures_use_the_index(engine: Engine, db: Path) -> None:
    save(engine, workflow_id="w")

    with closing(sqlite3.connect(db)) as connection:
        plan = connection.execute(
            "EXPLAIN QUERY PLAN SELECT input_tokens FROM interactions WHERE workflow_id IN ('w')"
        ).fetchall()
    assert "ix_interactions_workflow_id" in str(plan)


def test_moment_of_another_writer_defaults_to_now(engine: Engine, db: Path) -> None:
    with closing(sqlite3.connect(db)) as connection, connection:
        connection.execute(
            "INSERT INTO interactions (task_id, role, system_prompt, user_prompt, model_name,"
            " input_tokens, output_tokens, latency_ms) VALUES ('t','llm','','','m',1,2,3.0)"
        )

    [found] = get_interactions(engine, "t")

    assert abs(datetime.now(UTC) - found.created_at) < timedelta(minutes=1)
    assert (found.usage_known, found.status, found.explanation) == (True, "ok", "")


@pytest.mark.parametrize("replaced", [True, False], ids=["replaced", "removed"])
def test_row_goes_to_the_file_that_stands_at_the_path(
    engine: Engine, db: Path, tmp_path: Path, replaced: bool
) -> None:
    other = tmp_path / "other.db"
    upgrade(other)
    flush()
    save(engine, task_id="old")
    for name in (db, Path(f"{db}-wal"), Path(f"{db}-shm")):
        name.unlink()
    if replaced:
        other.rename(db)

    save(engine, task_id="new")

    assert [row.task_id for row in get_interactions(reader(db))] == ["new"]


def test_one_engine_per_path(db: Path, tmp_path: Path) -> None:
    assert get_engine(db) is get_engine(str(db))
    assert get_engine(db) is not get_engine(tmp_path / "other.db")


def test_engine_makes_the_file_but_not_the_schema(tmp_path: Path) -> None:
    engine = get_engine(tmp_path / "new" / "store.db")

    assert (tmp_path / "new" / "store.db").exists()
    assert inspect(engine).get_table_names() == []


def test_reading_connection_of_a_writing_engine_takes_no_write_lock(
    engine: Engine, db: Path
) -> None:
    save(engine)

    with closing(sqlite3.connect(db, isolation_level=None, timeout=0)) as other:
        other.execute("BEGIN IMMEDIATE")
        assert len(get_interactions(engine)) == 1
        other.execute("ROLLBACK")


def test_run_that_is_saved_by_columns_has_a_beginning(engine: Engine) -> None:
    before = datetime.now(UTC)

    save_run_columns(engine, task_id="t", workflow_id="w", status="success")

    [run] = list_recent_runs(engine)
    assert before <= run.created_at <= datetime.now(UTC)

"""What becomes of each answer of a run is on record, and commits name the answers they hold."""

import json
import os
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

from forge_core.git.commits.trailers import parse_trailers
from forge_core.models.result import TaskResult
from forge_core.models.task import TaskDefinition, ValidationConfig
from forge_core.runs.client import submit_run, wait_for_result
from forge_core.runs.resolve import RunSettings, resolve_run
from forge_core.worker.worker import running_worker
from forge_obs import Interaction, Run, get_interactions, get_run, open_reader
from support.repository import git
from support.script import answer, write_script
from support.temporal_server import unique_queue
from temporalio.client import Client

PARTS = [
    {"sub_task_id": name, "description": f"Write {name}.", "target_files": [f"{name}.py"]}
    for name in ("p", "q")
]
PLAN = {
    "steps": [
        {"step_id": "first", "description": "Begin."},
        {"step_id": "parts", "description": "Write both.", "sub_tasks": PARTS},
    ]
}
UNUSED = "import os\n"


async def execute(client: Client, repo: Path, model: str, **settings: Any) -> TaskResult:
    checks = ValidationConfig(auto_fix=False, run_ruff_lint=True, run_ruff_format=False)
    task = TaskDefinition(task_id="work", description="Do the work.", validation=checks)
    work = resolve_run(task, repo, RunSettings(model, model, **settings))
    queue = unique_queue()
    async with running_worker(client, queue):
        return await wait_for_result(await submit_run(client, work, f"forge-{queue}", queue))


def read_calls() -> list[Interaction]:
    engine = open_reader(os.environ["FORGE_DB_PATH"])
    assert engine is not None
    return get_interactions(engine, task_id="work")


def read_run(call: Interaction) -> Run:
    engine = open_reader(os.environ["FORGE_DB_PATH"])
    assert engine is not None
    run = get_run(engine, call.workflow_id or "")
    assert run is not None
    return run


def read_message(repo: Path, commit: str | None) -> str:
    return git(repo, "log", "-1", "--format=%B", commit or "")


def count_outcomes() -> list[tuple[str, int]]:
    """Count the outcomes as any other tool would."""
    with closing(sqlite3.connect(os.environ["FORGE_DB_PATH"])) as connection:
        return connection.execute(
            "SELECT outcome, count(*) FROM call_facts GROUP BY outcome ORDER BY outcome"
        ).fetchall()


async def test_each_answer_of_a_planned_run_has_its_outcome_and_belongs_to_it(
    client: Client, repo: Path, tmp_path: Path
) -> None:
    model = write_script(
        tmp_path / "script.json",
        {"role": "planner", "answer": PLAN},
        {"step_id": "first", "attempt": 1, "answer": answer("first.py", UNUSED)},
        {"step_id": "first", "attempt": 2, "answer": answer("first.py", "FIRST = 1\n")},
        {"sub_task_id": "p", "answer": answer("p.py", "P = 1\n")},
        {"sub_task_id": "q", "answer": answer("q.py", "Q = 1\n")},
    )

    result = await execute(client, repo, model, plan=True)

    assert result.status == "success"
    first, parts = (step.commit_sha for step in result.step_results)
    calls = read_calls()
    assert [(call.outcome, call.commit_sha) for call in calls] == [
        ("accepted", None),
        ("refused", None),
        ("accepted", first),
        ("accepted", parts),
        ("accepted", parts),
    ]
    assert str(calls[1].outcome_reason).startswith("ruff_lint: first.py:1")
    assert json.loads(calls[1].failed_checks_json or "")[0]["check_name"] == "ruff_lint"
    of_first, of_parts = (parse_trailers(read_message(repo, commit)) for commit in (first, parts))
    assert of_first is not None
    assert of_first.entry_ids == (calls[2].entry_id,)
    assert of_parts is not None
    assert set(of_parts.entry_ids) == {call.entry_id for call in calls[3:]}
    assert {call.root_run_id for call in calls} == {read_run(calls[0]).run_id}
    assert len({call.run_id for call in calls}) == 3
    assert count_outcomes() == [("accepted", 4), ("refused", 1)]


async def test_run_that_fails_says_what_was_asked_and_why_it_ended(
    client: Client, repo: Path, tmp_path: Path
) -> None:
    model = write_script(tmp_path / "script.json", {"answer": answer("a.py", UNUSED)})

    result = await execute(client, repo, model, max_attempts=1)

    [call] = read_calls()
    run = read_run(call)
    assert (run.description, run.branch) == ("Do the work.", "forge/work")
    assert run.base_commit == git(repo, "rev-parse", "HEAD").strip()
    assert json.loads(run.request_json or "")["max_attempts"] == 1
    assert str(run.reason).startswith("ruff_lint: a.py:1")
    assert (call.outcome, call.commit_sha) == ("refused", result.attempts[-1].commit_sha)
    assert call.outcome_reason == run.reason
    trailers = parse_trailers(read_message(repo, call.commit_sha))
    assert trailers is not None
    assert trailers.entry_ids == (call.entry_id,)


async def test_answers_that_cannot_be_read_or_carried_out_are_told_apart(
    client: Client, repo: Path, tmp_path: Path
) -> None:
    unseen = {"edits": [{"file_path": "gone.py", "search": "x\n", "replace": "y\n"}]}
    model = write_script(
        tmp_path / "script.json",
        {"sample": 0, "answer": {"thoughts": "none of what was asked for"}},
        {"sample": 1, "answer": unseen},
        {"sample": 2, "answer": {"files": [], "explanation": "Nothing to do."}},
    )

    result = await execute(client, repo, model, max_attempts=1)

    assert result.status == "failure_terminal"
    outcomes = [(call.outcome, call.outcome_reason) for call in read_calls()]
    assert [outcome for outcome, _ in outcomes] == ["unusable", "refused", "unusable"]
    assert outcomes[2][1] == "the answer holds no files"

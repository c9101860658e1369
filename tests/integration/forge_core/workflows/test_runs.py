"""Whole runs on a real Temporal server, each replayed from its history afterwards."""

import asyncio
import os
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from forge_core.errors import RunCancelled
from forge_core.models.result import StepResult, TaskResult
from forge_core.models.task import TaskDefinition
from forge_core.runs.client import submit_run, wait_for_result
from forge_core.runs.resolve import RunSettings, resolve_run
from forge_core.worker.worker import WORKFLOWS, running_worker
from forge_obs import Interaction, get_interactions, open_reader
from support.llm_server import Exchange, LLMServer, Reply, tool
from support.repository import add_submodule, commit_all, git
from support.sandbox import build_sandbox
from support.script import answer, write_script
from support.temporal_server import unique_queue
from temporalio.client import Client, WorkflowHistory
from temporalio.worker import Replayer

PARTS = [
    {"sub_task_id": name, "description": f"Write {name}.", "target_files": [f"{name}.py"]}
    for name in ("p", "q")
]
FAN_OUT = {
    "steps": [
        {"step_id": "first", "description": "Begin."},
        {"step_id": "parts", "description": "Write both.", "sub_tasks": PARTS},
    ]
}


async def execute(
    client: Client, repo: Path, model: str, *, plan: bool = True, target_files: tuple[str, ...] = ()
) -> TaskResult:
    """Run a task to its end, then replay the histories of its workflows."""
    task = TaskDefinition(task_id="work", description="Do the work.", target_files=target_files)
    work = resolve_run(task, repo, RunSettings(model, model, plan=plan))
    queue = unique_queue()
    workflow_id = f"forge-{queue}"
    async with running_worker(client, queue):
        handle = await submit_run(client, work, workflow_id, queue)
        result = await wait_for_result(handle)
    await replay(client, queue)
    return result


async def replay(client: Client, queue: str) -> None:
    """Prove that each workflow of a queue decides the same when it is replayed."""
    replayer = Replayer(
        workflows=WORKFLOWS,
        namespace=client.namespace,
        data_converter=client.data_converter,
        workflow_runner=build_sandbox(),
    )
    histories: list[WorkflowHistory] = [
        await client.get_workflow_handle(found.id, run_id=found.run_id).fetch_history()
        async for found in client.list_workflows(f"TaskQueue = '{queue}'")
    ]
    assert histories
    for history in histories:
        await replayer.replay_workflow(history)


def read_calls() -> list[Interaction]:
    engine = open_reader(os.environ["FORGE_DB_PATH"])
    assert engine is not None
    return get_interactions(engine, task_id="work")


def script(path: Path, *entries: dict[str, Any]) -> str:
    return write_script(
        path / "script.json",
        {"role": "planner", "answer": FAN_OUT},
        {"step_id": "first", "answer": answer("first.py", "FIRST = 1\n")},
        *entries,
    )


def build_step(step_id: str, *targets: str, parts: tuple[str, ...] = ()) -> dict[str, Any]:
    """Build a step of a plan; each part is a sub-task and has a file of its own."""
    return {
        "step_id": step_id,
        "description": f"Work on {step_id}.",
        "target_files": list(targets),
        "sub_tasks": [
            {"sub_task_id": f"{step_id}-{name}", "description": "Work.", "target_files": [path]}
            for path in parts
            for name in [path.partition(".")[0]]
        ],
    }


def change(path: str, search: str, replace: str) -> dict[str, Any]:
    return {"file_path": path, "search": search, "replace": replace}


def leave(path: str, reason: str) -> dict[str, Any]:
    return {"untouched": [{"file_path": path, "reason": reason}]}


def list_signals(step: StepResult) -> list[str]:
    return [attempt.signal for attempt in step.attempts]


AGAIN = ["failure_retryable", "success"]
"""How the attempts at a step end of which the second one is accepted."""

HISTORY = "".join(f"Line {number}.\n" for number in range(400))


async def test_what_does_not_fit_is_asked_for_again_with_what_the_model_lacks(
    client: Client, repo: Path, tmp_path: Path
) -> None:
    """One run, of which each step gets a wrong answer first."""
    files = {
        "alike.py": "ONE = 1\nTWO = 1\n\n\nclass F:\n    TWO = 1\n",
        "right.py": "RIGHT = 1\n",
        "named.py": "ONE = 1\n",
        "NEWS.md": HISTORY,
    }
    commit_all(repo, files, "Files")
    add_submodule(repo, "sub")
    plan = {
        "steps": [
            build_step("ambiguous", "alike.py"),
            build_step("unseen", "right.py"),
            build_step("refused") | {"description": "Change named.py."},
            build_step("same", "README.md"),
            build_step("missing", "a.py", "b.py"),
            build_step("forbidden"),
        ]
    }
    protected = {"steps": [build_step("only", "conftest.py")]}
    news = {"edits": [change("NEWS.md", "Line 7.\n", "Line seven.\n")]}
    both = answer("a.py") | {"files": [*answer("a.py")["files"], *answer("b.py")["files"]]}
    scripts: dict[str, dict[str, list[dict[str, Any]]]] = {
        "ambiguous": {
            "sample": [
                {"edits": [change("alike.py", "TWO = 1\n", "TWO = 2\n")]},
                {"edits": [change("alike.py", "ONE = 1\nTWO = 1\n", "ONE = 1\nTWO = 2\n")]},
            ]
        },
        "unseen": {
            "sample": [answer("NEWS.md", "# News\n"), news | leave("right.py", "It is right.")]
        },
        "refused": {
            "attempt": [
                {"edits": [change("named.py", "ONE = 1\n", "ONE = undefined\n")]},
                {"edits": [change("named.py", "ONE = 1\n", "ONE = 2\n")]},
            ]
        },
        "same": {
            "attempt": [
                answer("README.md", "# a repository\n"),
                leave("README.md", "The heading is there."),
            ]
        },
        "missing": {"attempt": [answer("a.py"), both]},
        "forbidden": {
            "sample": [
                answer("conftest.py", "X = 1\n"),
                answer("sub/app.py", "X = 1\n"),
                answer("app.py", "X = 1\n"),
            ]
        },
    }
    first = {"attempt": 1, "sample": 0}
    model = write_script(
        tmp_path / "script.json",
        {"role": "planner", "sample": 0, "answer": protected},
        {"role": "planner", "sample": 1, "answer": plan},
        *(
            {"step_id": step_id, kind: number + first[kind], "answer": said}
            for step_id, answers in scripts.items()
            for kind, texts in answers.items()
            for number, said in enumerate(texts)
        ),
    )

    result = await execute(client, repo, model)

    assert result.status == "success"
    steps = {step.step_id: step for step in result.step_results}
    calls: dict[str | None, list[Interaction]] = {}
    for call in read_calls():
        calls.setdefault(call.step_id, []).append(call)
    assert {name: list_signals(step) for name, step in steps.items()} == {
        name: AGAIN if "attempt" in kinds else ["success"] for name, kinds in scripts.items()
    }
    check_ambiguous_edit(steps["ambiguous"], calls["ambiguous"])
    check_unseen_file(calls["unseen"])
    check_refused_edit(calls["refused"])
    check_same_content(steps["same"], calls["same"])
    assert "named, but missing afterwards: b.py" in calls["missing"][1].user_prompt
    check_forbidden_files(calls[None], calls["forbidden"])
    written = git(repo, "diff", "--name-only", "main", "forge/work").split()
    assert written == ["NEWS.md", "a.py", "alike.py", "app.py", "b.py", "named.py"]
    news_text = git(repo, "show", "forge/work:NEWS.md")
    assert news_text == HISTORY.replace("Line 7.", "Line seven.").strip()
    assert git(repo, "show", "forge/work:alike.py").startswith("ONE = 1\nTWO = 2\n")


def check_ambiguous_edit(step: StepResult, calls: list[Interaction]) -> None:
    vague, clear = calls
    assert (vague.status, vague.error_type) == ("error", "invalid_output")
    assert "search fits 2 places, at lines 2, 6" in clear.user_prompt
    (changed,) = step.attempts[0].changes
    assert (changed.path, changed.kind, changed.rungs) == ("alike.py", "modified", {"exact": 1})


def check_unseen_file(calls: list[Interaction]) -> None:
    first, second = calls
    assert "'NEWS.md' exists and you were not shown it" in (first.error or "")
    assert second.user_prompt.startswith(f"{first.user_prompt}\n\n## Shown now: NEWS.md\n")
    assert HISTORY in second.user_prompt


def check_refused_edit(calls: list[Interaction]) -> None:
    refused, repaired = calls
    assert [call.attempt for call in (refused, repaired)] == [1, 2]
    assert "## Refused changes: named.py" in repaired.user_prompt
    assert "```\nONE = 1\n```\n" in repaired.user_prompt, "as it stands again"
    assert "ONE = undefined" in repaired.user_prompt


def check_same_content(step: StepResult, calls: list[Interaction]) -> None:
    first, second = step.attempts
    assert first.error == "validation failed (targets: the answer changes nothing of README.md)"
    assert "the answer changes nothing of README.md" in calls[1].user_prompt
    assert (second.commit_sha, step.output_files) == (None, {})
    assert [file.reason for file in second.untouched] == ["The heading is there."]
    assert second.validation_results[-1].summary == "no change needed: The heading is there."


def check_forbidden_files(planner: list[Interaction], writer: list[Interaction]) -> None:
    planned, planned_again = (call.user_prompt for call in planner)
    first, second, third = (call.user_prompt for call in writer)
    assert "decides what the tests run" in planned_again
    assert "'conftest.py' decides what the tests run" in second
    assert "'sub' is a submodule" in third
    assert "decides what the tests run" not in planned + first


async def test_sub_tasks_are_gathered_into_one_commit_each_step_and_judged_together(
    client: Client, repo: Path, tmp_path: Path
) -> None:
    """One run, of which each step has sub-tasks."""
    commit_all(repo, {"p.py": "P = 1\n", "q.py": "Q = 1\n", "old.py": "A = 1\n"}, "Both")
    plan = {
        "steps": [
            build_step("conflict", parts=("m.py", "n.py")),
            build_step("judged", parts=("p.py", "q.py")),
            build_step("idle", parts=("p.py", "q.py")),
            build_step("split", "old.py", parts=("p.py", "q.py")),
        ]
    }
    moved = {
        "renames": [{"file_path": "old.py", "new_path": "lib/a.py"}],
        "edits": [change("old.py", "A = 1\n", "A = 2\n"), change("q.py", "Q = 2\n", "Q = 3\n")],
    }
    model = write_script(
        tmp_path / "script.json",
        {"role": "planner", "answer": plan},
        {"sub_task_id": "conflict-m", "step_attempt": 1, "answer": answer("same.py", "M = 1\n")},
        {"sub_task_id": "conflict-n", "step_attempt": 1, "answer": answer("same.py", "N = 1\n")},
        {"sub_task_id": "conflict-m", "answer": answer("m.py", "M = 1\n")},
        {"sub_task_id": "conflict-n", "answer": answer("n.py", "N = 1\n")},
        {"sub_task_id": "judged-p", "answer": leave("p.py", "It is right.")},
        {"sub_task_id": "judged-q", "answer": answer("q.py", "Q = 2\n")},
        {"sub_task_id": "idle-p", "answer": leave("p.py", "p is right")},
        {"sub_task_id": "idle-q", "answer": leave("q.py", "q is right")},
        {"sub_task_id": "split-p", "answer": {"deletions": ["p.py"]}},
        {"sub_task_id": "split-q", "answer": moved},
    )

    result = await execute(client, repo, model)

    conflict, judged, idle, split = result.step_results
    assert [list_signals(step) for step in result.step_results] == [AGAIN, *[["success"]] * 3]
    assert "same.py" in (conflict.attempts[0].error or "")
    retried = [call for call in read_calls() if call.step_attempt == 2]
    assert len(retried) == 2
    assert all("## Previous attempt" in call.user_prompt for call in retried)
    assert all("same.py" in call.user_prompt for call in retried)
    assert judged.validation_results[-1].summary == "left as they stand: p.py (It is right.)"
    assert idle.commit_sha is None
    assert idle.validation_results[-1].summary == "no change needed: p is right; q is right"
    assert {change.path: change.kind for change in split.attempts[-1].changes} == {
        "p.py": "deleted",
        "lib/a.py": "renamed",
        "q.py": "modified",
    }
    commits = git(repo, "log", "--format=%s", "main..forge/work").splitlines()
    assert commits == [f"{name}: Work on {name}." for name in ("split", "judged", "conflict")]
    assert git(repo, "show", "--format=", "--name-only", "forge/work~1") == "q.py"
    names = git(repo, "ls-tree", "-r", "--name-only", "forge/work").split()
    assert names == ["README.md", "lib/a.py", "m.py", "n.py", "q.py"]
    assert git(repo, "show", "forge/work:lib/a.py") == "A = 2"
    assert sorted(result.output_files) == ["lib/a.py", "m.py", "n.py", "q.py"]
    assert not (repo / ".forge-worktrees" / ".sub").exists()
    assert git(repo, "for-each-ref", "refs/forge") == ""


async def test_repaired_single_step_task_carries_stats_of_the_accepted_attempt(
    client: Client, repo: Path, tmp_path: Path
) -> None:
    """A protected file is written, since the user names it."""
    model = write_script(
        tmp_path / "script.json",
        {"attempt": 1, "answer": answer("conftest.py", "x = undefined\n")},
        {"attempt": 2, "answer": answer("conftest.py", "x = 1\n")},
    )

    result = await execute(client, repo, model, plan=False, target_files=("conftest.py",))

    assert (result.status, len(result.attempts)) == ("success", 2)
    assert result.llm_stats is not None
    assert result.context_stats is not None
    assert git(repo, "show", "forge/work:conftest.py") == "x = 1"
    assert "x = undefined" in read_calls()[1].user_prompt


async def test_failing_step_keeps_the_commits_of_earlier_steps(
    client: Client, repo: Path, tmp_path: Path
) -> None:
    bad = answer("p.py", "x = undefined\n")
    model = script(
        tmp_path,
        {"sub_task_id": "p", "answer": bad},
        {"sub_task_id": "q", "answer": answer("q.py", "Q = 1\n")},
    )

    result = await execute(client, repo, model)

    assert result.status == "failure_terminal"
    assert "sub-task p failed: validation failed (ruff_lint" in (result.error or "")
    assert [step.status for step in result.step_results] == ["success", "failure_terminal"]
    assert git(repo, "log", "--format=%s", "main..forge/work") == "first: Begin."
    assert not (repo / ".forge-worktrees" / ".sub").exists()
    attempts = [(c.step_attempt, c.attempt) for c in read_calls() if c.sub_task_id == "p"]
    assert attempts == [(1, 1), (1, 2), (2, 1), (2, 2)]


async def test_failure_that_no_attempt_mends_ends_the_run_at_once(
    client: Client, repo: Path, tmp_path: Path
) -> None:
    model = script(
        tmp_path,
        {"sub_task_id": "p", "error": {"kind": "authentication", "message": "no such key"}},
        {"sub_task_id": "q", "answer": answer("q.py", "Q = 1\n")},
    )

    result = await execute(client, repo, model)

    assert result.status == "failure_terminal"
    assert "no such key" in (result.error or "")
    assert len(result.step_results[1].attempts) == 1
    [refused] = [call for call in read_calls() if call.sub_task_id == "p"]
    assert (refused.status, refused.error_type, refused.origin) == (
        "error",
        "authentication",
        "scripted",
    )


async def test_cancelled_run_leaves_no_sub_task_behind_and_its_calls_as_unknown(
    client: Client, repo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate = threading.Event()

    def respond(exchange: Exchange) -> Reply:
        if exchange.prompts.tool == "plan":
            return tool(FAN_OUT)
        if "Your part" in exchange.prompts.user:
            return replace(tool(answer("p.py")), gate=gate)
        return tool(answer("first.py", "FIRST = 1\n"))

    with LLMServer(respond) as server:
        server.configure(monkeypatch)
        model, queue = "openai-chat:writer-1", unique_queue()
        task = TaskDefinition(task_id="work", description="Do the work.")
        work = resolve_run(task, repo, RunSettings(model, model, plan=True))
        async with running_worker(client, queue):
            handle = await submit_run(client, work, f"forge-{queue}", queue)
            await asyncio.to_thread(server.wait_for_requests, 4)
            await handle.cancel()
            with pytest.raises(RunCancelled):
                await wait_for_result(handle)

    statuses = sorted((call.sub_task_id or "", call.status) for call in read_calls())
    assert statuses == [("", "ok"), ("", "ok"), ("p", "started"), ("q", "started")]
    assert not (repo / ".forge-worktrees" / ".sub").exists()
    assert git(repo, "for-each-ref", "refs/forge") == ""
    assert git(repo, "log", "--format=%s", "main..forge/work") == "first: Begin."
    await replay(client, queue)

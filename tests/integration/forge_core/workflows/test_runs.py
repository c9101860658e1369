"""Whole runs on a real Temporal server, each replayed from its history afterwards."""

import asyncio
import os
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from forge_core.errors import RunCancelled
from forge_core.models.result import TaskResult
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


async def test_sub_tasks_are_gathered_into_one_commit_and_leave_nothing(
    client: Client, repo: Path, tmp_path: Path
) -> None:
    model = script(
        tmp_path,
        {"sub_task_id": "p", "answer": answer("p.py", "P = 1\n")},
        {"sub_task_id": "q", "answer": answer("q.py", "Q = 1\n")},
    )

    result = await execute(client, repo, model)

    assert result.status == "success"
    assert git(repo, "log", "--format=%s", "main..forge/work").splitlines() == [
        "parts: Write both.",
        "first: Begin.",
    ]
    assert git(repo, "show", "--format=", "--name-only", "forge/work").split() == ["p.py", "q.py"]
    assert not (repo / ".forge-worktrees" / ".sub").exists()
    assert git(repo, "for-each-ref", "refs/forge") == ""


async def test_conflict_of_sub_tasks_fails_the_step_and_the_next_prompts_say_so(
    client: Client, repo: Path, tmp_path: Path
) -> None:
    model = script(
        tmp_path,
        {"sub_task_id": "p", "step_attempt": 1, "answer": answer("same.py", "P = 1\n")},
        {"sub_task_id": "q", "step_attempt": 1, "answer": answer("same.py", "Q = 1\n")},
        {"sub_task_id": "p", "step_attempt": 2, "answer": answer("p.py", "P = 1\n")},
        {"sub_task_id": "q", "step_attempt": 2, "answer": answer("q.py", "Q = 1\n")},
    )

    result = await execute(client, repo, model)

    step = result.step_results[1]
    assert (result.status, [a.signal for a in step.attempts]) == (
        "success",
        ["failure_retryable", "success"],
    )
    assert "same.py" in (step.attempts[0].error or "")
    retried = [call for call in read_calls() if call.step_attempt == 2]
    assert len(retried) == 2
    assert all("## Previous attempt" in call.user_prompt for call in retried)
    assert all("same.py" in call.user_prompt for call in retried)


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


async def test_repaired_single_step_task_carries_stats_of_the_accepted_attempt(
    client: Client, repo: Path, tmp_path: Path
) -> None:
    model = write_script(
        tmp_path / "script.json",
        {"attempt": 1, "answer": answer("a.py", "x = undefined\n")},
        {"attempt": 2, "answer": answer("a.py", "x = 1\n")},
    )

    result = await execute(client, repo, model, plan=False)

    assert (result.status, len(result.attempts)) == ("success", 2)
    assert result.llm_stats is not None
    assert result.context_stats is not None
    assert git(repo, "show", "forge/work:a.py") == "x = 1"
    assert "x = undefined" in read_calls()[1].user_prompt


async def test_content_equal_to_what_stands_is_no_change_and_is_asked_for_again(
    client: Client, repo: Path, tmp_path: Path
) -> None:
    reason = "The heading is there."
    same = answer("README.md", "# a repository\n")
    explained = {"untouched": [{"file_path": "README.md", "reason": reason}]}
    model = write_script(
        tmp_path / "script.json",
        {"attempt": 1, "answer": same},
        {"attempt": 2, "answer": explained},
    )

    result = await execute(client, repo, model, plan=False, target_files=("README.md",))

    first, second = result.attempts
    assert first.error == "validation failed (targets: the answer changes nothing of README.md)"
    assert "the answer changes nothing of README.md" in read_calls()[1].user_prompt
    assert (result.status, second.commit_sha, result.output_files) == ("success", None, {})
    assert [file.reason for file in second.untouched] == [reason]
    assert second.validation_results[-1].summary == f"no change needed: {reason}"
    assert git(repo, "rev-parse", "forge/work") == git(repo, "rev-parse", "main")


async def test_target_that_is_missing_afterwards_is_asked_for_again(
    client: Client, repo: Path, tmp_path: Path
) -> None:
    both = answer("a.py")
    both["files"].append({"file_path": "b.py", "content": "B = 1\n"})
    model = write_script(
        tmp_path / "script.json",
        {"attempt": 1, "answer": answer("a.py")},
        {"attempt": 2, "answer": both},
    )

    result = await execute(client, repo, model, plan=False, target_files=("a.py", "b.py"))

    assert (result.status, len(result.attempts)) == ("success", 2)
    assert "named, but missing afterwards: b.py" in read_calls()[1].user_prompt


async def test_targets_of_sub_tasks_are_judged_when_their_commits_are_together(
    client: Client, repo: Path, tmp_path: Path
) -> None:
    commit_all(repo, {"p.py": "P = 1\n", "q.py": "Q = 1\n"}, "Both")
    reason = {"untouched": [{"file_path": "p.py", "reason": "It is right."}]}
    model = script(
        tmp_path,
        {"sub_task_id": "p", "answer": reason},
        {"sub_task_id": "q", "answer": answer("q.py", "Q = 2\n")},
    )

    result = await execute(client, repo, model)

    step = result.step_results[1]
    assert (result.status, len(step.attempts)) == ("success", 1)
    assert step.validation_results[-1].summary == "left as they stand: p.py (It is right.)"
    assert git(repo, "show", "--format=", "--name-only", "forge/work") == "q.py"


async def test_step_whose_sub_tasks_all_need_no_change_succeeds_without_a_commit(
    client: Client, repo: Path, tmp_path: Path
) -> None:
    commit_all(repo, {"p.py": "P = 1\n", "q.py": "Q = 1\n"}, "Both")
    model = script(
        tmp_path,
        *(
            {
                "sub_task_id": name,
                "answer": {
                    "untouched": [{"file_path": f"{name}.py", "reason": f"{name} is right"}]
                },
            }
            for name in ("p", "q")
        ),
    )

    result = await execute(client, repo, model)

    step = result.step_results[1]
    assert (result.status, step.commit_sha) == ("success", None)
    assert step.validation_results[-1].summary == "no change needed: p is right; q is right"


def change(path: str, search: str, replace: str) -> dict[str, Any]:
    return {"file_path": path, "search": search, "replace": replace}


async def test_file_that_was_not_shown_is_shown_before_it_is_changed(
    client: Client, repo: Path, tmp_path: Path
) -> None:
    history = "".join(f"Line {number}.\n" for number in range(400))
    commit_all(repo, {"a.py": "ONE = 1\n", "NEWS.md": history}, "A history")
    model = write_script(
        tmp_path / "script.json",
        {"sample": 0, "answer": answer("NEWS.md", "# News\n")},
        {
            "sample": 1,
            "answer": {
                "edits": [change("NEWS.md", "Line 7.\n", "Line seven.\n")],
                "untouched": [{"file_path": "a.py", "reason": "It is right."}],
            },
        },
    )

    result = await execute(client, repo, model, plan=False, target_files=("a.py",))

    assert (result.status, len(result.attempts)) == ("success", 1)
    assert (
        git(repo, "show", "forge/work:NEWS.md") == history.replace("Line 7.", "Line seven.").strip()
    )
    first, second = read_calls()
    assert "'NEWS.md' exists and you were not shown it" in (first.error or "")
    assert second.user_prompt.startswith(f"{first.user_prompt}\n\n## Shown now: NEWS.md\n")
    assert history in second.user_prompt


async def test_ambiguous_edit_is_asked_for_again_within_the_attempt(
    client: Client, repo: Path, tmp_path: Path
) -> None:
    commit_all(repo, {"a.py": "ONE = 1\nTWO = 1\n\n\nclass F:\n    TWO = 1\n"}, "Look-alikes")
    vague, clear = (
        change("a.py", "TWO = 1\n", "TWO = 2\n"),
        change("a.py", "ONE = 1\nTWO = 1\n", "ONE = 1\nTWO = 2\n"),
    )
    model = write_script(
        tmp_path / "script.json",
        {"sample": 0, "answer": {"edits": [vague]}},
        {"sample": 1, "answer": {"edits": [clear]}},
    )

    result = await execute(client, repo, model, plan=False, target_files=("a.py",))

    assert (result.status, len(result.attempts)) == ("success", 1)
    assert git(repo, "show", "forge/work:a.py").startswith("ONE = 1\nTWO = 2\n")
    first, second = read_calls()
    assert (first.status, first.error_type) == ("error", "invalid_output")
    assert "search fits 2 places, at lines 2, 6" in second.user_prompt
    (changed,) = result.attempts[0].changes
    assert (changed.path, changed.kind, changed.rungs) == ("a.py", "modified", {"exact": 1})


async def test_steps_edit_rename_and_delete_and_the_result_names_what_is_left(
    client: Client, repo: Path, tmp_path: Path
) -> None:
    parts = [
        {"sub_task_id": name, "description": "Work.", "target_files": [path]}
        for name, path in (("p", "b.py"), ("q", "c.py"))
    ]
    plan = {
        "steps": [
            {"step_id": "make", "description": "Make."},
            {"step_id": "move", "description": "Move."},
            {"step_id": "parts", "description": "Split.", "sub_tasks": parts},
        ]
    }
    made = {
        "files": [
            {"file_path": name, "content": f"{name[0].upper()} = 1\n"}
            for name in ("a.py", "b.py", "c.py")
        ]
    }
    moved = {
        "renames": [{"file_path": "a.py", "new_path": "lib/a.py"}],
        "edits": [change("a.py", "A = 1\n", "A = 2\n")],
    }
    model = write_script(
        tmp_path / "script.json",
        {"role": "planner", "answer": plan},
        {"step_id": "make", "answer": made},
        {"step_id": "move", "answer": moved},
        {"sub_task_id": "p", "answer": {"deletions": ["b.py"]}},
        {"sub_task_id": "q", "answer": {"edits": [change("c.py", "C = 1\n", "C = 3\n")]}},
    )

    result = await execute(client, repo, model)

    assert result.status == "success"
    names = git(repo, "ls-tree", "-r", "--name-only", "forge/work").split()
    assert sorted(set(names) - {"README.md"}) == ["c.py", "lib/a.py"]
    assert git(repo, "show", "forge/work:lib/a.py") == "A = 2"
    assert git(repo, "show", "forge/work:c.py") == "C = 3"
    assert sorted(result.output_files) == ["c.py", "lib/a.py"]
    kinds = [{c.path: c.kind for c in step.attempts[-1].changes} for step in result.step_results]
    assert kinds[1:] == [{"lib/a.py": "renamed"}, {"b.py": "deleted", "c.py": "modified"}]


async def test_refused_edits_are_shown_to_the_next_attempt(
    client: Client, repo: Path, tmp_path: Path
) -> None:
    commit_all(repo, {"a.py": "ONE = 1\n"}, "One")
    model = write_script(
        tmp_path / "script.json",
        {"attempt": 1, "answer": {"edits": [change("a.py", "ONE = 1\n", "ONE = undefined\n")]}},
        {"attempt": 2, "answer": {"edits": [change("a.py", "ONE = 1\n", "ONE = 2\n")]}},
    )

    result = await execute(client, repo, model, plan=False)

    assert (result.status, len(result.attempts)) == ("success", 2)
    refused, repaired = read_calls()
    assert [call.attempt for call in (refused, repaired)] == [1, 2]
    assert "## Refused changes: a.py" in repaired.user_prompt
    heading = "## Changed by the previous attempt, as it stands now: a.py"
    assert f"{heading}\n\n```\nONE = 1\n```\n" in repaired.user_prompt
    assert "ONE = undefined" in repaired.user_prompt


async def test_what_may_not_be_written_is_asked_for_again_within_the_call(
    client: Client, repo: Path, tmp_path: Path
) -> None:
    add_submodule(repo, "sub")

    def plan(path: str) -> dict[str, Any]:
        return {"steps": [{"step_id": "only", "description": "Work.", "target_files": [path]}]}

    model = write_script(
        tmp_path / "script.json",
        {"role": "planner", "sample": 0, "answer": plan("conftest.py")},
        {"role": "planner", "sample": 1, "answer": plan("app.py")},
        {"step_id": "only", "sample": 0, "answer": answer("conftest.py", "X = 1\n")},
        {"step_id": "only", "sample": 1, "answer": answer("sub/app.py", "X = 1\n")},
        {"step_id": "only", "sample": 2, "answer": answer("app.py", "X = 1\n")},
    )

    result = await execute(client, repo, model)

    [step_result] = result.step_results
    assert (result.status, len(step_result.attempts)) == ("success", 1)
    planner, asked_again, first, second, third = (call.user_prompt for call in read_calls())
    assert "decides what the tests run" in asked_again
    assert "'conftest.py' decides what the tests run" in second
    assert "'sub' is a submodule" in third
    assert "decides what the tests run" not in planner + first
    assert git(repo, "diff", "--name-only", "main", "forge/work") == "app.py"


async def test_protected_file_that_the_user_names_is_written(
    client: Client, repo: Path, tmp_path: Path
) -> None:
    model = write_script(tmp_path / "script.json", {"answer": answer("conftest.py", "X = 1\n")})

    result = await execute(client, repo, model, plan=False, target_files=("conftest.py",))

    assert result.status == "success"
    assert git(repo, "show", "forge/work:conftest.py") == "X = 1"


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

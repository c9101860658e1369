"""Which activities of a run are local ones, seen in the histories of whole runs."""

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import pytest
from forge_core.models.result import TaskResult
from forge_core.models.task import ContextConfig, TaskDefinition, ValidationConfig
from forge_core.runs.client import submit_run, wait_for_result
from forge_core.runs.resolve import RunSettings, resolve_run
from forge_core.worker.worker import running_worker
from forge_core.workflows import producer
from support.repository import git
from support.script import answer, write_script
from support.temporal_server import unique_queue
from temporalio.client import Client

STEPS = ("one", "two", "three")


@dataclass
class Ended:
    """A run that has ended."""

    result: TaskResult
    regular: Counter[str]
    """How often each activity was a regular one."""


async def run_plan(
    client: Client,
    repo: Path,
    task: TaskDefinition,
    descriptions: tuple[str, ...] = ("Write.",) * len(STEPS),
) -> Ended:
    """Run a plan of a file in each step."""
    steps = [
        {"step_id": name, "description": description}
        for name, description in zip(STEPS, descriptions, strict=True)
    ]
    model = write_script(
        repo.parent / "script.json",
        {"role": "planner", "answer": {"steps": steps}},
        *(
            {"step_id": name, "answer": answer(f"{name}.py", f"{name.upper()} = 1\n")}
            for name in STEPS
        ),
    )
    queue = unique_queue()
    work = resolve_run(task, repo, RunSettings(model, model, plan=True))
    async with running_worker(client, queue):
        handle = await submit_run(client, work, f"forge-{queue}", queue)
        result = await wait_for_result(handle)
    events = [event async for event in handle.fetch_history_events()]
    scheduled = [event.activity_task_scheduled_event_attributes for event in events]
    names = [found.activity_type.name for found in scheduled if found.activity_type.name]
    return Ended(result, Counter(names))


async def test_what_was_slow_the_last_time_is_regular(
    client: Client, repo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(producer, "QUICK_MS", 0.001)

    ended = await run_plan(client, repo, TaskDefinition(task_id="work", description="Do it."))

    assert ended.result.status == "success"
    assert ended.regular["assemble_context"] == 3
    assert ended.regular["validate_output"] == 3


async def test_validation_with_tests_is_regular(client: Client, repo: Path) -> None:
    checks = ValidationConfig(run_tests=True, test_command="true")
    task = TaskDefinition(task_id="work", description="Do it.", validation=checks)

    ended = await run_plan(client, repo, task)

    assert ended.result.status == "success"
    assert ended.regular["validate_output"] == 3
    assert ended.regular["assemble_context"] == 1


async def test_what_was_quick_in_the_first_step_is_local_in_the_others(
    client: Client, repo: Path
) -> None:
    """The last prompt has no room: its step fails in a local activity, with the reason."""
    small = ContextConfig(token_budget=12_000, output_reserve=1_000)
    task = TaskDefinition(task_id="work", description="Do it.", context=small)

    ended = await run_plan(client, repo, task, ("Write.", "Write.", "Write. " * 9_000))

    assert ended.result.status == "failure_terminal"
    assert "step three: instructions and task alone need" in (ended.result.error or "")
    assert [step.status for step in ended.result.step_results] == [
        "success",
        "success",
        "failure_terminal",
    ]
    assert ended.regular["call_llm"] == 2
    assert ended.regular["assemble_context"] == 1
    assert ended.regular["validate_output"] == 1
    assert git(repo, "rev-list", "--count", "main..forge/work").strip() == "2"

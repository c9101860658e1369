"""Tests that fail without any change cost no more attempts than can help."""

from pathlib import Path

import pytest
from forge_core.models.result import TaskResult
from forge_core.models.task import TaskDefinition, ValidationConfig
from forge_core.runs.client import submit_run, wait_for_result
from forge_core.runs.resolve import RunSettings, resolve_run
from forge_core.worker.worker import running_worker
from support.repository import git
from support.script import answer, write_script
from support.temporal_server import unique_queue
from temporalio.client import Client

from .test_runs import read_calls, replay


async def execute(
    client: Client, repo: Path, model: str, validation: ValidationConfig, *, plan: bool = False
) -> TaskResult:
    task = TaskDefinition(task_id="work", description="Do the work.", validation=validation)
    work = resolve_run(task, repo, RunSettings(model, model, plan=plan, max_attempts=5))
    queue = unique_queue()
    async with running_worker(client, queue):
        handle = await submit_run(client, work, f"forge-{queue}", queue)
        result = await wait_for_result(handle)
    await replay(client, queue)
    return result


@pytest.fixture
def model(tmp_path: Path) -> str:
    return write_script(tmp_path / "s.json", {"answer": answer("new.txt", "new\n")})


async def test_tests_that_fail_before_end_the_run_before_its_first_request(
    client: Client, repo: Path, model: str
) -> None:
    command = "echo start; echo 'E   assert 1 == 2'; exit 4"
    rules = ValidationConfig(run_tests=True, test_base=True, test_command=command)

    result = await execute(client, repo, model, rules, plan=True)

    assert result.status == "failure_terminal"
    assert result.error is not None
    assert result.error.startswith("the tests fail before anything is changed: exit 4 in ")
    assert result.error.endswith(" s (E   assert 1 == 2)")
    assert [verdict.check_name for verdict in result.validation_results] == ["tests"]
    assert read_calls() == []


async def test_tests_that_pass_before_leave_nothing_behind(
    client: Client, repo: Path, model: str
) -> None:
    rules = ValidationConfig(
        run_tests=True, test_base=True, test_command="test ! -e left && touch left"
    )

    result = await execute(client, repo, model, rules)

    assert result.status == "success"
    assert len(read_calls()) == 1
    assert git(repo, "show", "--format=", "--name-only", "forge/work") == "new.txt"


async def test_failing_tests_that_the_task_is_not_about_end_the_run_at_once(
    client: Client, repo: Path, model: str
) -> None:
    command = "echo 'FAILED test_feed.py::test_fetch - timeout'; exit 1"

    result = await execute(
        client, repo, model, ValidationConfig(run_tests=True, test_command=command)
    )

    assert result.status == "failure_terminal"
    assert [attempt.error_type for attempt in result.attempts] == ["TestsFailBefore"]
    assert "the same tests fail without the change" in (result.error or "")
    assert len(read_calls()) == 1
    assert git(repo, "show", "--format=", "--name-only", "forge/work") == "new.txt"


async def test_the_same_failure_twice_ends_the_run(client: Client, repo: Path, model: str) -> None:
    rules = ValidationConfig(run_tests=True, test_command="echo broken; exit 4")

    result = await execute(client, repo, model, rules)

    assert result.status == "failure_terminal"
    assert [attempt.signal for attempt in result.attempts] == [
        "failure_retryable",
        "failure_terminal",
    ]
    assert result.error is not None
    assert "in the same way as without the change" in result.error

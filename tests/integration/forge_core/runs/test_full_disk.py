"""A disk that fills during a run keeps the run until there is room, and costs nothing twice."""

import os
import random
from collections.abc import Iterator
from pathlib import Path

import pytest
from forge_core.errors import DiskFull, RunStuck
from forge_core.models.result import TaskResult
from forge_core.models.task import TaskDefinition, ValidationConfig
from forge_core.runs import client as client_module
from forge_core.runs.client import reconcile_ended, submit_run, wait_for_result, watch
from forge_core.runs.events import RunBlocked, RunEvent
from forge_core.runs.resolve import RunSettings, resolve_run
from forge_core.state_dir.locate import get_state_dir
from forge_core.temporal_client.connect import connect, embedded_config
from forge_core.temporal_client.executions import release
from forge_core.temporal_client.inspector import RunHandle, RunInspector
from forge_core.validation.changed_files import ChangedFiles
from forge_core.validation.checks import validate_files
from forge_core.worker.worker import running_worker
from forge_obs import get_interactions, get_run, open_reader, record
from support.disks import fill, small_disk
from support.repository import git, make_repository
from support.script import answer, write_script
from support.temporal_server import unique_queue
from temporalio.client import Client

NOISE = random.Random(0).randbytes(40_000).hex()  # noqa: S311 - no secret
"""Text that no compression makes small."""


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    with small_disk(tmp_path / "disk", "2m") as place:
        yield place


@pytest.fixture(autouse=True)
def many_looks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Look at runs more often than is good for a server that serves more than a test."""
    monkeypatch.setattr(client_module, "LOOK_INTERVAL_S", 0.1)


async def start(
    client: Client, repo: Path, content: str, queue: str, *, test_command: str | None = None
) -> RunHandle:
    """Start a run whose model writes one file."""
    model = write_script(Path.home() / "s.json", {"answer": answer("a.txt", content)})
    validation = ValidationConfig(run_tests=test_command is not None, test_command=test_command)
    task = TaskDefinition(task_id="t", description="x", validation=validation)
    work = resolve_run(task, repo, RunSettings(model, model))
    return await submit_run(client, work, f"forge-{queue}", queue)


async def expect_wait(client: Client, handle: RunHandle) -> str:
    """See the run kept by a full disk, still open; gives the reason that is told."""
    told: list[RunEvent] = []
    with pytest.raises(RunStuck, match=f"make room, then forge resume {handle.id} continues"):
        await watch(client, handle.id, told.append, patience_s=0.0)
    [reason] = [event.reason for event in told if isinstance(event, RunBlocked)]
    return reason


async def go_on(client: Client, handle: RunHandle) -> TaskResult:
    """Have a run that was kept tried again at once; gives its result."""
    await release(client, handle.id)
    return await wait_for_result(handle)


def assert_whole(repo: Path, content: str) -> None:
    """Check that the run's one commit holds its file, and that nothing is damaged or left."""
    assert git(repo, "show", "forge/t:a.txt") == content.rstrip("\n")
    assert git(repo, "rev-list", "--count", "main..forge/t") == "1"
    assert git(repo, "fsck", "--strict") == ""
    assert git(repo / ".forge-worktrees/t", "status", "--porcelain") == ""
    engine = open_reader(os.environ["FORGE_DB_PATH"])
    assert engine is not None
    assert [(call.status, call.activity_attempt) for call in get_interactions(engine)] == [
        ("ok", 1)
    ]


async def test_commit_waits_for_room_and_is_made_once(client: Client, disk: Path) -> None:
    repo, queue = make_repository(disk / "repo", {"README.md": "x\n"}), unique_queue()
    ballast = disk / "ballast"
    fill_it = f"cat /dev/zero > {ballast}; true"

    async with running_worker(client, queue):
        handle = await start(client, repo, "one\n", queue, test_command=fill_it)
        reason = await expect_wait(client, handle)
        ballast.unlink()
        result = await go_on(client, handle)

    assert reason.startswith("git ")
    assert result.status == "success"
    assert_whole(repo, "one\n")
    assert result.attempts[0].attempt == 1


async def test_written_file_waits_for_room_and_nothing_of_it_is_left_meanwhile(
    client: Client, disk: Path
) -> None:
    repo, queue = make_repository(disk / "repo", {"README.md": "x\n"}), unique_queue()
    content = "x" * 1_000_000 + "\n"

    async with running_worker(client, queue):
        ballast = fill(disk)
        os.truncate(ballast, ballast.stat().st_size - 400_000)
        handle = await start(client, repo, content, queue)
        reason = await expect_wait(client, handle)
        left = sorted(path.name for path in (repo / ".forge-worktrees/t").iterdir())
        ballast.unlink()
        result = await go_on(client, handle)

    assert reason.startswith("No space left on device")
    assert left == [".git", "README.md"]
    assert result.status == "success"
    assert_whole(repo, content)


async def test_answer_that_cannot_be_kept_or_passed_on_is_not_asked_for_again(
    temporal_address: str, disk: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(disk))
    repo, queue = make_repository(tmp_path / "repo", {"README.md": "x\n"}), unique_queue()
    client = await connect(embedded_config(temporal_address, get_state_dir()))

    async with running_worker(client, queue):
        ballast = fill(disk)
        handle = await start(client, repo, NOISE, queue)
        reason = await expect_wait(client, handle)
        ballast.unlink()
        result = await go_on(client, handle)

    assert reason.startswith("No space left on device")
    assert result.status == "success"
    assert_whole(repo, NOISE)
    assert not list(get_state_dir().rglob("answers/*/*"))


async def test_run_that_is_too_large_for_a_full_disk_is_not_started(
    temporal_address: str, disk: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(disk))
    repo = make_repository(tmp_path / "repo", {"README.md": "x\n"})
    client = await connect(embedded_config(temporal_address, get_state_dir()))
    fill(disk)
    task = TaskDefinition(task_id="t", description=NOISE)
    work = resolve_run(task, repo, RunSettings("ollama:x", "ollama:x"))

    with pytest.raises(DiskFull, match="No space left on device"):
        await submit_run(client, work, f"forge-{unique_queue()}", "nobody")


async def test_end_that_the_store_could_not_take_is_put_on_record_later(
    client: Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    repo, queue = make_repository(tmp_path / "repo", {"README.md": "x\n"}), unique_queue()
    record("run", task_id="t", workflow_id=f"forge-{queue}", status="running")
    path = os.environ["FORGE_DB_PATH"]
    monkeypatch.setenv("FORGE_DB_PATH", "")
    async with running_worker(client, queue):
        await wait_for_result(await start(client, repo, "one\n", queue))
    monkeypatch.setenv("FORGE_DB_PATH", path)

    found = await RunInspector(client).find_run(f"forge-{queue}")
    assert found is not None
    await reconcile_ended(client, found)

    engine = open_reader(path)
    assert engine is not None
    run = get_run(engine, found.handle.id)
    assert run is not None
    assert (run.status, run.run_id) == ("success", found.run_id)
    assert '"a.txt"' in run.result_json


def test_check_that_fails_for_want_of_room_is_no_verdict(disk: Path) -> None:
    (disk / "a.txt").write_text("x\n")
    fill(disk)
    config = ValidationConfig(run_tests=True, test_command="echo x > b.txt")

    with pytest.raises(DiskFull, match="because the disk"):
        validate_files(disk, ChangedFiles(["a.txt"]), config, lambda: None)


def test_file_is_not_repaired_without_the_room_to_write_it_whole(disk: Path) -> None:
    content = f"x = [{', '.join(['1'] * 3000)}]\n"
    (disk / "a.py").write_text(content)
    fill(disk)

    with pytest.raises(DiskFull, match="no disk space to fix"):
        validate_files(disk, ChangedFiles(["a.py"]), ValidationConfig(), lambda: None)

    assert (disk / "a.py").read_text() == content

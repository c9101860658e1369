"""A run that somebody else starts again under its own id is not executed by us."""

import asyncio
import os
from pathlib import Path

import pytest
from forge_cli.app import call
from forge_core.embedded_server.settings import ServerSettings
from forge_core.embedded_server.start import embedded_server
from forge_core.runs.ownership import confirm_run
from forge_core.state_dir.files import StateFiles
from forge_core.state_dir.locate import get_state_dir
from forge_core.temporal_client.executions import describe
from forge_obs import get_interactions, list_recent_runs, open_reader
from support.repository import make_repository
from support.script import answer, write_script
from temporalio.client import Client, WorkflowExecutionStatus
from temporalio.common import RawValue


async def start_again(workflow_id: str) -> str:
    """Start a run again as somebody does who has read its history and has not our key."""
    async with embedded_server(ServerSettings(get_state_dir(), idle_s=0), "tests") as address:
        stranger = await Client.connect(address)
        ended = stranger.get_workflow_handle(workflow_id)
        first = await anext(ended.fetch_history_events())
        [signed] = first.workflow_execution_started_event_attributes.input.payloads
        again = await stranger.start_workflow(
            "ForgeTaskWorkflow", RawValue(signed), id=workflow_id, task_queue="any"
        )
        return again.first_execution_run_id or ""


async def is_open(workflow_id: str) -> bool:
    async with embedded_server(ServerSettings(get_state_dir(), idle_s=0), "tests") as address:
        found = await describe(await Client.connect(address), workflow_id)
        return found is not None and found.status == WorkflowExecutionStatus.RUNNING


def test_run_that_was_started_again_is_not_resumed_and_can_be_ended(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    repo = make_repository(tmp_path / "repo", {"README.md": "# a repository\n"})
    model = write_script(tmp_path / "script.json", {"answer": answer()})
    assert call(["run", "Do it.", "--task-id", "t", "--repo", str(repo), "--model", model]) == 0
    engine = open_reader(os.environ["FORGE_DB_PATH"])
    assert engine is not None
    [run] = list_recent_runs(engine)
    again = asyncio.run(start_again(run.workflow_id))
    capsys.readouterr()

    resumed = call(["resume", run.workflow_id])
    message = capsys.readouterr().err
    cancelled = call(["cancel", run.workflow_id])

    assert (resumed, cancelled) == (2, 0)
    assert f"was executed as {run.run_id}, and somebody started it again" in message
    assert again in message
    assert not asyncio.run(is_open(run.workflow_id))
    assert [(found.run_id, found.status) for found in list_recent_runs(engine)] == [
        (run.run_id, "success")
    ]
    assert len(get_interactions(engine)) == 1


def test_first_run_under_an_id_may_go_on_and_no_other(tmp_path: Path) -> None:
    files = StateFiles(tmp_path / "state")

    confirm_run(files, "forge-a", "run-1")
    confirm_run(files, "forge-b", "run-2")
    confirm_run(files, "forge-a", "run-1")

    with pytest.raises(Exception, match="executed as run-1, and somebody started it again"):
        confirm_run(files, "forge-a", "run-2")
    assert files.run_id("forge-a").stat().st_mode & 0o777 == 0o600

"""What goes wrong unexpectedly inside an activity ends a run at once, with its reason."""

import os
from pathlib import Path

import pytest
from forge_core.errors import InfrastructureError
from forge_core.models.task import TaskDefinition
from forge_core.runs.client import start_run, wait_for_result
from forge_core.runs.resolve import RunSettings, resolve_run
from forge_core.state_dir.locate import get_state_dir
from forge_core.temporal_client.connect import connect, embedded_config
from forge_core.worker.worker import running_worker
from forge_obs import get_run, open_reader
from support.repository import make_repository
from support.script import answer, write_script
from support.temporal_server import unique_queue


async def test_obstacle_in_the_repository_ends_the_run_and_is_on_record(
    temporal_address: str, tmp_path: Path
) -> None:
    repo = make_repository(tmp_path / "repo", {"README.md": "x\n"})
    model = write_script(tmp_path / "s.json", {"answer": answer()})
    work = resolve_run(
        TaskDefinition(task_id="t", description="x"), repo, RunSettings(model, model)
    )
    (repo / ".forge-worktrees").write_text("in the way\n")
    client, queue = (
        await connect(embedded_config(temporal_address, get_state_dir())),
        unique_queue(),
    )

    async with running_worker(client, queue):
        handle = await start_run(client, work, f"forge-{queue}", queue)
        with pytest.raises(InfrastructureError) as caught:
            await wait_for_result(handle)

    engine = open_reader(os.environ["FORGE_DB_PATH"])
    assert engine is not None
    run = get_run(engine, f"forge-{queue}")
    assert run is not None
    assert run.status == "error"
    assert run.finished_at is not None
    assert "\n" not in str(caught.value)
    assert str(caught.value)

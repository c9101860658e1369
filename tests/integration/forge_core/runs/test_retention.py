"""Payloads and logs go once the embedded server says that their run has ended, and not before."""

import asyncio
import os
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from forge_core.embedded_server.settings import ServerSettings
from forge_core.embedded_server.start import embedded_server
from forge_core.runs.ownership import owned_run
from forge_core.runs.retention import (
    Holdings,
    choose_ended,
    list_old_runs,
    measure,
    remove,
)
from forge_core.state_dir.files import StateFiles
from forge_core.state_dir.locate import get_state_dir
from forge_core.temporal_client.connect import connect, embedded_config
from forge_core.temporal_client.inspector import RunInspector
from forge_obs import record
from support.forge import Forge
from temporalio.client import Client

NOW = datetime.now(UTC)
MONTH_AGO = NOW - timedelta(days=30)
LONG_AGO = NOW - timedelta(days=60)

PRUNE = ("db", "prune", "--older-than", "30d")


@pytest.fixture
def files() -> StateFiles:
    return StateFiles(get_state_dir())


@asynccontextmanager
async def connected() -> AsyncIterator[Client]:
    async with embedded_server(ServerSettings(get_state_dir(), idle_s=0), "tests") as address:
        yield await connect(embedded_config(address, get_state_dir()))


def put_files(files: StateFiles, name: str, written: datetime = LONG_AGO) -> None:
    """Keep 10 bytes of payload and 5 of log for a run, as if written at a moment."""
    payloads, log = files.payloads / name, files.run_log(name)
    payloads.mkdir(parents=True)
    (payloads / "x.zst").write_bytes(b"x" * 10)
    files.runs.mkdir(exist_ok=True)
    log.write_text("found")
    for path in (payloads, log):
        os.utime(path, (written.timestamp(), written.timestamp()))


def list_kept(files: StateFiles) -> list[str]:
    """Name the runs that still have payloads and a log."""
    names = sorted(path.name for path in files.payloads.iterdir())
    assert names == sorted(path.stem for path in files.runs.glob("*.log"))
    return names


async def start_open_run(name: str) -> None:
    """Have the server know a run that nobody executes, as after `kill -9`."""
    async with connected() as client:
        await client.start_workflow("ForgeTaskWorkflow", id=name, task_queue="nobody")


def test_run_that_another_store_knows_keeps_its_files(forge: Forge, files: StateFiles) -> None:
    record("run", task_id="t", workflow_id="forge-here", status="success")
    asyncio.run(start_open_run("forge-open"))
    for name in ("forge-open", "forge-forgotten"):
        put_files(files, name)

    tried = forge(*PRUNE, "--dry-run")
    kept_by_trial = list_kept(files)
    done = forge(*PRUNE, "--yes")

    assert "payloads and logs of 1 run, 15 bytes in " in tried.stdout
    assert kept_by_trial == ["forge-forgotten", "forge-open"]
    assert "payloads and logs of 1 run deleted, 15 bytes freed" in done.stdout
    assert list_kept(files) == ["forge-open"]


@pytest.mark.parametrize("store", ["off", "missing"])
def test_files_go_without_a_store_too(
    forge: Forge, files: StateFiles, store: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if store == "off":
        monkeypatch.setenv("FORGE_DB_PATH", "")
    asyncio.run(start_open_run("forge-open"))
    put_files(files, "forge-open")
    put_files(files, "forge-forgotten")

    done = forge(*PRUNE, "--yes")

    assert done.stdout == "payloads and logs of 1 run deleted, 15 bytes freed\n"
    assert list_kept(files) == ["forge-open"]


def test_files_stay_where_nobody_can_say(forge: Forge, files: StateFiles) -> None:
    put_files(files, "forge-a")

    done = forge(*PRUNE, "--yes")

    assert done.code == 0
    assert "payloads and logs of 1 run are kept, since nothing says" in done.stderr
    assert list_kept(files) == ["forge-a"]


def test_files_stay_where_the_server_does_not_start(forge: Forge, files: StateFiles) -> None:
    put_files(files, "forge-a")
    with closing(sqlite3.connect(files.database)) as other, other:
        other.execute("CREATE TABLE executions (x)")

    done = forge(*PRUNE, "--yes")

    assert done.code == 0
    assert "are kept, since nothing says whether those runs have ended: " in done.stderr
    assert list_kept(files) == ["forge-a"]


@pytest.mark.parametrize("store", [pytest.param("", id="off"), pytest.param(None, id="missing")])
def test_nothing_is_pruned_where_there_is_nothing(
    forge: Forge, store: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    if store is not None:
        monkeypatch.setenv("FORGE_DB_PATH", store)

    outcome = forge(*PRUNE, "--yes")

    assert (outcome.code, outcome.stdout) == (0, "nothing is old enough to be deleted\n")
    assert not get_state_dir().exists()


async def test_time_of_a_run_begins_at_its_end() -> None:
    async with connected() as client:
        handle = await client.start_workflow("ForgeTaskWorkflow", id="forge-a", task_queue="nobody")
        await handle.terminate()

        assert await choose_ended(RunInspector(client), ["forge-a"], MONTH_AGO) == []
        assert await choose_ended(RunInspector(client), ["forge-a"], NOW + timedelta(days=1)) == [
            "forge-a"
        ]


def test_run_in_use_or_with_new_files_is_not_old(files: StateFiles) -> None:
    for name in ("forge-answered", "forge-log-only", "forge-new", "forge-owned"):
        put_files(files, name, NOW if name == "forge-new" else LONG_AGO)
    (files.answers / "forge-answered").mkdir(parents=True)
    (files.payloads / "forge-log-only" / "x.zst").unlink()
    (files.payloads / "forge-log-only").rmdir()

    with owned_run(files, "forge-owned"):
        assert list_old_runs(files, MONTH_AGO) == ["forge-log-only"]
    assert list_old_runs(files, MONTH_AGO) == ["forge-log-only", "forge-owned"]


def test_what_bears_no_id_of_a_run_is_left_alone(files: StateFiles, tmp_path: Path) -> None:
    for name in ("other", "id-" + "0" * 64, ".hidden"):
        put_files(files, name)
    (files.payloads / "forge-link").symlink_to(tmp_path)

    assert list_old_runs(files, NOW + timedelta(days=1)) == []


def test_run_that_was_written_to_meanwhile_keeps_its_files(files: StateFiles) -> None:
    put_files(files, "forge-a")
    put_files(files, "forge-b")
    assert measure(files, ["forge-a", "forge-b"]) == Holdings(runs=2, bytes=30)
    os.utime(files.payloads / "forge-a")

    assert remove(files, ["forge-a", "forge-b"], MONTH_AGO) == Holdings(runs=1, bytes=15)

    assert list_kept(files) == ["forge-a"]


def test_all_that_a_run_left_goes_whoever_was_killed(files: StateFiles) -> None:
    answers = files.answers / "forge-killed"
    left = (files.owner("forge-killed"), files.run_id("forge-killed"), answers / "a.json")
    for path in left:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("found")
    for path in (*left, answers):
        os.utime(path, (LONG_AGO.timestamp(),) * 2)

    assert list_old_runs(files, MONTH_AGO) == ["forge-killed"]
    assert remove(files, ["forge-killed"], MONTH_AGO) == Holdings(runs=1, bytes=15)
    assert not any(path.exists() for path in (*left, answers))

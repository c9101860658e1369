"""Large payloads in an S3-compatible bucket, chosen by configuration alone."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from forge_core.errors import UsageError
from forge_core.models.task import TaskDefinition
from forge_core.runs.client import submit_run, wait_for_result
from forge_core.runs.resolve import RunSettings, resolve_run
from forge_core.temporal_client.connect import connect, load_connect_config
from forge_core.temporal_client.payload_store import build_converter
from forge_core.worker.worker import running_worker
from support.repository import make_repository
from support.s3_server import S3Server
from support.script import answer, write_script
from support.temporal_server import unique_queue

CONTENT = "x = 1  # a long file\n" * 150_000


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[S3Server]:
    with S3Server() as server:
        for name, value in server.environment.items():
            monkeypatch.setenv(name, value)
        yield server


async def test_run_on_a_configured_server_keeps_large_payloads_in_the_bucket(
    temporal_address: str, bucket: S3Server, tmp_path: Path
) -> None:
    config = load_connect_config(temporal_address, {"FORGE_PAYLOAD_STORE": "s3://payloads"})
    assert config is not None
    client, queue = await connect(config), unique_queue()
    repo = make_repository(tmp_path / "repo", {"README.md": "# x\n"})
    model = write_script(tmp_path / "s.json", {"answer": answer("big.py", CONTENT)})
    task = TaskDefinition(task_id="work", description="x")

    async with running_worker(client, queue):
        work = resolve_run(task, repo, RunSettings(model, model))
        handle = await submit_run(client, work, f"forge-{queue}", queue)
        result = await wait_for_result(handle)

    history = await handle.fetch_history()
    assert result.status == "success"
    assert sum(event.ByteSize() for event in history.events) < 100_000
    assert max(map(len, bucket.objects.values())) > len(CONTENT)
    assert all(key.startswith("/payloads/v0/ns/default/wt/") for key in bucket.objects)


def test_bucket_without_its_package_is_a_usage_error_that_names_the_extra(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "aioboto3", None)

    with pytest.raises(UsageError, match="needs the extra s3 of forge-core"):
        build_converter("s3://payloads")

"""The embedded server takes work from anybody; our worker does not."""

import asyncio
import base64
import http.client
import json
import os
import threading
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from forge_core.models.activity import RemoveSubWorktreesInput, RunOwner, WriteFilesInput
from forge_core.models.call.llm import FileOutput
from forge_core.models.run import RunKey
from forge_core.models.task import ForgeTaskInput, TaskDefinition
from forge_core.runs.client import submit_run, wait_for_result
from forge_core.runs.resolve import RunSettings, resolve_run
from forge_core.state_dir.locate import get_state_dir
from forge_core.temporal_client.connect import connect, embedded_config
from forge_core.temporal_client.inspector import RunHandle
from forge_core.temporal_client.signing_codec import REFUSED
from forge_core.worker.worker import WORKFLOWS, running_worker
from forge_obs import get_interactions, list_recent_runs, open_reader
from pydantic import BaseModel
from support.llm_server import LLMServer, tool
from support.repository import git, make_repository
from support.sandbox import build_sandbox
from support.script import answer, write_script
from support.temporal_server import Endpoints, running_endpoints, unique_queue
from support.waiting import until
from temporalio import activity, workflow
from temporalio.api.common.v1 import Payload
from temporalio.api.enums.v1 import EventType
from temporalio.client import (
    ActivityFailureError,
    Client,
    WorkflowFailureError,
    WorkflowHandle,
    WorkflowQueryFailedError,
    WorkflowUpdateFailedError,
)
from temporalio.common import RawValue, RetryPolicy
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.worker import Worker

ONCE = RetryPolicy(maximum_attempts=1)
HALF_A_MINUTE = timedelta(seconds=30)


@dataclass(frozen=True, slots=True)
class Held:
    """A run that goes on once its gate is open."""

    handle: RunHandle
    gate: threading.Event


class CreateGreeting(BaseModel):
    """Anything at all."""

    text: str


@activity.defn
async def begin_run(_: RawValue) -> RunOwner:
    """What somebody else's worker would answer in place of ours."""
    return RunOwner(task_queue="theirs")


@workflow.defn(name="Scheme", sandboxed=False)
class Scheme:
    """What somebody would have our worker do in the name of a run of ours."""

    @workflow.run
    async def run(self, queue: str, kind: str, argument: RawValue) -> None:
        """Have an activity executed on another queue, with an argument as it is."""
        await workflow.execute_activity(
            kind,
            argument,
            task_queue=queue,
            start_to_close_timeout=HALF_A_MINUTE,
            retry_policy=ONCE,
        )


@pytest.fixture(scope="module")
def endpoints(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Endpoints]:
    with running_endpoints(tmp_path_factory.mktemp("temporal")) as found:
        yield found


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    return make_repository(tmp_path / "repo", {"README.md": "# a repository\n"})


@pytest.fixture
def work(repo: Path, tmp_path: Path) -> ForgeTaskInput:
    model = write_script(tmp_path / "s.json", {"answer": answer()})
    return resolve_run(
        TaskDefinition(task_id="work", description="x"), repo, RunSettings(model, model)
    )


@pytest.fixture
async def ours(endpoints: Endpoints) -> Client:
    return await connect(embedded_config(endpoints.grpc, get_state_dir()))


@pytest.fixture
async def queue(ours: Client) -> AsyncIterator[str]:
    """The queue of a worker of ours, which somebody has found out."""
    name = unique_queue()
    async with running_worker(ours, name):
        yield name


@pytest.fixture
async def stranger(endpoints: Endpoints) -> Client:
    """A client of somebody who can reach the server and has not our key."""
    return await Client.connect(endpoints.grpc, data_converter=pydantic_data_converter)


async def find_refusal(handle: WorkflowHandle[Any, Any]) -> str | None:
    async for event in handle.fetch_history_events():
        if event.event_type == EventType.EVENT_TYPE_WORKFLOW_TASK_FAILED:
            failure = event.workflow_task_failed_event_attributes.failure
            while failure.HasField("cause"):
                failure = failure.cause
            return failure.message
    return None


async def expect_refusal(handle: WorkflowHandle[Any, Any]) -> None:
    """Wait until our worker refused a workflow, then end that."""
    message = await until(lambda: find_refusal(handle), "the refusal")
    await handle.terminate()
    assert "refused" in message


def assert_nothing_was_done(repo: Path) -> None:
    engine = open_reader(os.environ["FORGE_DB_PATH"])

    assert engine is None or list_recent_runs(engine) == []
    assert git(repo, "branch", "--format=%(refname:short)") == "main"
    assert sorted(path.name for path in repo.iterdir()) == [".git", "README.md"]


def explain(failure: BaseException) -> str:
    """Return the first cause of a failure."""
    while failure.__cause__ is not None:
        failure = failure.__cause__
    return str(failure)


def snapshot(repo: Path) -> tuple[list[tuple[str, str]], int, str]:
    """Take what a run would change: the record and the branch."""
    engine = open_reader(os.environ["FORGE_DB_PATH"])
    assert engine is not None
    runs = [(run.workflow_id, run.run_id or "") for run in list_recent_runs(engine)]
    return runs, len(get_interactions(engine)), git(repo, "rev-parse", "forge/work")


def post(endpoints: Endpoints, path: str, document: dict[str, Any]) -> dict[str, Any]:
    """Send what a web page can make a browser send: plain text, from a foreign origin."""
    connection = http.client.HTTPConnection(endpoints.http, timeout=30)
    headers = {"Content-Type": "text/plain", "Origin": "https://evil.example"}
    try:
        connection.request(
            "POST", f"/api/v1/namespaces/default/{path}", json.dumps(document), headers
        )
        response = connection.getresponse()
        body: dict[str, Any] = json.loads(response.read())
        assert response.status == http.HTTPStatus.OK, body
        return body
    finally:
        connection.close()


def as_json_payload(value: Any) -> dict[str, Any]:
    encoding = base64.b64encode(b"json/plain").decode()
    data = base64.b64encode(value.model_dump_json().encode()).decode()
    return {"payloads": [{"metadata": {"encoding": encoding}, "data": data}]}


async def test_unsigned_workflow_is_refused(
    stranger: Client, queue: str, work: ForgeTaskInput, repo: Path
) -> None:
    handle = await stranger.start_workflow(
        "ForgeTaskWorkflow", work, id=f"w-{queue}", task_queue=queue
    )

    await expect_refusal(handle)

    assert_nothing_was_done(repo)


async def test_workflow_from_a_web_page_is_refused(
    endpoints: Endpoints, stranger: Client, queue: str, work: ForgeTaskInput, repo: Path
) -> None:
    started = post(
        endpoints,
        f"workflows/w-{queue}",
        {
            "workflowType": {"name": "ForgeTaskWorkflow"},
            "taskQueue": {"name": queue},
            "input": as_json_payload(work),
        },
    )

    await expect_refusal(stranger.get_workflow_handle(f"w-{queue}", run_id=started["runId"]))

    assert_nothing_was_done(repo)


async def test_unsigned_activity_is_refused(stranger: Client, queue: str, repo: Path) -> None:
    wanted = WriteFilesInput(
        worktree=str(repo), files=(FileOutput(file_path="evil.py", content="x"),)
    )

    with pytest.raises(ActivityFailureError) as refused:
        await stranger.execute_activity(
            "write_output",
            wanted,
            id=f"a-{queue}",
            task_queue=queue,
            start_to_close_timeout=HALF_A_MINUTE,
            retry_policy=ONCE,
        )

    assert "Failed decoding arguments" in str(refused.value.cause)
    assert_nothing_was_done(repo)


async def test_activity_from_a_web_page_is_refused(
    endpoints: Endpoints, stranger: Client, queue: str, repo: Path
) -> None:
    wanted = WriteFilesInput(
        worktree=str(repo), files=(FileOutput(file_path="evil.py", content="x"),)
    )
    post(
        endpoints,
        f"activities/a-{queue}",
        {
            "activityType": {"name": "write_output"},
            "taskQueue": {"name": queue},
            "input": as_json_payload(wanted),
            "startToCloseTimeout": "30s",
            "retryPolicy": {"maximumAttempts": 1},
        },
    )

    with pytest.raises(ActivityFailureError) as refused:
        await stranger.get_activity_handle(f"a-{queue}").result()

    assert "Failed decoding arguments" in str(refused.value.cause)
    assert_nothing_was_done(repo)


async def test_what_we_signed_for_one_run_is_refused_for_another(
    ours: Client, stranger: Client, queue: str, work: ForgeTaskInput, repo: Path
) -> None:
    first = await submit_run(ours, work, f"first-{queue}", queue)
    await wait_for_result(first)
    history = await first.fetch_history()
    [signed] = history.events[0].workflow_execution_started_event_attributes.input.payloads
    before = git(repo, "rev-parse", "forge/work")

    handle = await stranger.start_workflow(
        "ForgeTaskWorkflow", RawValue(signed), id=f"second-{queue}", task_queue=queue
    )
    await expect_refusal(handle)

    engine = open_reader(os.environ["FORGE_DB_PATH"])
    assert engine is not None
    assert [run.workflow_id for run in list_recent_runs(engine)] == [first.id]
    assert git(repo, "rev-parse", "forge/work") == before


async def test_result_that_a_stranger_reports_is_refused(
    ours: Client, stranger: Client, work: ForgeTaskInput, repo: Path
) -> None:
    queue = unique_queue()
    decides = Worker(ours, task_queue=queue, workflows=WORKFLOWS, workflow_runner=build_sandbox())
    lies = Worker(stranger, task_queue=queue, activities=[begin_run])

    async with decides, lies:
        handle = await submit_run(ours, work, f"run-{queue}", queue)
        await expect_refusal(handle)

    assert_nothing_was_done(repo)


async def test_run_of_ours_goes_on_beside_refused_work(
    ours: Client, stranger: Client, queue: str, work: ForgeTaskInput
) -> None:
    refused = await stranger.start_workflow(
        "ForgeTaskWorkflow", work, id=f"w-{queue}", task_queue=queue
    )
    await until(lambda: find_refusal(refused), "the refusal")

    handle = await submit_run(ours, work, f"run-{queue}", queue)
    result = await wait_for_result(handle)

    await refused.terminate()
    assert result.status == "success"


@pytest.fixture
async def held(
    ours: Client, work: ForgeTaskInput, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Held]:
    """A run of ours that waits for its model."""
    gate, queue = threading.Event(), unique_queue()
    with LLMServer(lambda _: replace(tool(answer()), gate=gate)) as server:
        server.configure(monkeypatch)
        model = "openai-chat:writer-1"
        waiting = work.model_copy(update={"model": model})
        async with running_worker(ours, queue):
            handle = await submit_run(ours, waiting, f"run-{queue}", queue)
            await asyncio.to_thread(server.wait_for_requests, 1)
            yield Held(handle, gate)


REFERENCE = b"temporal.api.sdk.v1.ExternalStorageReference"


def refer(claim: dict[str, str], driver: str = "forge-files") -> Payload:
    """Write a reference to a payload that is kept elsewhere."""
    reference = {"driver_name": driver, "driver_claim": {"claim_data": claim}}
    return Payload(
        metadata={"encoding": b"json/external-storage-reference"},
        data=json.dumps(reference).encode(),
    )


UNSIGNED = {
    "json": Payload(metadata={"encoding": b"json/plain"}, data=b'"x"'),
    "no payload of any kind": Payload(metadata={"encoding": b"none/such"}, data=b"\xff"),
    "a reference to no file": refer({"run": "forge-x-0", "sha256": "0" * 64}),
    "a reference that is signed": refer(
        {"run": "forge-x-0", "sha256": "0" * 64, "signature": "0" * 64}
    ),
    "a reference to anything": refer({"run": "../..", "sha256": "passwd"}),
    "a reference to another store": refer({"bucket": "b"}, "aws.s3driver"),
    "a reference of today's form": Payload(
        metadata={"encoding": b"json/protobuf", "messageType": REFERENCE},
        data=b'{"driverName": "forge-files", "claimData": {"run": "forge-x-0"}}',
    ),
    "a broken reference": Payload(
        metadata={"encoding": b"json/protobuf", "messageType": REFERENCE}, data=b"{"
    ),
    "what says it is a signed reference": Payload(
        metadata={"encoding": b"json/plain", "__temporal_external_storage_reference": b"true"},
        data=b'"x"',
    ),
    "what stands for a refused one": Payload(metadata={"encoding": REFUSED}),
}


@pytest.mark.parametrize("payload", UNSIGNED.values(), ids=UNSIGNED)
async def test_unsigned_signals_queries_and_updates_are_nothing_to_a_run(
    stranger: Client, held: Held, payload: Payload
) -> None:
    handle = stranger.get_workflow_handle(held.handle.id)
    for name in ("anything", "budget"):
        await handle.signal(name, RawValue(payload))
        with pytest.raises(WorkflowQueryFailedError):
            await handle.query(name, RawValue(payload))
        with pytest.raises(WorkflowUpdateFailedError):
            await handle.execute_update(name, RawValue(payload))
    held.gate.set()

    result = await wait_for_result(held.handle)

    assert result.status == "success"
    assert await find_refusal(held.handle) is None


async def test_signal_from_a_web_page_is_nothing_to_a_run(endpoints: Endpoints, held: Held) -> None:
    payload = as_json_payload(CreateGreeting(text="x"))
    post(endpoints, f"workflows/{held.handle.id}/signal/anything", {"input": payload})
    held.gate.set()

    result = await wait_for_result(held.handle)

    assert result.status == "success"
    assert await find_refusal(held.handle) is None


async def find_signed(handle: WorkflowHandle[Any, Any], kind: str) -> Payload:
    """Find in a history, which everybody can read, what a kind of activity was given."""
    async for event in handle.fetch_history_events():
        scheduled = event.activity_task_scheduled_event_attributes
        if scheduled.activity_type.name == kind:
            return scheduled.input.payloads[0]
    raise LookupError(kind)


@pytest.fixture
async def ended(ours: Client, work: ForgeTaskInput) -> WorkflowHandle[Any, Any]:
    """A run of ours that has ended."""
    queue = unique_queue()
    async with running_worker(ours, queue):
        handle = await submit_run(ours, work, f"ended-{queue}", queue)
        await wait_for_result(handle)
    return handle


@pytest.fixture
async def busy(ours: Client) -> AsyncIterator[RunKey]:
    """Another run of ours whose worker still serves; its workflow id names the queue, too."""
    queue = unique_queue()
    handle = await ours.start_workflow("ForgeTaskWorkflow", id=queue, task_queue="nobody")
    key = RunKey("other", queue, handle.first_execution_run_id or "")
    async with running_worker(ours, queue, only=key):
        yield key


async def test_run_that_ended_is_not_executed_again_for_a_stranger(
    ended: WorkflowHandle[Any, Any], stranger: Client, busy: RunKey, repo: Path
) -> None:
    history = await ended.fetch_history()
    [signed] = history.events[0].workflow_execution_started_event_attributes.input.payloads
    before = snapshot(repo)

    again = await stranger.start_workflow(
        "ForgeTaskWorkflow", RawValue(signed), id=ended.id, task_queue=busy.workflow_id
    )
    with pytest.raises(WorkflowFailureError) as refused:
        await again.result()

    assert again.first_execution_run_id != ended.first_execution_run_id
    assert f"refused: {ended.id} is not of run {busy.workflow_id}" in explain(refused.value)
    assert snapshot(repo) == before


@pytest.mark.parametrize("kind", ["call_llm", "validate_output"])
async def test_activity_of_a_run_that_ended_is_not_executed_again_for_a_stranger(
    ended: WorkflowHandle[Any, Any], stranger: Client, busy: RunKey, repo: Path, kind: str
) -> None:
    signed = await find_signed(ended, kind)
    before = snapshot(repo)
    queue = unique_queue()

    async with Worker(stranger, task_queue=queue, workflows=[Scheme]):
        with pytest.raises(WorkflowFailureError) as refused:
            await stranger.execute_workflow(
                Scheme.run,
                args=[busy.workflow_id, kind, RawValue(signed)],
                id=ended.id,
                task_queue=queue,
            )

    assert f"refused: {ended.id} is not of" in explain(refused.value)
    assert snapshot(repo) == before


async def test_workflow_named_like_a_sub_task_is_none(
    ours: Client, busy: RunKey, repo: Path
) -> None:
    work = RemoveSubWorktreesInput(
        repo_root=str(repo), task_id="work", workflow_id=busy.workflow_id, step_id="s"
    )
    name, queue = f"{busy.workflow_id}/s/1/p", unique_queue()

    async with Worker(ours, task_queue=queue, workflows=[Scheme]):
        with pytest.raises(WorkflowFailureError) as refused:
            await ours.execute_workflow(
                Scheme.run,
                args=[busy.workflow_id, "remove_sub_task_worktrees", work],
                id=name,
                task_queue=queue,
            )

    assert f"refused: {name} is not of" in str(
        refused.value.cause and refused.value.cause.__cause__
    )

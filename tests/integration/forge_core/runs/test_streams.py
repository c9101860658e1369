"""Any program starts, resumes, follows and cancels runs of the embedded server as streams."""

import asyncio
import threading
from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing
from dataclasses import replace
from pathlib import Path

import pytest
from forge_core.embedded_server.settings import ServerSettings
from forge_core.embedded_server.start import embedded_server
from forge_core.errors import RunCancelled, RunEnded, UnknownRun
from forge_core.runs import (
    CancellationRequested,
    ForgeTaskInput,
    RunEvent,
    RunFinished,
    RunProgress,
    RunSettings,
    RunStarted,
    RunStopped,
    ServerConnected,
    SubmissionStarted,
    TaskDefinition,
    cancel_run,
    follow_run,
    make_workflow_id,
    resolve_run,
    resume_run,
    start_run,
)
from forge_core.runs.cancellation import HELD_BACK
from forge_core.runs.connection import connected
from forge_core.state_dir.locate import get_state_dir
from forge_core.temporal_client.executions import release
from support.llm_server import LLMServer, tool
from support.repository import make_repository
from support.script import answer

MODEL = "openai-chat:writer-1"


@pytest.fixture
def gate() -> threading.Event:
    """What the model's answers wait for."""
    return threading.Event()


@pytest.fixture
def model(monkeypatch: pytest.MonkeyPatch, gate: threading.Event) -> Iterator[LLMServer]:
    with LLMServer(lambda _: replace(tool(answer()), gate=gate)) as server:
        server.configure(monkeypatch)
        yield server


@pytest.fixture
def work(tmp_path: Path, model: LLMServer) -> ForgeTaskInput:
    assert model.url
    repo = make_repository(tmp_path / "repo", {"README.md": "# x\n"})
    task = TaskDefinition(task_id="t", description="Say hello.")
    return resolve_run(task, repo, RunSettings(MODEL, MODEL))


@pytest.fixture(autouse=True)
async def server() -> AsyncGenerator[None]:
    """Keep the embedded server between the streams of a test."""
    async with embedded_server(ServerSettings(get_state_dir(), idle_s=0), "tests"):
        yield


async def read(stream: AsyncGenerator[RunEvent]) -> list[RunEvent]:
    """Read a stream to its end, without the looks."""
    async with aclosing(stream) as events:
        return [event async for event in events if not isinstance(event, RunProgress)]


async def interrupt(work: ForgeTaskInput, workflow_id: str, model: LLMServer) -> None:
    """Start a run and cancel the task that reads its stream while the model is asked."""
    reader = asyncio.create_task(read(start_run(work, workflow_id)))
    await asyncio.to_thread(model.wait_for_requests, 1)
    reader.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reader


async def test_run_tells_of_itself_from_the_connection_to_its_result(
    work: ForgeTaskInput, gate: threading.Event
) -> None:
    gate.set()

    connection, submission, started, finished = await read(start_run(work))

    assert isinstance(connection, ServerConnected)
    assert connection.embedded
    assert isinstance(submission, SubmissionStarted)
    assert started == RunStarted(submission.workflow_id, work, executed_here=True)
    assert isinstance(finished, RunFinished)
    assert finished.result.status == "success"
    assert list(finished.result.output_files) == ["hello.py"]


async def test_look_names_what_the_run_waits_for(
    work: ForgeTaskInput, gate: threading.Event
) -> None:
    names: set[str] = set()
    async with aclosing(start_run(work, interval_s=0.1)) as events:
        async for event in events:
            if isinstance(event, RunProgress):
                names |= {pending.name for pending in event.pending}
            if "call_llm" in names:
                gate.set()

    assert "call_llm" in names


async def test_cancelled_reader_leaves_a_run_that_goes_on_where_it_was(
    work: ForgeTaskInput, model: LLMServer, gate: threading.Event
) -> None:
    workflow_id = make_workflow_id("t")
    await interrupt(work, workflow_id, model)
    gate.set()

    connection, started, finished = await read(resume_run(workflow_id))

    assert isinstance(connection, ServerConnected)
    assert started == RunStarted(workflow_id, work, executed_here=True)
    assert isinstance(finished, RunFinished)
    assert finished.result.status == "success"


async def die_in_cancel(workflow_id: str) -> None:
    """Do what a cancellation does before it tells a run to stop, and no more."""
    async with connected(None, "tests") as connection:
        await release(connection.client, workflow_id, HELD_BACK)


@pytest.mark.parametrize("in_request", [False, True], ids=["waiting", "in a request"])
async def test_run_goes_on_at_once_that_a_cancellation_held_back_which_died(
    work: ForgeTaskInput, model: LLMServer, gate: threading.Event, in_request: bool
) -> None:
    workflow_id = make_workflow_id("t")
    if in_request:
        reader = asyncio.create_task(read(start_run(work, workflow_id)))
        await asyncio.to_thread(model.wait_for_requests, 1)
        await die_in_cancel(workflow_id)
        reader.cancel()
        await asyncio.wait([reader])
    else:
        await interrupt(work, workflow_id, model)
        await die_in_cancel(workflow_id)
    gate.set()

    async with asyncio.timeout(HELD_BACK.total_seconds() / 2):
        *_, finished = await read(resume_run(workflow_id))

    assert isinstance(finished, RunFinished)
    assert finished.result.status == "success"


async def test_stream_that_is_closed_before_the_submission_starts_nothing(
    work: ForgeTaskInput,
) -> None:
    workflow_id = make_workflow_id("t")
    async with aclosing(start_run(work, workflow_id)) as events:
        async for event in events:
            if isinstance(event, SubmissionStarted):
                break

    with pytest.raises(UnknownRun, match=workflow_id):
        await read(follow_run(workflow_id))


async def test_follower_sees_the_end_of_a_run_that_somebody_else_executes(
    work: ForgeTaskInput, model: LLMServer, gate: threading.Event
) -> None:
    workflow_id = make_workflow_id("t")
    executing = asyncio.create_task(read(start_run(work, workflow_id)))
    await asyncio.to_thread(model.wait_for_requests, 1)
    async with aclosing(follow_run(workflow_id)) as events:
        followed: list[RunEvent] = []
        async for event in events:
            followed.append(event)
            gate.set()
    again = await read(follow_run(workflow_id))

    result = (await executing)[-1]
    assert isinstance(result, RunFinished)
    assert followed[1] == RunStarted(workflow_id, work, executed_here=False)
    assert followed[-1] == again[-1] == result
    assert len(model.exchanges) == 1


async def test_cancelled_run_is_cleaned_up_and_cannot_be_resumed(
    work: ForgeTaskInput, model: LLMServer
) -> None:
    workflow_id = make_workflow_id("t")
    await interrupt(work, workflow_id, model)

    _, requested, stopped = await read(cancel_run(workflow_id))

    assert requested == CancellationRequested(workflow_id)
    assert stopped == RunStopped(work)
    with pytest.raises(RunEnded, match=r"has ended \(cancelled\)"):
        await read(resume_run(workflow_id))
    with pytest.raises(RunCancelled):
        await read(follow_run(workflow_id))
    assert len(model.exchanges) == 1

"""Runs whose histories are kept, and replayed to see that workflows still decide the same."""

import asyncio
import json
import os
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from forge_core.errors import RunCancelled
from forge_core.models.budget import BudgetConfig, Limits
from forge_core.models.task import TaskDefinition
from forge_core.runs.client import submit_run, wait_for_result
from forge_core.runs.limits import send_limits
from forge_core.runs.resolve import RunSettings, resolve_run
from forge_core.temporal_client.connect import ConnectConfig, connect
from forge_core.temporal_client.inspector import RunDescription, RunInspector
from forge_core.worker.worker import WORKFLOWS, running_worker
from support.llm_server import Exchange, LLMServer, Reply, tool
from support.llm_wires import Usage
from support.repository import make_repository
from support.sandbox import build_sandbox
from support.script import answer
from support.temporal_server import unique_queue
from support.waiting import until
from temporalio.client import Client, WorkflowHistory
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.worker import Replayer

if TYPE_CHECKING:
    from temporalio.envconfig import ClientConnectConfig

USAGE = Usage(input_tokens=4000, output_tokens=1000)
"""Of each request."""

DIRECTORY = Path(__file__).parents[1] / "histories"
MODEL = "openai-chat:writer-1"
WRONG = answer("wrong.py", "x = undefined\n")
PARTS = [
    {"sub_task_id": name, "description": f"Write {name}.", "target_files": [f"{name}.py"]}
    for name in ("p", "q")
]
FIRST = {"step_id": "first", "description": "Begin."}
SECOND = {"step_id": "second", "description": "Go on."}
FAN_OUT = {"step_id": "parts", "description": "Write both.", "sub_tasks": PARTS}


@dataclass(frozen=True, slots=True)
class Scenario:
    """A run to be recorded."""

    name: str
    steps: tuple[dict[str, Any], ...] = ()
    """Of its plan; none without a plan."""
    wrong_answers: int = 0
    """Answers that fail validation before the first that does not."""
    cancel_at: int | None = None
    """Request to the model at which it is cancelled."""
    limits: tuple[int, ...] = ()
    """Limits of its tokens, a new one each time that it has stopped; none without."""
    cluster: bool = False
    """Whether its worker is one of many, with a queue of its own beside the shared one."""


SCENARIOS = (
    Scenario("single_step"),
    Scenario("planned", (FIRST, SECOND)),
    Scenario("planned_in_a_cluster", (FIRST, SECOND), cluster=True),
    Scenario("fan_out", (FIRST, FAN_OUT)),
    Scenario("retried", wrong_answers=1),
    Scenario("retried_fan_out", (FAN_OUT,), wrong_answers=4),
    Scenario("failed", wrong_answers=9),
    Scenario("cancelled", (FIRST, FAN_OUT), cancel_at=4),
    # It stops before the planner's call, then with both sub-tasks waiting.
    Scenario("budget", (FIRST, FAN_OUT), limits=(1, 9000, 1_000_000)),
)


class Model:
    """Plans a scenario's steps, writes wrong answers first, and hangs where a run is cancelled."""

    def __init__(self, scenario: Scenario) -> None:
        self._scenario = scenario
        self._wrong = scenario.wrong_answers
        self._lock = threading.Lock()

    def reply(self, exchange: Exchange) -> Reply:
        """Answer a request."""
        return replace(self._answer(exchange), usage=USAGE)

    def _answer(self, exchange: Exchange) -> Reply:
        if exchange.prompts.tool == "plan":
            return tool({"steps": self._scenario.steps})
        with self._lock:
            self._wrong -= 1
            if self._wrong >= 0:
                return tool(WRONG)
        named = (p for p in ("p", "q") if f"Your part ({p}):" in exchange.prompts.user)
        part = next(named, "hello")
        reply = tool(answer(f"{part}.py", "X = 1\n"))
        hangs = self._scenario.cancel_at is not None and part != "hello"
        return replace(reply, gate=threading.Event()) if hangs else reply


async def record(address: str, scenario: Scenario) -> list[WorkflowHistory]:
    """Execute a scenario and return the histories of its workflows, the run's own first."""
    options = {"target_host": address, "identity": "recorder"}
    client = await connect(ConnectConfig(cast("ClientConnectConfig", options)))
    queue = unique_queue()
    with _directory() as directory, LLMServer(Model(scenario).reply) as model:
        os.environ.update(model.environment)
        repo = make_repository(directory / "repo", {"README.md": "# a repository\n"})
        first_limit = scenario.limits[0] if scenario.limits else None
        budget = BudgetConfig(max_total_tokens=first_limit)
        task = TaskDefinition(task_id="work", description="Do the work.", budget=budget)
        settings = RunSettings(MODEL, MODEL, plan=bool(scenario.steps))
        work = resolve_run(task, repo, settings)
        async with running_worker(client, queue, f"{queue}@own" if scenario.cluster else None):
            handle = await submit_run(client, work, f"forge-{scenario.name}", queue)
            if scenario.cancel_at is not None:
                await asyncio.to_thread(model.wait_for_requests, scenario.cancel_at)
                await handle.cancel()
            for stops, tokens in enumerate(scenario.limits[1:], start=1):
                stopped = await wait_for_stop(client, handle.id, stops)
                await send_limits(stopped, Limits(max_total_tokens=tokens))
            try:
                await wait_for_result(handle)
            except RunCancelled:
                assert scenario.cancel_at is not None
    return await _fetch(client, queue)


async def wait_for_stop(client: Client, workflow_id: str, stops: int = 1) -> RunDescription:
    """Wait until a run has stopped at its budget so many times, and describe it."""

    async def look() -> RunDescription | None:
        run = await RunInspector(client).find_run(workflow_id)
        stop = run.stop if run is not None else None
        return run if stop is not None and stop.number == stops else None

    return await until(look, "the run to stop")


TRACE = "stackTrace"
"""Key of a failure's traceback, which names directories of the machine that recorded it."""


def _without_traces(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_traces(item) for key, item in value.items() if key != TRACE}
    return [_without_traces(item) for item in value] if isinstance(value, list) else value


def save(name: str, histories: list[WorkflowHistory]) -> None:
    """Keep histories as one JSON document."""
    document = [
        {"id": h.workflow_id, "history": _without_traces(h.to_json_dict())} for h in histories
    ]
    (DIRECTORY / f"{name}.json").write_text(json.dumps(document, indent=1) + "\n")


def load(name: str) -> list[WorkflowHistory]:
    """Read the histories of a scenario."""
    document = json.loads((DIRECTORY / f"{name}.json").read_text())
    return [WorkflowHistory.from_json(found["id"], found["history"]) for found in document]


UNHURRIED = True
"""Whether a step may take its time: a machine that is busy for two seconds is no deadlock."""


async def replay(histories: list[WorkflowHistory], workflows: tuple[type, ...] = WORKFLOWS) -> None:
    """Replay histories whose payloads are in them, unsigned.

    Raises:
        NondeterminismError: A workflow decides otherwise than when it was recorded.
    """
    replayer = Replayer(
        workflows=workflows,
        data_converter=pydantic_data_converter,
        workflow_runner=build_sandbox(),
        debug_mode=UNHURRIED,
    )
    for history in histories:
        await replayer.replay_workflow(history)


async def replay_workflows(client: Client, queue: str) -> None:
    """Prove that each workflow of a queue decides the same when it is replayed."""
    replayer = Replayer(
        workflows=WORKFLOWS,
        namespace=client.namespace,
        data_converter=client.data_converter,
        workflow_runner=build_sandbox(),
        debug_mode=UNHURRIED,
    )
    histories = await _fetch(client, queue)
    assert histories
    for history in histories:
        await replayer.replay_workflow(history)


async def _fetch(client: Client, queue: str) -> list[WorkflowHistory]:
    found = [execution async for execution in client.list_workflows(f"TaskQueue = '{queue}'")]
    found.sort(key=lambda execution: execution.id)
    return [
        await client.get_workflow_handle(execution.id, run_id=execution.run_id).fetch_history()
        for execution in found
    ]


@contextmanager
def _directory() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="forge-history-") as name:
        yield Path(name)

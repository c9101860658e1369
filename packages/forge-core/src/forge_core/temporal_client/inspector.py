"""What the server knows of a run."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, cast

from temporalio.client import Client, WorkflowExecutionStatus, WorkflowHandle
from temporalio.converter import WorkflowSerializationContext
from temporalio.service import RPCError

from forge_core.errors import ServerUnavailable
from forge_core.models.result import TaskResult
from forge_core.models.run import RunKey
from forge_core.models.task import ForgeTaskInput
from forge_core.temporal_client.executions import describe

RunHandle = WorkflowHandle[Any, TaskResult]
"""A started run."""

WORKFLOW_TYPE = "ForgeTaskWorkflow"
"""What the server calls the workflow of a run."""


@dataclass(frozen=True, slots=True)
class FoundRun:
    """A run that the server knows."""

    handle: RunHandle
    run_id: str
    task_queue: str
    """Where its worker is expected to poll."""
    work: ForgeTaskInput
    status: WorkflowExecutionStatus

    @property
    def is_open(self) -> bool:
        """Whether it has not ended."""
        return self.status == WorkflowExecutionStatus.RUNNING

    @property
    def ending(self) -> str:
        """Temporal's word for how it ended."""
        return self.status.name.lower().replace("_", " ")

    @property
    def key(self) -> RunKey:
        """The run as the record knows it."""
        return RunKey(self.work.task.task_id, self.handle.id, self.run_id)


async def find_run(client: Client, workflow_id: str) -> FoundRun | None:
    """Find a run on the server; None if there is none of this id.

    Raises:
        ServerUnavailable: The server does not tell.
    """
    with translating_unavailability("does not tell of the run"):
        found = await describe(client, workflow_id)
        if found is None or found.status is None or found.workflow_type != WORKFLOW_TYPE:
            return None
        handle: RunHandle = client.get_workflow_handle(
            workflow_id, run_id=found.run_id, result_type=TaskResult
        )
        work = await _read_input(client, handle)
    return FoundRun(handle, found.run_id, found.task_queue, work, found.status)


async def _read_input(client: Client, handle: RunHandle) -> ForgeTaskInput:
    """Read what a run was started with, from the first event of its history."""
    first = await anext(handle.fetch_history_events(page_size=1))
    payloads = first.workflow_execution_started_event_attributes.input.payloads
    scope = WorkflowSerializationContext(client.namespace, handle.id)
    [work] = await client.data_converter.with_context(scope).decode(payloads, [ForgeTaskInput])
    return cast("ForgeTaskInput", work)


@contextmanager
def translating_unavailability(what: str) -> Iterator[None]:
    """Turn a failed request to the server into `ServerUnavailable`; `what` it does not do."""
    try:
        yield
    except RPCError as error:
        raise ServerUnavailable(f"the Temporal server {what}: {error.message}") from error

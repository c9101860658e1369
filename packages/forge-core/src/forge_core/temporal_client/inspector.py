"""The one place that asks a server about runs and those who execute them."""

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Literal, cast

from temporalio.api.common.v1 import WorkflowExecution
from temporalio.api.enums.v1 import PendingWorkflowTaskState, TaskQueueType
from temporalio.api.history.v1 import HistoryEvent
from temporalio.api.taskqueue.v1 import TaskQueue
from temporalio.api.workflowservice.v1 import (
    DescribeTaskQueueRequest,
    GetWorkflowExecutionHistoryReverseRequest,
)
from temporalio.client import (
    Client,
    WorkflowExecutionDescription,
    WorkflowExecutionStatus,
    WorkflowHandle,
    WorkflowHistoryEventFilterType,
)
from temporalio.converter import WorkflowSerializationContext

from forge_core.errors import UnsignedWork
from forge_core.models.budget import BUDGET_STOP, BudgetStop
from forge_core.models.result import TaskResult
from forge_core.models.run import RunKey
from forge_core.models.task import ForgeTaskInput
from forge_core.temporal_client.executions import (
    TERMINATION_REASON,
    describe,
    server_request,
    walk,
)
from forge_core.temporal_client.pending_activities import (
    RunLook,
    StuckCause,
    find_activity_cause,
    find_task_cause,
    read_pending,
)

RunHandle = WorkflowHandle[Any, TaskResult]
"""A started run."""

WORKFLOW_TYPE = "ForgeTaskWorkflow"
"""What the server calls the workflow of a run."""

LONG_POLL = timedelta(seconds=90)
"""Time within which a living worker polls again; the server names dead ones for five minutes."""

LAST_EVENTS = 20
"""Events among which the newest workflow task is found."""

OUTSIDE_ENDS = {
    WorkflowExecutionStatus.TERMINATED: "terminated in Temporal, not by forge",
    WorkflowExecutionStatus.TIMED_OUT: "timed out in Temporal",
}
"""Ends of a run that it has no part in, so that it cannot put them on record itself."""


@dataclass(frozen=True, slots=True)
class RunDescription:
    """A run that the server knows."""

    handle: RunHandle
    run_id: str
    task_queue: str
    """Where its worker is expected to poll."""
    work: ForgeTaskInput
    status: WorkflowExecutionStatus
    stop: BudgetStop | None = None
    """Why it waits for a new limit; None where it does not."""

    @property
    def is_open(self) -> bool:
        """Whether it has not ended."""
        return self.status == WorkflowExecutionStatus.RUNNING

    @property
    def ending(self) -> str:
        """How it ended: Temporal's word, in the spelling of all other messages."""
        return self.status.name.lower().replace("_", " ").replace("canceled", "cancelled")

    @property
    def key(self) -> RunKey:
        """The run as the record knows it."""
        return RunKey(self.work.task.task_id, self.handle.id, self.run_id)


@dataclass(frozen=True, slots=True)
class RunEnd:
    """How a run ended."""

    status: Literal["cancelled", "error"] | None = None
    """None where the run itself had a say in it, and has put it on record."""
    reason: str | None = None


class RunInspector:
    """Asks a server about runs; no answer is `ServerUnavailable` in every method.

    Args:
        client: A connection to it.
    """

    def __init__(self, client: Client) -> None:
        self._client = client

    async def find_run(self, workflow_id: str) -> RunDescription | None:
        """Return a run; None if the server has none of this id."""
        with server_request("describe the run"):
            workflow = await describe(self._client, workflow_id)
            if (
                workflow is None
                or workflow.status is None
                or workflow.workflow_type != WORKFLOW_TYPE
            ):
                return None
            handle: RunHandle = self._client.get_workflow_handle(
                workflow_id, run_id=workflow.run_id, result_type=TaskResult
            )
            work = await self._read_input(handle)
        stop = await _read_stop(workflow)
        status, queue = workflow.status, workflow.task_queue
        return RunDescription(handle, workflow.run_id, queue, work, status, stop)

    async def list_close_times(self, workflow_ids: Iterable[str]) -> dict[str, datetime | None]:
        """Return when runs ended, None for one that has not, by id; nothing of unknown ones."""
        with server_request("say which runs have ended"):
            workflows = [await describe(self._client, name) for name in workflow_ids]
        return {workflow.id: workflow.close_time for workflow in workflows if workflow is not None}

    async def find_end(self, run: RunKey) -> RunEnd | None:
        """Return how a run ended; None if it has not."""
        with server_request("say how the run ended"):
            workflow = await describe(self._client, run.workflow_id, run.run_id)
            if workflow is None:
                return RunEnd("error", "no longer known to Temporal")
            if workflow.status == WorkflowExecutionStatus.RUNNING:
                return None
            if await self._was_terminated_by_forge(workflow):
                return RunEnd("cancelled", TERMINATION_REASON)
        reason = OUTSIDE_ENDS.get(workflow.status) if workflow.status is not None else None
        return RunEnd("error", reason) if reason else RunEnd()

    async def has_completed(self, run: RunDescription, activity: str) -> bool:
        """Return whether a run has completed an activity of some name, as its history says."""
        scheduled_events: set[int] = set()
        with server_request("say how far the run has come"):
            async for event in run.handle.fetch_history_events():
                scheduled = event.activity_task_scheduled_event_attributes
                if scheduled.activity_type.name == activity:
                    scheduled_events.add(event.event_id)
                completed = event.activity_task_completed_event_attributes
                if completed.scheduled_event_id in scheduled_events:
                    return True
        return False

    async def look(self, workflow_id: str) -> RunLook:
        """Return what a run and its sub-tasks wait for, and what blocks them, if anything does."""
        pending, cause, stop = [], None, None
        with server_request("say what the run waits for"):
            async for workflow in walk(self._client, workflow_id):
                stop = stop or await _read_stop(workflow)
                infos = workflow.raw_description.pending_activities
                pending += [read_pending(workflow.id, info) for info in infos]
                cause = cause or find_activity_cause(infos) or await self._find_task_cause(workflow)
        return RunLook(tuple(pending), cause, stop)

    async def find_last_sign(self, workflow_id: str) -> datetime | None:
        """Return when a run that has not ended, or a sub-task of it, last did something."""
        signs = []
        with server_request("say when the run was last executed"):
            async for workflow in walk(self._client, workflow_id):
                newest = await self._list_newest_events(workflow, 1)
                signs += [event.event_time for event in newest]
                for info in workflow.raw_description.pending_activities:
                    signs += [info.last_started_time, info.last_heartbeat_time]
        return max((sign.ToDatetime(tzinfo=UTC) for sign in signs), default=None)

    async def has_workers(self, task_queue: str, now: datetime | None = None) -> bool:
        """Return whether a worker has polled a queue for workflows of late.

        One that stopped within the last 90 seconds cannot be told from one that waits: `is_taken`
        can, once a run has been started.

        Args:
            task_queue: The queue.
            now: The time, the present one if not given.
        """
        request = DescribeTaskQueueRequest(
            namespace=self._client.namespace,
            task_queue=TaskQueue(name=task_queue),
            task_queue_type=TaskQueueType.TASK_QUEUE_TYPE_WORKFLOW,
        )
        with server_request("say who polls its task queues"):
            answer = await self._client.workflow_service.describe_task_queue(request)
        since = (now or datetime.now(UTC)) - LONG_POLL
        times = (poller.last_access_time.ToDatetime(tzinfo=UTC) for poller in answer.pollers)
        return any(time >= since for time in times)

    async def is_taken(self, handle: WorkflowHandle[Any, Any]) -> bool:
        """Return whether a worker has begun with a run that was started just now."""
        with server_request(f"say whether run {handle.id} was taken"):
            workflow = await handle.describe()
        task = workflow.raw_description.pending_workflow_task
        waits = (
            workflow.status == WorkflowExecutionStatus.RUNNING
            and task.state == PendingWorkflowTaskState.PENDING_WORKFLOW_TASK_STATE_SCHEDULED
            and workflow.history_length <= 2
        )
        return not waits

    async def _read_input(self, handle: RunHandle) -> ForgeTaskInput:
        """Read what a run was started with, from the first event of its history."""
        first = await anext(handle.fetch_history_events(page_size=1))
        payloads = first.workflow_execution_started_event_attributes.input.payloads
        scope = WorkflowSerializationContext(self._client.namespace, handle.id)
        converter = self._client.data_converter.with_context(scope)
        [work] = await converter.decode(payloads, [ForgeTaskInput])
        return cast("ForgeTaskInput", work)

    async def _was_terminated_by_forge(self, workflow: WorkflowExecutionDescription) -> bool:
        if workflow.status != WorkflowExecutionStatus.TERMINATED:
            return False
        handle = self._client.get_workflow_handle(workflow.id, run_id=workflow.run_id)
        closing = handle.fetch_history_events(
            event_filter_type=WorkflowHistoryEventFilterType.CLOSE_EVENT
        )
        ends = [event.workflow_execution_terminated_event_attributes async for event in closing]
        return TERMINATION_REASON in [end.reason for end in ends]

    async def _find_task_cause(self, workflow: WorkflowExecutionDescription) -> StuckCause | None:
        if workflow.raw_description.pending_workflow_task.attempt <= 1:
            return None
        return find_task_cause(await self._list_newest_events(workflow, LAST_EVENTS))

    async def _list_newest_events(
        self, workflow: WorkflowExecutionDescription, number: int
    ) -> Iterable[HistoryEvent]:
        request = GetWorkflowExecutionHistoryReverseRequest(
            namespace=self._client.namespace,
            execution=WorkflowExecution(workflow_id=workflow.id, run_id=workflow.run_id),
            maximum_page_size=number,
        )
        service = self._client.workflow_service
        answer = await service.get_workflow_execution_history_reverse(request)
        return answer.history.events


async def _read_stop(workflow: WorkflowExecutionDescription) -> BudgetStop | None:
    """Read why a run says that it has stopped; None where it has not, or it cannot be read."""
    with suppress(UnsignedWork, ValueError):
        stop: BudgetStop | None = await workflow.memo_value(BUDGET_STOP, None, type_hint=BudgetStop)
        return stop
    return None

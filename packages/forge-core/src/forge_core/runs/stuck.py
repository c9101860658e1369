"""What keeps a run from getting on, though a worker has it: nobody tells who waits for its end.

A workflow whose worker cannot read its history is tried again for ever, and so is an activity whose
argument cannot be read: no code of ours runs that could end the run. A full disk keeps it too until
somebody makes room; a run is worth a while of waiting for that, and is not ended for it.
"""

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

from temporalio.api.common.v1 import WorkflowExecution
from temporalio.api.enums.v1 import (
    EventType,
    PendingActivityState,
    WorkflowTaskFailedCause,
)
from temporalio.api.failure.v1 import Failure
from temporalio.api.history.v1 import HistoryEvent, WorkflowTaskFailedEventAttributes
from temporalio.api.workflow.v1 import PendingActivityInfo
from temporalio.api.workflowservice.v1 import GetWorkflowExecutionHistoryReverseRequest
from temporalio.client import Client, WorkflowExecutionDescription
from temporalio.service import RPCError

from forge_core.errors import (
    UNEXPECTED,
    DiskFull,
    InfrastructureError,
    PayloadUnavailable,
    RunStuck,
    UnsignedWork,
)
from forge_core.models.result import TaskResult
from forge_core.runs.client import wait_for_result
from forge_core.temporal_client.executions import walk
from forge_core.temporal_client.inspector import RunHandle

INTERVAL_S = 2.0
"""Seconds between two looks at a run."""

PATIENCE_S = 30.0
"""Seconds that somebody gets to make room on a full disk."""

LASTING = frozenset({PayloadUnavailable.__name__, UnsignedWork.__name__})
"""Types of failures that no try mends."""

NO_STORE = ("TMPRL1105", "No driver found with name")
"""Parts of what the SDK says of a payload in a store that is not configured."""

LAST_EVENTS = 20
"""Events among which the newest workflow task is found."""


@dataclass(frozen=True, slots=True)
class Obstacle:
    """What keeps a run from getting on."""

    reason: str
    """In one line."""
    may_pass: bool = False
    """It is tried again, and may succeed then."""
    is_mendable: bool = False
    """The run can be resumed, once its user has looked at it."""


async def wait_unless_stuck(
    client: Client,
    handle: RunHandle,
    on_away: Callable[[str], None] | None = None,
    on_obstacle: Callable[[str], None] | None = None,
) -> TaskResult:
    """Wait for a run's end as `wait_for_result` does, but no longer once it cannot get on.

    Args:
        client: A connection.
        handle: The run.
        on_away: Told once why, whenever the server is out of reach.
        on_obstacle: Told why, once, whenever something keeps the run that may pass.

    Raises:
        RunStuck: The run cannot get on; the message says why.
        ForgeError: As `wait_for_result` has it.
    """
    result = asyncio.ensure_future(wait_for_result(handle, on_away))
    watching = asyncio.ensure_future(watch(client, handle.id, on_obstacle))
    try:
        await asyncio.wait([result, watching], return_when=asyncio.FIRST_COMPLETED)
        if not result.done():
            await watching
        return await result
    except (RuntimeError, ValueError) as error:
        if not _lacks_store(str(error)):
            raise
        raise InfrastructureError(
            f"run {handle.id} has ended, but its result is in a payload store that this command "
            "does not have: set FORGE_PAYLOAD_STORE as its worker has it"
        ) from error
    finally:
        result.cancel()
        watching.cancel()


async def watch(
    client: Client,
    workflow_id: str,
    on_obstacle: Callable[[str], None] | None = None,
    patience_s: float = PATIENCE_S,
) -> None:
    """Look at a run and its sub-tasks now and then, until cancelled or an obstacle is found.

    A server that does not answer is none: who waits for the result is told of it.

    Args:
        client: A connection.
        workflow_id: The run's.
        on_obstacle: Told why, once, whenever something keeps the run that may pass.
        patience_s: Seconds that such an obstacle gets to pass.

    Raises:
        RunStuck: The run cannot get on; the message says why.
    """
    patience = _Patience(patience_s, on_obstacle or (lambda _: None))
    while True:
        with suppress(RPCError):
            obstacle = await find_obstacle(client, workflow_id)
            if obstacle is None:
                patience.renew()
            elif obstacle.is_mendable:
                raise RunStuck(
                    f"run {workflow_id} does not get on: {obstacle.reason}: "
                    f"forge resume {workflow_id} tries again, forge cancel {workflow_id} ends it"
                )
            elif not obstacle.may_pass:
                raise RunStuck(f"run {workflow_id} cannot go on: {obstacle.reason}")
            elif patience.is_lost(obstacle):
                raise RunStuck(
                    f"run {workflow_id} cannot go on: {obstacle.reason}: make room, then "
                    f"forge resume {workflow_id} goes on with it"
                )
        await asyncio.sleep(INTERVAL_S)


class _Patience:
    """How long something has kept a run that may pass, and whether that was told."""

    def __init__(self, seconds: float, tell: Callable[[str], None]) -> None:
        self._seconds = seconds
        self._tell = tell
        self.renew()

    def renew(self) -> None:
        """Begin anew: nothing keeps the run."""
        self._since: float | None = None
        self._told = False

    def is_lost(self, obstacle: Obstacle) -> bool:
        """Tell whether an obstacle that is seen now has lasted too long."""
        if self._since is None:  # It may be the last word of a try before room was made.
            self._since = time.monotonic()
            return False
        if not self._told:
            self._tell(obstacle.reason)
            self._told = True
        return time.monotonic() - self._since > self._seconds


async def find_obstacle(client: Client, workflow_id: str) -> Obstacle | None:
    """Find what keeps a run or one of its sub-tasks from getting on.

    Raises:
        RPCError: The server does not answer.
    """
    async for found in walk(client, workflow_id):
        obstacle = _find_in_activities(found) or await _find_in_workflow(client, found)
        if obstacle is not None:
            return obstacle
    return None


def _find_in_activities(found: WorkflowExecutionDescription) -> Obstacle | None:
    pending = found.raw_description.pending_activities
    obstacles = (_read_activity(activity) for activity in pending)
    return next((obstacle for obstacle in obstacles if obstacle), None)


def _read_activity(pending: PendingActivityInfo) -> Obstacle | None:
    """Read what keeps an activity; one that is being tried again may be mended by now."""
    obstacle = _read_failure(pending.last_failure)
    if obstacle is None or not obstacle.is_mendable:
        return obstacle
    scheduled = pending.state == PendingActivityState.PENDING_ACTIVITY_STATE_SCHEDULED
    return obstacle if scheduled and pending.attempt > 1 else None


async def _find_in_workflow(client: Client, found: WorkflowExecutionDescription) -> Obstacle | None:
    """Read why the workflow's last task failed; one that was only late is no obstacle."""
    if found.raw_description.pending_workflow_task.attempt <= 1:
        return None
    answer = await client.workflow_service.get_workflow_execution_history_reverse(
        GetWorkflowExecutionHistoryReverseRequest(
            namespace=client.namespace,
            execution=WorkflowExecution(workflow_id=found.id, run_id=found.run_id),
            maximum_page_size=LAST_EVENTS,
        )
    )
    return next((_read_task(event) for event in answer.history.events if _ends_task(event)), None)


def _ends_task(event: HistoryEvent) -> bool:
    return event.event_type in {
        EventType.EVENT_TYPE_WORKFLOW_TASK_COMPLETED,
        EventType.EVENT_TYPE_WORKFLOW_TASK_FAILED,
        EventType.EVENT_TYPE_WORKFLOW_TASK_TIMED_OUT,
    }


def _read_task(event: HistoryEvent) -> Obstacle | None:
    if event.event_type != EventType.EVENT_TYPE_WORKFLOW_TASK_FAILED:
        return None
    failed: WorkflowTaskFailedEventAttributes = event.workflow_task_failed_event_attributes
    if failed.cause == WorkflowTaskFailedCause.WORKFLOW_TASK_FAILED_CAUSE_NON_DETERMINISTIC_ERROR:
        return Obstacle(
            "it was begun by another version of forge, whose workflows decide otherwise: "
            f"go on with that version ({_shorten(failed.failure.message)})"
        )
    return _read_failure(failed.failure)


def _read_failure(failure: Failure) -> Obstacle | None:
    """Find what the next try does not mend by itself in a failure and what caused it."""
    while True:
        kind = failure.application_failure_info.type
        if kind in LASTING or kind == DiskFull.__name__:
            return Obstacle(_shorten(failure.message), may_pass=kind not in LASTING)
        if kind == UNEXPECTED:
            return Obstacle(_shorten(failure.message), is_mendable=True)
        if _lacks_store(failure.message):
            return Obstacle(
                "its worker lacks the payload store: set FORGE_PAYLOAD_STORE there as it is here"
            )
        if not failure.HasField("cause"):
            return None
        failure = failure.cause


def _lacks_store(message: str) -> bool:
    return any(part in message for part in NO_STORE)


def _shorten(text: str) -> str:
    return " ".join(text.split())[:500]

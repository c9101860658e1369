"""Executing a run, from its start or from where it was interrupted, to its end."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from forge_core.errors import ForgeError, GitFailed, RunEnded, RunRepeated, TaskIdTaken
from forge_core.git.claim import check_claim
from forge_core.git.repository import read_claim
from forge_core.models.pending import PendingActivity
from forge_core.models.result import TaskResult
from forge_core.models.task import ForgeTaskInput
from forge_core.runs.client import (
    describe_started,
    has_worktree,
    reconcile_ended,
    start_run,
)
from forge_core.runs.ownership import confirm_run, owned_run
from forge_core.runs.stuck import wait_unless_stuck
from forge_core.temporal_client.executions import hasten, release
from forge_core.temporal_client.inspector import (
    FoundRun,
    RunHandle,
    find_run,
    translating_unavailability,
)
from forge_core.temporal_client.task_queues import ensure_taken
from forge_core.worker.worker import SHARED_QUEUE
from temporalio.client import Client

from forge_cli.errors import OutputFailed, UnknownWorkflow
from forge_cli.runs.connection import (
    Place,
    connected,
    executing,
    make_queue,
    require_workers,
    tell_ui_address,
)
from forge_cli.runs.pending import PendingWatch
from forge_cli.store.queries import Store
from forge_cli.terminal.console import print_note
from forge_cli.terminal.signals import explaining

POLL_INTERVAL_S = 0.25
"""Seconds between two looks at the progress."""

NOT_STARTED = "interrupted before the run was started"


@dataclass(frozen=True, slots=True)
class Submission:
    """A run to be started."""

    work: ForgeTaskInput
    workflow_id: str
    temporal_address: str | None


class Observer(Protocol):
    """Told of a run's progress."""

    def started(self, work: ForgeTaskInput) -> None:
        """Told once the run is under way."""

    def look(self, pending: Sequence[PendingActivity]) -> None:
        """Called now and then while the run is under way, outside the event loop.

        Args:
            pending: What the run waits for, as the server says; nothing where it does not.
        """

    def close(self) -> None:
        """Told when nothing more is to be told; perhaps more than once."""


Enter = Callable[[Place], Awaitable[TaskResult]]
"""What is to be done at a place."""


class Execution:
    """One run that this process waits for, and what it says when it is told to stop.

    Args:
        workflow_id: The run's.
        observer: Told of its progress.
        tell: Told in one line why the process ends at once.
    """

    def __init__(self, workflow_id: str, observer: Observer, tell: Callable[[str], object]) -> None:
        self._workflow_id = workflow_id
        self._observer = observer
        self._tell = tell
        self._remark = NOT_STARTED

    async def start(self, submission: Submission) -> TaskResult:
        """Start a run and wait for its end.

        Raises:
            Interrupted: The process was told to stop; the message says what became of the run.
            ForgeError: The run could not be carried out.
        """

        async def enter(place: Place) -> TaskResult:
            client, work = place.client, submission.work
            if place.embedded is None:
                await require_workers(client)
            queue = SHARED_QUEUE if place.embedded is None else make_queue()
            with ExitStack() as stack:
                if place.embedded is not None:
                    stack.enter_context(owned_run(place.embedded.files, self._workflow_id))
                    tell_ui_address(place.embedded)
                self._remark = describe_submission(self._workflow_id)
                handle = await start_run(client, work, self._workflow_id, queue)
                if place.embedded is None:
                    await ensure_taken(handle)
                return await self._carry_on(place, describe_started(handle, work, queue))

        return await self._guard(submission.temporal_address, f"run {self._workflow_id}", enter)

    async def resume(self, temporal_address: str | None) -> TaskResult:
        """Go on with an interrupted run, or follow one that a configured server's worker has.

        Raises:
            UnknownWorkflow: The server knows no such run.
            RunEnded: It has ended.
            RunOwned: A living process executes it.
            TaskIdTaken: What it had made was removed, so that it cannot go on.
            Interrupted: The process was told to stop.
            ForgeError: The run could not be carried out.
        """

        async def enter(place: Place) -> TaskResult:
            found = await find_open_run(place, self._workflow_id)
            if place.embedded is None:
                await require_workers(place.client)
                with translating_unavailability("does not try the run's activities again"):
                    await hasten(place.client, self._workflow_id)
                return await self._carry_on(place, found)
            with owned_run(place.embedded.files, self._workflow_id):
                await require_claim(found)
                with translating_unavailability("does not let go of the run"):
                    await release(place.client, self._workflow_id)
                return await self._carry_on(place, found)

        self._remark = describe_unresumed(self._workflow_id)
        return await self._guard(temporal_address, f"resume {self._workflow_id}", enter)

    async def _guard(self, address: str | None, purpose: str, enter: Enter) -> TaskResult:
        """Connect, and turn a request to stop into what became of the run."""
        with explaining(lambda: self._remark, self._tell, self._observer.close):
            try:
                async with connected(address, purpose) as place:
                    return await enter(place)
            except OutputFailed as error:
                raise OutputFailed(f"{error}; {self._remark}") from error
            finally:
                self._observer.close()

    async def _carry_on(self, place: Place, found: FoundRun) -> TaskResult:
        self._observer.started(found.work)
        if place.embedded is None:
            self._remark = describe_leaving(self._workflow_id)
            return await self._follow(place.client, found.handle)
        self._remark = describe_interruption(self._workflow_id)
        async with executing(place.client, place.embedded, found) as keeping:
            return await self._follow(place.client, found.handle, keeping)

    async def _follow(
        self, client: Client, handle: RunHandle, keeping: "asyncio.Task[None] | None" = None
    ) -> TaskResult:
        result = asyncio.ensure_future(
            wait_unless_stuck(client, handle, _tell_absence, _tell_obstacle)
        )
        watched = {result} if keeping is None else {result, keeping}
        watch = PendingWatch(client, self._workflow_id)
        try:
            while not result.done():
                await asyncio.wait(
                    watched, timeout=POLL_INTERVAL_S, return_when=asyncio.FIRST_COMPLETED
                )
                pending = () if result.done() else await watch.read()
                await asyncio.to_thread(self._observer.look, pending)
                if keeping is not None and keeping.done():
                    await self._lose(keeping)
            return result.result()
        finally:
            result.cancel()

    async def _lose(self, keeping: "asyncio.Task[None]") -> None:
        try:
            await keeping
        except ForgeError as error:
            raise type(error)(f"{error}; {self._remark}") from error


async def find_open_run(place: Place, workflow_id: str) -> FoundRun:
    """Find a run that has not ended.

    Raises:
        UnknownWorkflow: The server knows no such run.
        RunEnded: It has ended; where that is not on record yet, it is now.
    """
    found = await find_run(place.client, workflow_id)
    if found is None:
        server = "the embedded server" if place.embedded else "the configured server"
        raise UnknownWorkflow(
            f"{server} knows no run {workflow_id!r}{Store().suggest_similar(workflow_id)}"
        )
    if not found.is_open:
        with suppress(RunRepeated):
            if place.embedded is not None:
                confirm_run(place.embedded.files, workflow_id, found.run_id)
            await reconcile_ended(place.client, found)
        raise RunEnded(
            f"run {workflow_id} has ended ({found.ending}): "
            f"see forge status --workflow-id {workflow_id}"
        )
    return found


def describe_submission(workflow_id: str) -> str:
    """Say what may have become of a run that was being handed over."""
    return f"interrupted while run {workflow_id} was handed over: {_describe_ways(workflow_id)}"


def describe_unresumed(workflow_id: str) -> str:
    """Say how a run stands that was to be resumed."""
    return f"interrupted before run {workflow_id} went on: {_describe_ways(workflow_id)}"


async def require_claim(found: FoundRun) -> None:
    """See that a run of this machine still has the task id that it claimed, if it came to that.

    Raises:
        TaskIdTaken: Its claim was removed, and perhaps another run has the id by now.
    """
    repo, task_id = Path(found.work.repo_root), found.work.task.task_id
    try:
        if read_claim(repo, task_id) is not None or await has_worktree(found):
            check_claim(repo, task_id, found.handle.id)
    except TaskIdTaken as error:
        raise TaskIdTaken(f"{error}: forge cancel {found.handle.id} ends it") from error
    except GitFailed:  # the repository is gone: the run itself says so
        return


def describe_interruption(workflow_id: str) -> str:
    """Say how an interrupted run goes on."""
    return f"run {workflow_id} is interrupted: {_describe_ways(workflow_id)}"


def _describe_ways(workflow_id: str) -> str:
    return f"forge resume {workflow_id} goes on with it, forge cancel {workflow_id} ends it"


def describe_leaving(workflow_id: str) -> str:
    """Say what happens to a run that nobody waits for any more."""
    return (
        f"run {workflow_id} goes on at its worker: forge resume {workflow_id} follows it, "
        f"forge cancel {workflow_id} ends it"
    )


def describe_submitted(workflow_id: str) -> str:
    """Say how a run goes on that was left to another process."""
    return (
        f"run {workflow_id} goes on: forge status --workflow-id {workflow_id} shows it, "
        f"forge cancel {workflow_id} ends it"
    )


def _tell_absence(reason: str) -> None:
    print_note(f"the Temporal server is away, waiting for it: {' '.join(reason.split())[:200]}")


def _tell_obstacle(reason: str) -> None:
    print_note(f"the run waits: {reason}")

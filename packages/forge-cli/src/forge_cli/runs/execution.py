"""Reporting the events of a run, and what becomes of it when this process is stopped."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from functools import partial
from types import UnionType
from typing import TypeVar, cast

from forge_core.errors import UnknownRun
from forge_core.runs import (
    BudgetReached,
    CancellationRequested,
    ForgeTaskInput,
    RunBlocked,
    RunEvent,
    RunFinished,
    RunProgress,
    RunStarted,
    RunStopped,
    ServerAway,
    ServerConnected,
    ServerRestarting,
    SubmissionStarted,
    TerminationRequested,
)

from forge_cli.errors import Interrupted, OutputFailed, UnknownWorkflow
from forge_cli.runs.interruption import LEFT, NOT_SUBMITTED, PAUSED, Aftermath
from forge_cli.runs.progress import Progress
from forge_cli.store.queries import Store
from forge_cli.terminal.console import OutputFormat, print_failure, print_note
from forge_cli.terminal.signals import explaining
from forge_cli.views.request import MOST_ATTEMPTS, RequestView

LOOK_INTERVAL_S = 0.25
"""Seconds between two looks at the progress of a run."""

RunEnd = RunFinished | BudgetReached
"""The last event of a run that is waited for."""

Last = TypeVar("Last", bound=RunEvent)
"""The last event of a stream."""


class EventReporter:
    """Reports to the user what a stream of events says of one run.

    Args:
        workflow_id: The run's.
        aftermath: What has become of the run as long as no event says more.
        output: In which format a failure is reported.
        progress: Shows the progress of the run; None where nobody wants to know.
        verb: How it came to be under way.
    """

    def __init__(
        self,
        workflow_id: str,
        aftermath: Aftermath,
        output: OutputFormat,
        progress: Progress | None = None,
        verb: str = "started",
    ) -> None:
        self._workflow_id = workflow_id
        self._aftermath = aftermath
        self._progress = progress
        self._verb = verb
        self._output = output
        self._ui_address: str | None = None
        self._is_started = False
        self._is_closed = False

    async def report_run(self, events: AsyncGenerator[RunEvent]) -> RunEnd:
        """Report the events of a run until it ends or stops; raises as `report_all` does."""
        last = await self._report_until(events, RunFinished | BudgetReached)
        return cast("RunEnd", last)

    async def report_all(self, events: AsyncGenerator[RunEvent], last: type[Last]) -> Last:
        """Report events until their last, and return that.

        Raises:
            UnknownWorkflow: The server knows no such run.
            Interrupted: The process was told to stop; the message says what became of the run.
            ForgeError: As the stream does.
        """
        return cast("Last", await self._report_until(events, last))

    async def _report_until(
        self, events: AsyncGenerator[RunEvent], last: type[object] | UnionType
    ) -> RunEvent:
        with explaining(
            self._explain, self._report_at_once, partial(self._close, interrupted=True)
        ):
            try:
                async with aclosing(events):
                    async for event in events:
                        await self._report(event)
                        if isinstance(event, last):
                            self._close()
                            return event
                raise RuntimeError(f"the events of run {self._workflow_id} have no end")
            except UnknownRun as error:
                raise UnknownWorkflow(
                    f"{error}{Store().suggest_similar(self._workflow_id)}"
                ) from error
            except OutputFailed as error:
                remark = self._aftermath.describe(self._workflow_id)
                raise OutputFailed(f"{error}; {remark}") from error
            finally:
                self._close(interrupted=True)

    async def _report(self, event: RunEvent) -> None:
        match event:
            case ServerConnected():
                self._ui_address = event.ui_address
            case SubmissionStarted():
                self._aftermath = NOT_SUBMITTED
                if self._ui_address is not None:
                    print_note(f"Temporal's web interface: {self._ui_address}")
            case RunStarted():
                if self._progress is not None:
                    where = f"{self._verb} on {event.work.repo_root}"
                    self._progress.started(where, describe_request(event.work))
                self._is_started = True
                self._aftermath = PAUSED if event.executed_here else LEFT
            case RunProgress():
                await self._look(event)
            case RunFinished() | BudgetReached() if self._is_started:
                await self._look(RunProgress(()))
            case _:
                if line := describe_event(event):
                    print_note(line)

    async def _look(self, event: RunProgress) -> None:
        if self._progress is not None:
            await asyncio.to_thread(self._progress.look, event.pending)

    def _explain(self) -> Interrupted:
        progress = self._progress.point if self._progress is not None else ""
        return self._aftermath.build_error(self._workflow_id, progress)

    def _close(self, *, interrupted: bool = False) -> None:
        """Leave what is shown as it stands; only the first time counts."""
        if self._progress is not None and not self._is_closed:
            self._is_closed = True
            self._progress.close(paused=interrupted and self._aftermath is PAUSED)

    def _report_at_once(self, error: Interrupted) -> None:
        print_failure(self._output, Interrupted.__name__, str(error), report=error.report)


def describe_request(work: ForgeTaskInput) -> RequestView:
    """Return what a run was started with, as its row will say it."""
    limits = {kind: getattr(work, name) for kind, name in MOST_ATTEMPTS.items()}
    return RequestView(work.task.description, limits)


def describe_event(event: RunEvent) -> str | None:
    """Say in a line what has happened to a run and its server, beside its progress."""
    match event:
        case ServerAway(reason):
            shortened = " ".join(reason.split())[:200]
            return f"the Temporal server is unreachable, waiting for it: {shortened}"
        case ServerRestarting():
            return "the embedded Temporal server has stopped: starting it again"
        case RunBlocked(reason):
            return f"the run is waiting: {reason}"
        case CancellationRequested(workflow_id):
            return f"cancelling run {workflow_id}: waiting until it has cleaned up"
        case TerminationRequested(reason):
            return f"{reason}: it is terminated in Temporal"
        case RunStopped(reason=str(reason)):
            return f"{reason}: it has ended"
        case _:
            return None

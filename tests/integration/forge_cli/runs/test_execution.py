"""What is shown of a run is left as it stands, also where its events break off."""

from collections.abc import AsyncGenerator, Sequence

import pytest
from forge_cli.render.live.state import NO_REQUEST
from forge_cli.runs.execution import EventReporter
from forge_cli.runs.interruption import NOT_STARTED
from forge_cli.terminal.console import OutputFormat
from forge_cli.views.request import RequestView
from forge_core.errors import ServerUnavailable
from forge_core.models.run import PendingActivity
from forge_core.models.task import ForgeTaskInput, TaskDefinition
from forge_core.runs import RunEvent, RunFinished, RunStarted, TaskResult

WORK = ForgeTaskInput(
    task=TaskDefinition(task_id="t", description="Do it."),
    repo_root="/repo",
    base_commit="c" * 40,
    model="m",
    planner_model="m",
    max_step_attempts=5,
)


class Notes:
    """Progress that writes down what it is told."""

    def __init__(self) -> None:
        self.told: list[object] = []
        self.point = "1/3"

    def started(self, where: str, request: RequestView = NO_REQUEST) -> None:
        self.told += [where, request.description, request.most_attempts["step"]]

    def look(self, pending: Sequence[PendingActivity]) -> None:
        self.told.append(len(pending))

    def close(self, *, paused: bool = False) -> None:
        self.told.append("paused" if paused else "closed")


async def report(*events: RunEvent, error: Exception | None = None) -> list[object]:
    async def stream() -> AsyncGenerator[RunEvent]:
        for event in events:
            yield event
        if error is not None:
            raise error

    notes = Notes()
    reporter = EventReporter("forge-t-1", NOT_STARTED, OutputFormat.TEXT, notes)
    try:
        await reporter.report_run(stream())
    except ServerUnavailable:
        notes.told.append("raised")
    return notes.told


@pytest.mark.parametrize(("here", "end"), [(True, "paused"), (False, "closed")])
async def test_run_whose_server_is_lost_rests_if_it_was_executed_here(here: bool, end: str) -> None:
    started = RunStarted("forge-t-1", WORK, executed_here=here)

    told = await report(started, error=ServerUnavailable("gone"))

    assert told == ["started on /repo", "Do it.", 5, end, "raised"]


async def test_run_that_has_ended_does_not_rest() -> None:
    started = RunStarted("forge-t-1", WORK, executed_here=True)
    result = TaskResult(task_id="t", status="success")

    told = await report(started, RunFinished(result))

    assert told[3:] == [0, "closed"]

"""What a program learns of a run that it starts, resumes, cancels or follows."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from forge_core.models.result import TaskResult
from forge_core.models.run import PendingActivity
from forge_core.models.task import ForgeTaskInput


@dataclass(frozen=True, slots=True)
class ServerConnected:
    """There is a connection to the server; the first event of every stream."""

    address: str
    embedded: bool
    """Whether it is the embedded server, whose runs are executed by this process."""
    ui_address: str | None
    """Where Temporal's web interface is, if the embedded server has one."""


@dataclass(frozen=True, slots=True)
class SubmissionStarted:
    """The run is submitted once the next event is asked for: from then on it may exist."""

    workflow_id: str


@dataclass(frozen=True, slots=True)
class RunStarted:
    """The run is under way."""

    workflow_id: str
    work: ForgeTaskInput
    executed_here: bool
    """Whether it rests when this stream is closed, so that it has to be resumed."""


@dataclass(frozen=True, slots=True)
class RunProgress:
    """A look at the run, given whenever nothing else has happened for an interval."""

    pending: tuple[PendingActivity, ...]
    """What it waits for, about a second old at most; nothing where the server does not answer."""


@dataclass(frozen=True, slots=True)
class RunBlocked:
    """Something keeps the run from making progress that may pass, a full disk for example.

    Given once; if it does not pass in time, the stream ends with `RunStuck`.
    """

    reason: str


@dataclass(frozen=True, slots=True)
class ServerAway:
    """The server is out of reach; given once, until it is back. The stream waits for it."""

    reason: str


@dataclass(frozen=True, slots=True)
class ServerRestarting:
    """The embedded server has ended, and is being started again."""


@dataclass(frozen=True, slots=True)
class CancellationRequested:
    """The run was told to stop, and cleans up."""

    workflow_id: str


@dataclass(frozen=True, slots=True)
class TerminationRequested:
    """The run cannot clean up, and is ended in Temporal."""

    reason: str


@dataclass(frozen=True, slots=True)
class RunFinished:
    """The run has ended and has a result, also where the task failed; the last event."""

    result: TaskResult


@dataclass(frozen=True, slots=True)
class BudgetReached:
    """The run has stopped at its budget and waits for a new limit; the last event, like an end.

    `resume_run` gives it one, `cancel_run` ends it.
    """

    result: TaskResult
    """What it has made so far, and in `budget_stop` why it has stopped."""


@dataclass(frozen=True, slots=True)
class RunStopped:
    """A cancelled run has ended; the last event of `cancel_run`."""

    work: ForgeTaskInput
    reason: str | None = None
    """Why it ended, where that was something else than the cancellation."""


@dataclass(frozen=True, slots=True)
class RunDetached:
    """The run is under way at another process; the last event of `start_detached_run`."""

    workflow_id: str
    log: Path | None
    """Output of the process that executes it; None where a configured server's worker does."""


RunEvent = (
    ServerConnected
    | SubmissionStarted
    | RunStarted
    | RunProgress
    | RunBlocked
    | ServerAway
    | ServerRestarting
    | CancellationRequested
    | TerminationRequested
    | RunFinished
    | BudgetReached
    | RunStopped
    | RunDetached
)

Emit = Callable[[RunEvent], None]
"""Takes what happens."""

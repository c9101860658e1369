"""Runs of tasks, for any program: start, resume, follow and cancel them as streams of events.

    work = resolve_run(task, repo, RunSettings(model="anthropic:NAME", planner_model="…"))
    async for event in start_run(work):
        ...

`start_run`, `resume_run`, `follow_run`, `cancel_run` and `start_detached_run` each give a stream of
frozen dataclasses, the union of which is `RunEvent`, or raise a `forge_core.errors.ForgeError`.
They use the configured Temporal server, else the embedded one, as the ``forge`` command does.
Nothing else of this package is public. Its modules are loaded when a name is first used; they stand
above the worker that executes runs: see D67.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from forge_core.models.budget import Limits
    from forge_core.models.call.settings import CallSettings
    from forge_core.models.result import TaskResult
    from forge_core.models.run import PendingActivity
    from forge_core.models.task import ForgeTaskInput, TaskDefinition
    from forge_core.runs.cancellation import cancel_run
    from forge_core.runs.detached_run import start_detached_run
    from forge_core.runs.events import (
        BudgetReached,
        CancellationRequested,
        RunBlocked,
        RunDetached,
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
    from forge_core.runs.execution import follow_run, make_workflow_id, resume_run, start_run
    from forge_core.runs.resolve import RunSettings, resolve_run

__all__ = [
    "BudgetReached",
    "CallSettings",
    "CancellationRequested",
    "ForgeTaskInput",
    "Limits",
    "PendingActivity",
    "RunBlocked",
    "RunDetached",
    "RunEvent",
    "RunFinished",
    "RunProgress",
    "RunSettings",
    "RunStarted",
    "RunStopped",
    "ServerAway",
    "ServerConnected",
    "ServerRestarting",
    "SubmissionStarted",
    "TaskDefinition",
    "TaskResult",
    "TerminationRequested",
    "cancel_run",
    "follow_run",
    "make_workflow_id",
    "resolve_run",
    "resume_run",
    "start_detached_run",
    "start_run",
]

_MODULES = ("events", "resolve", "execution", "cancellation", "detached_run")
"""Where the names come from, the modules that load least first."""


if not TYPE_CHECKING:

    def __getattr__(name: str) -> Any:  # noqa: ANN401 - whatever the name stands for
        if name in __all__:
            for module in map(import_module, (f"{__name__}.{part}" for part in _MODULES)):
                if hasattr(module, name):
                    return getattr(module, name)
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

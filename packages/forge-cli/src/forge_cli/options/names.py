"""How commands are told which run they are about: by its place, or by the option for it."""

from typing import Annotated

from cyclopts import Parameter
from forge_core.errors import UsageError

from forge_cli.escape import escape_line
from forge_cli.options.completers import (
    complete_call,
    complete_leftover,
    complete_open_run,
    complete_recorded_model,
    complete_run,
    complete_task,
)

OptionalRun = Annotated[str | None, Parameter(show_default=False, completer=complete_run)]
"""What a user calls a run by; None where none is named. See D83."""

OptionalOpenRun = Annotated[str | None, Parameter(show_default=False, completer=complete_open_run)]
"""The same of a run that is to be acted on."""

OptionalTask = Annotated[str | None, Parameter(completer=complete_task)]
"""A task id; None asks for any."""

Leftovers = Annotated[str, Parameter(completer=complete_leftover)]
"""What users call a run by that left something."""

CallName = Annotated[str, Parameter(completer=complete_call)]
"""What users call a call by, or its run."""

OptionalCall = Annotated[str | None, Parameter(completer=complete_call)]
"""The same where none need be named."""

RecordedModel = Annotated[str | None, Parameter(completer=complete_recorded_model)]
"""A model on record, or a pattern; None asks for any."""


def choose_run_name(run: str | None, workflow_id: str | None) -> str | None:
    """Return what a run is called by, given as an argument or as an option.

    Raises:
        UsageError: Both were given, or an empty text.
    """
    if run is not None and workflow_id is not None:
        raise UsageError(f"two runs are named, {run!r} and --workflow-id {workflow_id!r}: give one")
    name = workflow_id if run is None else run
    if name is not None and not name.strip():
        raise UsageError("the name of the run is empty: `forge status` lists the runs")
    return name


def require_run_name(command: str, run: str | None, workflow_id: str | None) -> str:
    """Return what the run is called by that a command is to act on.

    Raises:
        UsageError: None is named.
    """
    name = choose_run_name(run, workflow_id)
    if name is None:
        some = _propose_open() if command in {"resume", "cancel"} else ()
        example = f" for example {' or '.join(some)};" if some else ""
        raise UsageError(
            f"which run? forge {command} RUN,{example or ' or @last for the newest;'} "
            "`forge status` lists them"
        )
    return name


def _propose_open() -> list[str]:
    """Name the newest runs that have not ended; none where that cannot be read."""
    from forge_obs import StoreError  # noqa: PLC0415 - for a mistake only

    from forge_cli.store.queries import Store  # noqa: PLC0415 - for a mistake only
    from forge_cli.store.resolver import list_open_tasks  # noqa: PLC0415

    try:
        return [escape_line(task) for task in list_open_tasks(Store())]
    except StoreError:
        return []

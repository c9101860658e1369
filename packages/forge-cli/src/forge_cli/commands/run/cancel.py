"""``forge cancel``: cancel a run."""

from typing import Annotated

from cyclopts import Parameter

from forge_cli.exit_codes import ExitCode
from forge_cli.options.names import OptionalOpenRun, require_run_name
from forge_cli.options.types import Switch
from forge_cli.terminal.console import OutputFormat


def cancel(
    run: OptionalOpenRun = None,
    /,
    *,
    workflow_id: OptionalOpenRun = None,
    temporal_address: Annotated[str | None, Parameter(env_var="FORGE_TEMPORAL_ADDRESS")] = None,
    json: Switch = False,
) -> ExitCode:
    """Cancel a run and clean up after it.

    Its model calls, checks and sub-tasks are stopped. An interrupted run is cleaned up by this
    command. Its branch, its worktree and its claim on the task id are kept; the output says where.

    Args:
        run: Workflow id or task id of the run, or any beginning or end of one that fits no other
            run; @last is the newest.
        workflow_id: Another way to name the run.
        temporal_address: Temporal server as HOST:PORT. [default: the configured one, else an
            embedded one]
        json: Print one JSON document on stdout, everything else on stderr.
    """
    name = require_run_name("cancel", run, workflow_id)
    from forge_cli.actions.run.cancel import cancel_run  # noqa: PLC0415 - imports Temporal

    return cancel_run(name, temporal_address, OutputFormat.choose(json=json))

"""``forge resume``: go on with an interrupted run."""

from typing import Annotated

from cyclopts import Parameter

from forge_cli.exit_codes import ExitCode
from forge_cli.options.run import OutputOptions
from forge_cli.options.types import Switch


def resume(
    workflow_id: str,
    *,
    temporal_address: Annotated[str | None, Parameter(env_var="FORGE_TEMPORAL_ADDRESS")] = None,
    verbose: Switch = False,
    json: Switch = False,
) -> ExitCode:
    """Go on with an interrupted run.

    Nothing that was done is done again, and no answer that has arrived is asked for again. A run
    of a configured Temporal server goes on at its worker; there this command follows it.

    Args:
        workflow_id: The run's id, as `forge status` lists it.
        temporal_address: Temporal server as HOST:PORT. Default: the configured one, else an
            embedded one.
        verbose: Print every model call in full when the run has ended.
        json: Print one JSON document on stdout, all else on stderr.
    """
    from forge_cli.actions.run import resume_run  # noqa: PLC0415 - imports Temporal

    output = OutputOptions(temporal_address=temporal_address, verbose=verbose, json=json)
    return resume_run(workflow_id, output)

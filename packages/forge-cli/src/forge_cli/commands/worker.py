"""``forge worker``: serve runs of a configured Temporal server."""

from typing import Annotated

from cyclopts import Parameter

from forge_cli.exit_codes import ExitCode


def worker(
    *, temporal_address: Annotated[str | None, Parameter(env_var="FORGE_TEMPORAL_ADDRESS")] = None
) -> ExitCode:
    """Serve runs of a configured Temporal server until stopped.

    Runs are executed in this machine's repositories, with its keys and its store.

    Args:
        temporal_address: Temporal server as HOST:PORT. Default: the one configured for Temporal.
    """
    from forge_cli.serving import serve_runs  # noqa: PLC0415 - imports Temporal

    return serve_runs(temporal_address)

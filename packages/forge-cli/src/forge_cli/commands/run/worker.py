"""``forge worker``: serve runs of a configured Temporal server."""

from datetime import timedelta
from typing import Annotated

from cyclopts import Parameter
from cyclopts.validators import Number

from forge_cli.exit_codes import ExitCode
from forge_cli.options.types import whole


def worker(
    *,
    temporal_address: Annotated[str | None, Parameter(env_var="FORGE_TEMPORAL_ADDRESS")] = None,
    max_activities: Annotated[int, whole(1, 1000)] = 16,
    grace: Annotated[float, Parameter(validator=Number(gte=0))] = 30.0,
) -> ExitCode:
    """Serve runs of a configured Temporal server until stopped.

    Runs are executed in this machine's repositories, with its keys and its store. A run whose
    repository is not here is left to another worker.

    Args:
        temporal_address: Temporal server as HOST:PORT. [default: the one configured for Temporal]
        max_activities: Activities to execute at a time, model calls included.
        grace: Seconds that running activities get to finish when the worker is told to stop.
    """
    from forge_core.worker.worker import WorkerLimits  # noqa: PLC0415 - imports Temporal

    from forge_cli.actions.run.worker import serve_runs  # noqa: PLC0415

    return serve_runs(temporal_address, WorkerLimits(max_activities, timedelta(seconds=grace)))

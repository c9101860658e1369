"""``forge server``: the embedded Temporal server that commands share."""

from typing import Annotated

from cyclopts import Parameter
from cyclopts.validators import Number

from forge_cli.exit_codes import ExitCode
from forge_cli.options.types import Switch
from forge_cli.terminal.console import OutputFormat

Seconds = Annotated[float | None, Parameter(validator=Number(gte=0, lte=31_536_000))]


def start(*, idle_s: Seconds = None, no_ui: Switch = False, json: Switch = False) -> ExitCode:
    """Start the embedded server, or say where it runs.

    Commands start it when they need it. Start it yourself for Temporal's web interface, or to keep
    it running longer. It listens on this machine only and stops after a while without use.

    Args:
        idle_s: Seconds without use after which it stops. [default: FORGE_SERVER_IDLE_S, else 300]
        no_ui: Start it without the web interface.
        json: Print one JSON document instead.
    """
    from forge_cli.actions.house.server import start_server  # noqa: PLC0415 - imports Temporal

    return start_server(idle_s, OutputFormat.choose(json=json), ui=not no_ui)


def stop(*, json: Switch = False) -> ExitCode:
    """Stop the embedded server.

    Its data on runs is kept. It is not stopped while commands use it: end those first.

    Args:
        json: Print one JSON document instead.
    """
    from forge_cli.actions.house.server import stop_server  # noqa: PLC0415 - imports Temporal

    return stop_server(OutputFormat.choose(json=json))


def status(*, json: Switch = False) -> ExitCode:
    """Show whether the embedded server is running, where, and who uses it.

    Args:
        json: Print one JSON document instead.
    """
    from forge_cli.actions.house.server import show_server  # noqa: PLC0415 - imports Temporal

    return show_server(OutputFormat.choose(json=json))

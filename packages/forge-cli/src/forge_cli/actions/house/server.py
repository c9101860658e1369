"""Carrying out ``forge server``."""

import asyncio
from dataclasses import replace

from forge_core.embedded_server import status as control
from forge_core.embedded_server.settings import ServerSettings, load_server_settings
from forge_core.embedded_server.start import embedded_server
from forge_core.state_dir.locate import get_state_dir

from forge_cli.exit_codes import ExitCode
from forge_cli.render.health import build_server_status, render_server_status
from forge_cli.terminal.console import OutputFormat, print_note, print_text
from forge_cli.views.json_text import dump


def start_server(idle_s: float | None, output: OutputFormat, *, ui: bool) -> ExitCode:
    """Start the server unless it runs, and show it."""
    settings = replace(load_server_settings(), ui=ui)
    if idle_s is not None:
        settings = replace(settings, idle_s=idle_s)
    before = control.get_server_status(settings.directory).record
    asyncio.run(_start(settings))
    after = control.get_server_status(settings.directory).record
    if before is not None and before == after:
        _tell_differences(before.idle_s, settings, has_ui=before.ui_port is not None)
    return show_server(output)


def stop_server(output: OutputFormat) -> ExitCode:
    """Stop the server if it runs."""
    directory = get_state_dir()
    stopped = control.stop_server(directory)
    if output is OutputFormat.JSON:
        print_text(dump({"stopped": stopped is not None}))
    elif stopped is None:
        print_text("no server is running")
    else:
        print_text(f"server stopped (pid {stopped.server_pid})")
    return ExitCode.SUCCESS


def show_server(output: OutputFormat) -> ExitCode:
    """Show how the server stands."""
    status = control.get_server_status(get_state_dir())
    print_text(
        dump(build_server_status(status))
        if output is OutputFormat.JSON
        else render_server_status(status)
    )
    return ExitCode.SUCCESS


async def _start(settings: ServerSettings) -> None:
    async with embedded_server(settings, "forge server start"):
        pass


def _tell_differences(idle_s: float, settings: ServerSettings, *, has_ui: bool) -> None:
    if idle_s != settings.idle_s or (settings.ui and not has_ui):
        print_note(
            "note: the server was already running and keeps its settings; forge server stop ends it"
        )

"""The tree of commands: their names, the modules that hold them, and their help."""

from collections.abc import Mapping

from cyclopts import App

from forge_cli.help import HelpPages, read_help, render_examples
from forge_cli.options.common import build_launcher

COMMANDS: Mapping[str, str] = {
    "run": "run",
    "status": "status",
    "calls": "calls",
    "show": "show",
    "resume": "run",
    "cancel": "cancel",
    "worker": "worker",
    "config": "config",
    "clean": "clean",
    "completion": "completion",
    "doctor": "doctor",
    "demo": "demo",
    "server start": "server",
    "server stop": "server",
    "server status": "server",
    "db path": "db",
    "db upgrade": "db",
    "db check": "db",
    "db prune": "db",
    "db backup": "db",
    "db restore": "db",
    "db export": "db",
}
"""Modules by command; the function has the last word of the command as its name."""

GROUPS: Mapping[str, str] = {
    "server": "Look after the embedded Temporal server.",
    "db": "Find, check, upgrade, prune, back up, restore and export the store.",
}
"""Help of the groups of commands."""


def build_app(*, with_help: bool = True) -> App:
    """Build the application; a command's module is imported when the command is used.

    Args:
        with_help: Whether pages of help may be asked for. Without them it is built faster.
    """
    app = App(
        name="forge",
        help="Run LLM tasks on a git repository, with every model call on record.",
        help_epilogue=render_examples(""),
        help_format="plaintext",
        help_formatter=HelpPages(),
        version=_read_version,
        result_action="return_value",
        exit_on_error=False,
        print_error=False,
        suppress_keyboard_interrupt=False,
    )
    groups = {
        name: App(name=name, help=text, help_epilogue=render_examples(name))
        for name, text in GROUPS.items()
    }
    for command, module in COMMANDS.items():
        group, _, name = command.rpartition(" ")
        path = f"{__package__}.{module}"
        groups.get(group, app).command(
            f"{path}:{name}",
            name=name,
            help=read_help(path, name) if with_help else None,
            help_epilogue=render_examples(command),
        )
    for group_app in groups.values():
        app.command(group_app)
    app.meta.suppress_keyboard_interrupt = False  # it would end the process without a word
    app.meta.default(build_launcher(app))
    return app


def _read_version() -> str:
    from importlib.metadata import version  # noqa: PLC0415 - slow

    return version("forge-cli")

"""The tree of commands: their names, the modules that hold them, and their help."""

from collections.abc import Mapping
from keyword import iskeyword

from cyclopts import App, Group

from forge_cli.help import (
    USAGES,
    HelpPages,
    Section,
    make_console,
    read_help,
    render_epilogue,
    render_examples,
)
from forge_cli.options.common import GLOBAL_GROUP, build_launcher

COMMANDS: Mapping[str, str] = {
    "run": "run.run",
    "resume": "run.run",
    "cancel": "run.cancel",
    "demo": "run.demo",
    "worker": "run.worker",
    "status": "look.status",
    "logs": "look.status",
    "calls": "look.calls",
    "stats": "look.stats",
    "show": "look.show",
    "diff": "look.diff",
    "blame": "look.blame",
    "analyze": "look.analyze",
    "report": "share.report",
    "receive": "share.receive",
    "clean": "house.clean",
    "db path": "house.db",
    "db upgrade": "house.db",
    "db check": "house.db",
    "db prune": "house.db",
    "db archive": "house.db",
    "db unarchive": "house.db",
    "db backup": "house.db",
    "db restore": "house.db",
    "db export": "house.db",
    "db import": "house.db",
    "server start": "house.server",
    "server stop": "house.server",
    "server status": "house.server",
    "config": "house.config",
    "doctor": "house.doctor",
    "completion": "house.completion",
    "help": "house.help",
    "version": "house.help",
}
"""Modules by command; the function has the last word of the command as its name."""

SECTIONS: Mapping[str, tuple[str, ...]] = {
    "Run": ("run", "resume", "cancel", "demo", "worker"),
    "Look": ("status", "logs", "calls", "show", "diff", "blame", "stats", "analyze"),
    "Share": ("report", "receive", "db export", "db import"),
    "Keep house": ("clean", "db", "server", "config", "doctor", "completion", "help", "version"),
}
"""Where `forge --help` lists the commands, in this order; `db` and `server` stand for theirs."""

ALIASES: Mapping[str, str] = {"status": "ls"}
"""Other names by command."""

SYNONYMS: Mapping[str, tuple[str, ...]] = {
    "run": ("start", "new", "do", "exec"),
    "resume": ("continue", "retry", "restart"),
    "cancel": ("stop", "kill", "abort"),
    "status": ("list", "ps", "runs", "history"),
    "receive": ("listen", "collect", "ingest"),
    "show": ("cat", "view", "inspect", "get"),
    "clean": ("rm", "remove", "delete", "gc", "prune"),
    "doctor": ("check",),
    "config": ("settings",),
    "help": ("man",),
}
"""What commands are called elsewhere: proposed, not understood."""

GROUPS: Mapping[str, str] = {
    "server": "Look after the embedded Temporal server.",
    "db": "Look after the store: check, prune, archive, back up, export.",
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
        help_formatter=HelpPages(GLOBAL_GROUP.name, _describe_sections() if with_help else ()),
        group_parameters=Group.create_default_parameters("Options"),
        console=make_console() if with_help else None,
        version=_read_version,
        result_action="return_value",
        exit_on_error=False,
        print_error=False,
        suppress_keyboard_interrupt=False,
    )
    pages = HelpPages(GLOBAL_GROUP.name)
    groups = {
        name: App(name=name, help=text, help_epilogue=render_epilogue(name), help_formatter=pages)
        for name, text in GROUPS.items()
    }
    for command, module in COMMANDS.items():
        group, _, name = command.rpartition(" ")
        groups.get(group, app).command(
            f"{__package__}.{module}:{name_function(command)}",
            name=name,
            alias=ALIASES.get(command),
            synonym=SYNONYMS.get(command),
            help=_describe(command) if with_help else None,
            usage=USAGES.get(command),
            help_epilogue=render_epilogue(command),
            help_formatter=pages,
        )
    for group_app in groups.values():
        app.command(group_app)
    app.meta.suppress_keyboard_interrupt = False  # it would end the process without a word
    app.meta.default(build_launcher(app))
    return app


def _describe(command: str) -> str | None:
    return read_help(f"{__package__}.{COMMANDS[command]}", name_function(command))


def name_function(command: str) -> str:
    """Return the name of a command's function: its last word, unless Python has that itself."""
    name = command.rpartition(" ")[2]
    return f"{name}_" if iskeyword(name) else name


def _describe_sections() -> list[Section]:
    """Say of each command in a few words what it does."""
    return [
        Section(
            title,
            {
                ", ".join(filter(None, (command, ALIASES.get(command)))): (
                    GROUPS.get(command) or (_describe(command) or "").partition("\n")[0]
                )
                for command in commands
            },
        )
        for title, commands in SECTIONS.items()
    ]


def _read_version() -> str:
    from importlib.metadata import version  # noqa: PLC0415 - slow

    return version("forge-cli")

"""The cyclopts application behind the ``forge`` command, and how its errors are told."""

import os
import sys
from collections.abc import Mapping
from contextlib import suppress
from functools import partial
from types import TracebackType
from typing import NoReturn

from cyclopts import App, CycloptsError, UnusedCliTokensError

from forge_cli.errors import EXPECTED, find_exit_code
from forge_cli.exit_codes import ExitCode
from forge_cli.help import HelpPages, render_examples
from forge_cli.options.common import build_launcher, launch, may_have_global_options
from forge_cli.terminal.console import flush_output, ignore_no_width, prepare_streams
from forge_cli.terminal.early_signals import WORKER, find_command
from forge_cli.terminal.failure import describe_refusal, tell_failure

COMMANDS = {
    "run": "Run a task on a git repository and report what became of it.\n\n"
    "The work is done on a branch and in a worktree of its own: your checkout is left alone.",
    "status": "List recent runs, or show one of them.\n\n"
    "Reads the store of this machine (see `forge db path`) and changes nothing there.",
    "show": "Show one call of a model: what it was for, what it cost, and its texts, whole.\n\n"
    "A chosen text is written byte for byte, so that it can be piped.",
    "resume": "Go on with an interrupted run.\n\n"
    "Nothing that was done is done again, and no answer that has arrived is asked for again.",
    "cancel": "Cancel a run and clean up behind it.\n\n"
    "Its branch, its worktree and the claim on its task id stay; the output says where.",
    "worker": "Serve runs of a configured Temporal server until stopped.\n\n"
    "Runs are executed in this machine's repositories, with its keys and its store.",
    "config": "Show the configuration: each value and where it comes from.\n\n"
    "Options go before environment variables, those before configuration files.",
    "clean": "Remove worktrees, branches and claims of runs that have ended.\n\n"
    "Without a choice of runs it lists what they left and removes nothing.",
    "completion": "Print the completion script of a shell, or install it.\n\n"
    "With it the shell completes commands and options.",
    "doctor": "Look for what is missing or wrong on this machine, with a remedy for each.\n\n"
    "Changes nothing, starts nothing and calls no model.",
    "demo": "Run a planned task on a small bundled repository, without a model.\n\n"
    "The answers come from a script; Temporal, git, the checks and the record are real.",
}
"""Commands, each a function of its name, and their help."""

MODULES = {"resume": "run"}
"""Modules of the commands that have none of their own name."""

SERVER_COMMANDS = {
    "start": "Start the embedded server, or say where it runs.\n\n"
    "Commands start it by themselves; do it yourself for Temporal's web interface.",
    "stop": "Stop the embedded server.\n\n"
    "It keeps what it knows of runs, and is not stopped while commands use it.",
    "status": "Tell whether the embedded server runs, where, and who uses it.",
}
"""Commands below `forge server`."""

DB_COMMANDS = {
    "path": "Print the path of the store's database.",
    "upgrade": "Create the database, or bring it to this version's schema.",
    "check": "Check the database: schema, integrity, permissions, records that wait or are lost.",
    "prune": "Delete runs that ended long ago, with their calls, and give the disk back.",
    "backup": "Copy the database to a new file, also while it is in use.",
    "export": "Print every row of the store.",
}
"""Commands below `forge db`."""


def build_app() -> App:
    """Build the application; a command's module is imported when it is used."""
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
    for name, text in COMMANDS.items():
        _add_commands(app, MODULES.get(name, name), {name: text})
    db = App(
        name="db", help="Find, upgrade and check the store.", help_epilogue=render_examples("db")
    )
    _add_commands(db, "db", DB_COMMANDS, "db ")
    app.command(db)
    server = App(
        name="server",
        help="Look after the embedded Temporal server.",
        help_epilogue=render_examples("server"),
    )
    _add_commands(server, "server", SERVER_COMMANDS, "server ")
    app.command(server)
    app.meta.suppress_keyboard_interrupt = False  # it would end the process without a word
    app.meta.default(build_launcher(app))
    return app


def _add_commands(app: App, module: str, texts: Mapping[str, str | None], prefix: str = "") -> None:
    """Add functions of a module of commands, with their help; None leaves that to the function."""
    for name, text in texts.items():
        app.command(
            f"forge_cli.commands.{module}:{name}",
            name=name,
            help=text,
            help_epilogue=render_examples(f"{prefix}{name}"),
        )


def _read_version() -> str:
    from importlib.metadata import version  # noqa: PLC0415 - slow

    return version("forge-cli")


def main() -> None:
    """Run the command line of this process."""
    prepare_streams()
    ignore_no_width()
    argv = sys.argv[1:]
    sys.excepthook = partial(_report_bug, argv)
    _leave(call(argv))


def call(argv: list[str]) -> ExitCode:
    """Run a command line; whatever goes wrong becomes one line and an exit code."""
    app = build_app()
    try:
        result = _run(app, argv)
    except UnusedCliTokensError as error:
        words = " ".join(error.unused_tokens or ())
        reason = f"unexpected {words!r}: quote a text of several words, name ids by their option"
        return _fail(argv, ExitCode.USAGE, "UsageError", reason)
    except CycloptsError as error:
        return _fail(argv, ExitCode.USAGE, "UsageError", str(error))
    except KeyboardInterrupt:
        if find_command(argv) == WORKER:
            return ExitCode.SUCCESS
        return _fail(argv, ExitCode.INTERRUPTED, "Interrupted", "interrupted")
    except EXPECTED as error:
        return _fail(argv, find_exit_code(error), type(error).__name__, str(error))
    except OSError as error:
        refusal = describe_refusal(error)
        if refusal is None:
            raise
        _print_trace(error)
        return _fail(argv, ExitCode.INFRASTRUCTURE, type(error).__name__, refusal)
    return result if isinstance(result, ExitCode) else ExitCode.SUCCESS


def _run(app: App, argv: list[str]) -> object:
    """Run a command; help and versions, which rich prints, fail as other output does."""
    try:
        return app.meta(argv) if may_have_global_options(argv) else launch(app, argv)
    except OSError:
        flush_output()
        raise
    except SystemExit as error:
        if not isinstance(error.__context__, BrokenPipeError):
            raise
        return ExitCode.SUCCESS


def _fail(argv: list[str], code: ExitCode, error_type: str, message: str) -> ExitCode:
    return code if tell_failure(argv, error_type, message) else ExitCode.INFRASTRUCTURE


def _report_bug(
    argv: list[str], type_: type[BaseException], error: BaseException, _trace: TracebackType | None
) -> None:
    """Tell of an error that nobody expected, in one line, and exit."""
    _print_trace(error)
    reason = f"internal error: {type_.__name__}: {error} (FORGE_DEBUG=1 shows where)"
    _leave(_fail(argv, ExitCode.INFRASTRUCTURE, type_.__name__, reason))


def _print_trace(error: BaseException) -> None:
    """Print where an error comes from, if that is asked for."""
    if os.environ.get("FORGE_DEBUG"):
        import traceback  # noqa: PLC0415 - slow

        traceback.print_exception(error)


def _leave(code: ExitCode) -> NoReturn:
    """End the process without tearing the interpreter down.

    That would take a tenth of the time of a command that only reads, and threads of Temporal's core
    may still call into Python then, which crashes or hangs the process. What is to be kept has been
    written by now.
    """
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):
            stream.flush()
    os._exit(code)

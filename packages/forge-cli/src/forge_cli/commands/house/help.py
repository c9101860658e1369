"""``forge help`` and ``forge version``: the same as ``--help`` and ``--version``."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter
from forge_core.errors import UsageError

from forge_cli.exit_codes import ExitCode

if TYPE_CHECKING:
    from cyclopts.completion import CompletionContext


def _list_words(context: "CompletionContext") -> list[str]:
    """List the words that may come next of a command's name."""
    from forge_cli.commands import COMMANDS  # noqa: PLC0415 - it names this module

    typed = list(context["command"].raw_tokens)
    names = (command.split() for command in COMMANDS)
    return sorted({words[len(typed)] for words in names if words[: len(typed)] == typed != words})


def help(*command: Annotated[str, Parameter(completer=_list_words)]) -> ExitCode:  # noqa: A001 - the command's name
    """List all commands, or explain one.

    Args:
        command: The command, e.g. run or db prune.
    """
    from forge_cli.commands import COMMANDS, GROUPS, build_app  # noqa: PLC0415 - names this module

    app, name = build_app(), " ".join(command)
    if app.parse_commands(command)[2]:
        raise UsageError(f"unknown command {name!r}{_suggest(name, (*COMMANDS, *GROUPS))}")
    app.meta([*command, "--help"])
    return ExitCode.SUCCESS


def _suggest(name: str, commands: Iterable[str]) -> str:
    import difflib  # noqa: PLC0415 - for a mistake only

    near = difflib.get_close_matches(name, list(commands), n=1)
    return f": did you mean {near[0]!r}?" if near else ": `forge help` lists them all"


def version() -> ExitCode:
    """Print the version of Forge."""
    from forge_cli.commands import build_app  # noqa: PLC0415 - it names this module

    build_app(with_help=False).version_print()
    return ExitCode.SUCCESS

"""What is said of a command line that the library refuses: what is wrong, and how it is right."""

import re
import shlex
from collections.abc import Sequence

from cyclopts import CoercionError, CycloptsError, MissingArgumentError, UnusedCliTokensError
from cyclopts.exceptions import UnknownCommandError, UnknownOptionError

from forge_cli.help import USAGES

HINTS = {
    "--verbose": "the log is --log-level info, in short -v",
    "-m": "did you mean --model?",
    "-f": "did you mean --follow or --task-file?",
}
"""What an option of other programs is called here."""

NUMBERS = {float: "a number", int: "a whole number"}


def describe_usage_error(error: CycloptsError, argv: Sequence[str]) -> str:
    """Say in a sentence why a command line cannot be carried out.

    Args:
        error: The library's.
        argv: The words of the command line, without the program's name.
    """
    if isinstance(error, UnusedCliTokensError):
        return _describe_unused(error.unused_tokens or [], error.command_chain or (), argv)
    if isinstance(error, MissingArgumentError):
        return _describe_missing(error)
    if isinstance(error, UnknownCommandError):
        return re.sub(r" Available commands: .*", "", str(error)) + " `forge help` lists them."
    if isinstance(error, UnknownOptionError):
        return _describe_unknown_option(error)
    if isinstance(error, CoercionError):
        return _describe_conversion(error)
    return str(error)


def _describe_unused(unused: Sequence[str], chain: Sequence[str], argv: Sequence[str]) -> str:
    """Say what is wrong with words that are nobody's."""
    words, command = " ".join(unused), " ".join(chain)
    before = argv[argv.index(unused[0]) - 1] if unused and unused[0] in argv else ""
    option = argv[argv.index(before) - 1] if before in argv else ""
    if option in {"--target-file", "--context-file", "--check"}:
        return f"unexpected {words!r}: give {option} once for each"
    if command == "run" and before and not before.startswith("-"):
        text = shlex.quote(f"{before} {words}")
        return f"unexpected {words!r}: put the description in quotes, forge run {text}"
    if command == "calls" and before and not before.startswith("-") and before != command:
        text = shlex.quote(f"{before} {words}")
        return f"unexpected {words!r}: put the text in quotes, forge calls {text}"
    return f"unexpected {words!r}: {_show_usage(command)}"


def _describe_missing(error: MissingArgumentError) -> str:
    command = " ".join(error.command_chain or ())
    argument = error.argument
    option = (
        error.keyword or next((t.keyword for t in argument.tokens if t.keyword), None)
        if argument
        else None
    )
    if option is not None:
        return f"{option} needs a value: `forge {command} --help` says which"
    name = "argument" if argument is None else argument.name
    name = name if name.startswith("-") or len(name) == 1 else name.upper()
    name = "an argument" if len(name) == 1 else name  # one of several of a kind
    return f"{name} is missing: {_show_usage(command)}"


def _show_usage(command: str) -> str:
    """Show how a command is called."""
    usage = USAGES.get(command, f"forge {command} [OPTIONS]")
    return ", or ".join(line.strip() for line in usage.splitlines())


def _describe_unknown_option(error: UnknownOptionError) -> str:
    option = (error.token.keyword or error.token.value).partition("=")[0]
    message = str(error).rstrip(".")
    if "?" in message:
        return message
    command = " ".join(["forge", *(error.command_chain or ()), "--help"])
    return f"{message}: {HINTS.get(option, f'`{command}` lists the options')}"


def _describe_conversion(error: CoercionError) -> str:
    kind = NUMBERS.get(error.target_type) if error.target_type is not None else None
    if kind is None or error.token is None or error.msg is not None:
        return str(error)
    place = "the value" if error.argument is None else error.argument.name.lstrip("-").upper()
    return f"Invalid value for {error.token.keyword or place}: {error.token.value!r} is not {kind}"

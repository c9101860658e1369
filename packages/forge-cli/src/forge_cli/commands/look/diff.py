"""``forge diff``: what one call was told that another was not, and how two runs differ."""

from forge_cli.exit_codes import ExitCode
from forge_cli.options.look.diff import UnitOptions
from forge_cli.options.names import CallName, OptionalCall
from forge_cli.options.types import Switch
from forge_cli.terminal.console import OutputFormat
from forge_cli.terminal.pager import paged


def diff(
    a: CallName,
    b: OptionalCall = None,
    /,
    *,
    json: Switch = False,
    exit_code: Switch = False,
    unit: UnitOptions | None = None,
) -> ExitCode:
    """Compare two calls, or two runs.

    Calls are compared by the sections of their prompts and by their answers.

    With one run, what was repaired last is compared: the last attempt and the one before it, which
    shows what the last knew that the other did not. With one call it is the call before it for the
    same work. Two runs are compared attempt by attempt: outcome, tokens, cost, time, and the call
    in which they first differ.

    Exit code 0 means that both were read, whatever differs, as with git diff.

    Args:
        a: A run, or a call; @last is the newest run.
        b: What it is compared with, of the same kind.
        json: Print one JSON document instead.
        exit_code: Exit with 1 if something differs, as git diff --exit-code does.
        unit: Which calls of a run are compared.
    """
    from forge_cli.actions.look.diff import compare  # noqa: PLC0415 - imports SQLAlchemy

    output = OutputFormat.choose(json=json)
    with paged():
        is_same = compare(a, b, unit or UnitOptions(), output)
    return ExitCode.FAILED if exit_code and not is_same else ExitCode.SUCCESS

"""``forge show``: one model call in full."""

from typing import Annotated

from forge_core.errors import UsageError

from forge_cli.actions.look.show import show_call
from forge_cli.actions.look.units import read_last_call
from forge_cli.errors import NothingRecorded
from forge_cli.exit_codes import ExitCode
from forge_cli.options.look.show import LastCallOptions, TextOptions
from forge_cli.options.names import CallName
from forge_cli.options.types import Switch, whole
from forge_cli.store.queries import Store
from forge_cli.store.resolver import find_call, find_run
from forge_cli.terminal.console import OutputFormat, print_verbatim
from forge_cli.terminal.pager import paged
from forge_cli.views.calls.texts import get_text


def show(
    call: CallName,
    number: Annotated[int | None, whole(1)] = None,
    /,
    *,
    json: Switch = False,
    last: LastCallOptions | None = None,
    texts: TextOptions | None = None,
) -> ExitCode:
    """Show one model call in full.

    The page begins with the call's run, step, attempt and outcome and the commands for the other
    attempts. Then come the answer, as a diff against the files in its prompt, each edit with its
    line and with what was overlooked to find it; the prompts, section by section; and the manifest.

    A single text is written exactly as it is stored, so that it can be piped. On a terminal,
    control characters are shown as escapes.

    Args:
        call: Id of the call, or its first digits, four at least; @last is the last call of the
            newest run. With a number or --step: the run.
        number: Which call of the run, counted from 1.
        json: Print one JSON document instead.
        last: Which calls of a run the last is shown of.
        texts: Which text alone is printed.
    """
    names = (texts or TextOptions()).list_names()
    if len(names) > 1 or (names and json):
        raise UsageError(
            "--prompt, --system, --response, --reasoning, --context, --raw and --json are mutually "
            "exclusive"
        )
    if last is not None and number is not None:
        raise UsageError("a number and --step, --sub-task or --attempt are mutually exclusive")
    store = Store()
    interaction = (
        find_call(store, call, number)
        if last is None
        else read_last_call(store, find_run(store, call), last.filter)
    )
    with paged():
        if not names:
            return show_call(store, interaction, OutputFormat.choose(json=json))
        text = get_text(interaction, names[0])
        if text is None:
            raise NothingRecorded(f"no {names[0]} of this call is on record")
        print_verbatim(text)
    return ExitCode.SUCCESS

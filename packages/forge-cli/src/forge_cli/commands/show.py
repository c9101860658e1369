"""``forge show``: one model call in full."""

from typing import Annotated

from cyclopts import Group, Parameter
from forge_core.errors import UsageError

from forge_cli.actions.show import show_call
from forge_cli.errors import NothingRecorded
from forge_cli.exit_codes import ExitCode
from forge_cli.options.types import Switch
from forge_cli.store.queries import Store
from forge_cli.store.resolver import find_call
from forge_cli.terminal.console import OutputFormat, print_verbatim
from forge_cli.terminal.pager import paged
from forge_cli.views.calls.texts import get_text

PARTS = Group("Only one text, as it is stored", sort_key=1)
Part = Annotated[bool, Parameter(negative="", show_default=False, group=PARTS)]
"""An option that chooses a text."""


def show(
    interaction: str,
    number: int | None = None,
    /,
    *,
    prompt: Part = False,
    system: Part = False,
    response: Part = False,
    reasoning: Part = False,
    context: Part = False,
    raw: Part = False,
    json: Switch = False,
) -> ExitCode:
    """Show one model call in full: what it was for, what it cost, and its texts.

    The page begins with the call's run, step, attempt and outcome and the commands for the other
    attempts. Then come the answer, as a diff against the files in its prompt, each edit with its
    line and with what was overlooked to find it; the prompts, section by section; and the manifest.

    A single text is written exactly as it is stored, so that it can be piped. On a terminal,
    control characters are shown as escapes.

    Args:
        interaction: Its id as `forge status` shows it, or at least its first four digits; @last is
            the last call of the newest run. With a number: the run, called by its id, its task, a
            beginning or an end of either, or @last.
        number: Which call of the run, counted from 1.
        prompt: Print only the user prompt.
        system: Print only the system prompt.
        response: Print only the model's raw answer.
        reasoning: Print only what the model thought before it, where the provider told.
        context: Print only the list of the context's files, as JSON.
        raw: Print system prompt, user prompt and answer, each exactly as it is stored, below a line
            that names it and its length in characters.
        json: Print one JSON document instead.
    """
    parts = {
        "prompt": prompt,
        "system": system,
        "response": response,
        "reasoning": reasoning,
        "context": context,
        "raw": raw,
    }
    names = [name for name, is_given in parts.items() if is_given]
    if len(names) > 1 or (names and json):
        raise UsageError(
            "--prompt, --system, --response, --reasoning, --context, --raw and --json are mutually "
            "exclusive"
        )
    store = Store()
    call = find_call(store, interaction, number)
    with paged():
        if not names:
            return show_call(store, call, OutputFormat.choose(json=json))
        text = get_text(call, names[0])
        if text is None:
            raise NothingRecorded(f"no {names[0]} of this call is on record")
        print_verbatim(text)
    return ExitCode.SUCCESS

"""``forge show``: one model call in full."""

from typing import Annotated

from cyclopts import Group, Parameter
from forge_core.errors import UsageError
from forge_obs import Interaction

from forge_cli.errors import NothingRecorded
from forge_cli.exit_codes import ExitCode
from forge_cli.options.types import Switch
from forge_cli.render.interactions import name_call, render_interaction
from forge_cli.render.json_documents import build_call
from forge_cli.store.prices import load_prices
from forge_cli.store.queries import Store
from forge_cli.store.resolver import find_call
from forge_cli.terminal.console import OutputFormat, print_text, print_verbatim
from forge_cli.terminal.pager import paged
from forge_cli.views.json_text import dump
from forge_cli.views.reasoning import read_reasoning

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
    json: Switch = False,
) -> ExitCode:
    """Show one model call in full: what it was for, what it cost, and its texts.

    An answer is shown as a diff against the files in its prompt, each edit with its line and with
    what was overlooked to find it.

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
        json: Print one JSON document instead.
    """
    parts = {
        "prompt": prompt,
        "system": system,
        "response": response,
        "reasoning": reasoning,
        "context": context,
    }
    names = [name for name, is_given in parts.items() if is_given]
    if len(names) > 1 or (names and json):
        raise UsageError(
            "--prompt, --system, --response, --reasoning, --context and --json are mutually "
            "exclusive"
        )
    call = find_call(Store(), interaction, number)
    with paged():
        if names:
            print_verbatim(_choose_text(call, names[0]))
        else:
            _show_whole(call, OutputFormat.choose(json=json))
    return ExitCode.SUCCESS


def _show_whole(call: Interaction, output: OutputFormat) -> None:
    prices = load_prices([call])
    if output is OutputFormat.JSON:
        print_text(dump({"interaction": build_call(call, prices, verbose=True)}))
    else:
        changes = _render_changes(call)
        print_text(render_interaction(call, f"call {name_call(call)}", prices, changes=changes))


def _render_changes(call: Interaction) -> str | None:
    """Render an answer as a diff, which needs the models of the engine only if it names files."""
    response = call.response or ""
    if not any(word in response for word in ("file_path", "deletions", "context_request")):
        return None
    from forge_cli.render.answer import render_answer  # noqa: PLC0415 - takes its time

    return render_answer(call)


def _choose_text(call: Interaction, name: str) -> str:
    texts = {
        "prompt": call.user_prompt,
        "system": call.system_prompt,
        "response": call.response,
        "reasoning": read_reasoning(call.messages_json),
        "context": call.context_manifest_json,
    }
    text = texts[name]
    if text is None:
        raise NothingRecorded(f"no {name} of this call is on record")
    return text

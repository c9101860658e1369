"""Carrying out ``forge show``: one call as a page, or as a document."""

import os
import sys
from typing import TYPE_CHECKING

from forge_obs import Interaction

from forge_cli.errors import UnknownWorkflow
from forge_cli.exit_codes import ExitCode
from forge_cli.store.prices import load_prices
from forge_cli.store.queries import Store
from forge_cli.terminal.console import OutputFormat, get_width, print_text
from forge_cli.views.calls.place import CallPlace, locate_call
from forge_cli.views.comparison.answers import names_files
from forge_cli.views.json_text import dump

if TYPE_CHECKING:
    from rich.text import Text

    from forge_cli.render.calls.highlight import Highlighter


def show_call(store: Store, call: Interaction, output: OutputFormat) -> ExitCode:
    """Show a call with its place in its run.

    Raises:
        StoreError: The store cannot be read.
    """
    prices, place = load_prices([call]), find_place(store, call)
    if output is OutputFormat.JSON:
        from forge_cli.render.json_documents import build_shown_call  # noqa: PLC0415

        print_text(dump(build_shown_call(call, place, prices)))
        return ExitCode.SUCCESS
    from forge_cli.render.calls.page import CallPage, Canvas, render_page  # noqa: PLC0415

    canvas = Canvas(get_width(), _choose_highlighter())
    page = CallPage(call, place, prices, _render_changes(call, canvas.highlight, canvas.width))
    print_text(render_page(page, canvas))
    return ExitCode.SUCCESS


def find_place(store: Store, call: Interaction) -> CallPlace | None:
    """Find where a call stands in its run; None where no run has it."""
    if call.workflow_id is None:
        return None
    try:
        view, calls, _ = store.get_run(call.workflow_id, _find_run_id(call), texts=False)
    except UnknownWorkflow:
        return None
    return locate_call(call, view, calls)


def _find_run_id(call: Interaction) -> str | None:
    """Return the run that a call belongs to; None where the call does not say."""
    return call.root_run_id or (None if call.sub_task_id else call.run_id)


def _choose_highlighter() -> "Highlighter":
    """Return what colours code: nothing off a terminal, and where no colours are wanted."""
    from forge_cli.render.calls.highlight import highlight, plain  # noqa: PLC0415 - imports rich

    has_colors = sys.stdout.isatty() and not os.environ.get("NO_COLOR")
    return highlight if has_colors and os.environ.get("TERM", "dumb") != "dumb" else plain


def _render_changes(
    call: Interaction, highlight: "Highlighter", width: int | None
) -> "Text | None":
    """Render an answer as a diff, which needs the models of the engine only if it names files."""
    if not names_files(call):
        return None
    from forge_cli.render.calls.answer import render_answer  # noqa: PLC0415 - takes its time

    return render_answer(call, highlight, width)

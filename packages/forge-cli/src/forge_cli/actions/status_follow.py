"""Carrying out ``forge status --follow``: showing what changes until it ends."""

import sys
import time
from contextlib import suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from forge_core.errors import UsageError
from forge_obs import StoreError
from rich.text import Text

from forge_cli.exit_codes import ExitCode
from forge_cli.render.runs import render_run_list, render_run_news
from forge_cli.runs.progress import build_progress, stamp
from forge_cli.store.filters import RunFilter
from forge_cli.store.queries import STORE_OFF, Store
from forge_cli.terminal.console import print_text
from forge_cli.terminal.live_screen import Screen, is_live

if TYPE_CHECKING:
    from forge_cli.views.run import RunView

INTERVAL_S = 1.0
"""Seconds between two looks at the store."""


def follow_run(store: Store, workflow_id: str) -> bool:
    """Show a run until it is under way no more, or the process is told to stop.

    Returns:
        Whether it is under way no more.

    Raises:
        UnknownWorkflow: There is no such run.
        StoreError: The store cannot be read at first; later it is tried again.
    """
    view = store.get_run_view(workflow_id)
    progress = build_progress(store, view.run.workflow_id, sys.stdout, print_text)
    try:
        progress.started(f"{view.status}, on {view.run.repo_root or 'an unknown repository'}")
        while _is_running(store, view.run.workflow_id):
            progress.look(())
            time.sleep(INTERVAL_S)
        progress.look(())
    except KeyboardInterrupt:
        return False
    finally:
        progress.close()
    return True


def _is_running(store: Store, workflow_id: str) -> bool:
    """Tell whether a run is under way, as far as the store can be read."""
    try:
        return store.find_status(workflow_id) == "running"
    except StoreError:
        return True


def follow_runs(store: Store, query: RunFilter) -> ExitCode:
    """Show the list of runs, brought up to date until the process is told to stop.

    Raises:
        UsageError: The store is off.
        StoreError: The store cannot be read at first; later it is tried again.
    """
    if store.path is None:
        raise UsageError(f"cannot follow: {STORE_OFF}")
    with suppress(KeyboardInterrupt):
        if is_live(sys.stdout):
            _follow_on_screen(store, query)
        else:
            _follow_in_lines(store, query)
    return ExitCode.SUCCESS


def _follow_on_screen(store: Store, query: RunFilter) -> None:
    shown = store.list_runs(query)

    def render(width: int, height: int) -> Text:
        listed = render_run_list(shown[:height], width=width).split("\n")[: max(1, height - 2)]
        moment = f"{datetime.now(UTC):%H:%M:%S} UTC, Ctrl-C ends"
        return Text("\n", no_wrap=True).join([*listed, Text(moment, style="dim")])

    screen = Screen(sys.stdout, render)
    screen.open()
    try:
        while True:
            time.sleep(INTERVAL_S)
            with suppress(StoreError):
                shown = store.list_runs(query)
    finally:
        screen.close()


def _follow_in_lines(store: Store, query: RunFilter) -> None:
    before: list[RunView] = []
    while True:
        with suppress(StoreError):
            after = store.list_runs(query)
            for line in render_run_news(before, after):
                print_text(stamp(line))
            before = after
        time.sleep(INTERVAL_S)

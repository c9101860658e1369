"""Carrying out ``forge status --follow``: one run, or all of them, until they end or you do."""

import os
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from forge_core.errors import ForgeError
from forge_core.models.run import PendingActivity
from forge_core.state_dir.locate import get_state_dir
from forge_obs import RUNNING, StoreError
from rich.text import Text

from forge_cli.exit_codes import ExitCode
from forge_cli.render.live.state import LiveState
from forge_cli.render.live.top import RunLine, render_top
from forge_cli.render.runs.layout import Layout
from forge_cli.render.runs.run_list import render_run_list, render_run_news
from forge_cli.runs.progress import build_progress, read_state, stamp
from forge_cli.store.filters import RunFilter
from forge_cli.store.queries import Store, require_path
from forge_cli.terminal.console import print_text
from forge_cli.terminal.live_screen import Screen, is_live
from forge_cli.views.request import read_request
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
        progress.started(
            f"{view.status}, on {view.run.repo_root or 'an unknown repository'}",
            read_request(view.run.description, view.run.request_json),
        )
        while _is_running(store, view.run.workflow_id):
            progress.look(_ask_pending(view.run.workflow_id))
            time.sleep(INTERVAL_S)
        progress.look(())
    except KeyboardInterrupt:
        return False
    finally:
        progress.close()
    return True


def _ask_pending(workflow_id: str) -> Sequence[PendingActivity]:
    """Ask what a run is about, for a screen; lines tell what the record tells."""
    if not is_live(sys.stdout):
        return ()
    from forge_core.runs.state import ask_pending  # noqa: PLC0415 - imports Temporal

    try:
        return ask_pending(workflow_id, os.environ, get_state_dir())
    except ForgeError:  # the record tells enough
        return ()


def _is_running(store: Store, workflow_id: str) -> bool:
    """Return whether a run is under way, as far as the store can be read."""
    try:
        return store.find_status(workflow_id) == RUNNING
    except StoreError:
        return True


def follow_runs(store: Store, query: RunFilter) -> ExitCode:
    """Show runs, brought up to date until the process is told to stop: those under way first.

    Raises:
        StoreError: The store is off, or cannot be read at first; later it is tried again.
    """
    require_path()
    with suppress(KeyboardInterrupt):
        if is_live(sys.stdout):
            _follow_on_screen(store, query)
        else:
            _follow_in_lines(store, query)
    return ExitCode.SUCCESS


@dataclass(frozen=True, slots=True)
class _Runs:
    """What is shown of runs."""

    lines: tuple[RunLine, ...]
    others: tuple[RunView, ...]


def _follow_on_screen(store: Store, query: RunFilter) -> None:
    shown = _read_runs(store, query)

    def render(width: int, height: int) -> Text:
        """Render what was read last, in this many columns and lines."""
        others = shown.others[:height]
        listed = render_run_list(others, Layout(width)) if others else Text()
        now = datetime.now(UTC).astimezone()
        return render_top(shown.lines, listed, now, width=width, height=height)

    screen = Screen(sys.stdout, render)
    screen.open()
    try:
        while True:
            time.sleep(INTERVAL_S)
            with suppress(StoreError):
                shown = _read_runs(store, query)
    finally:
        screen.close()


def _read_runs(store: Store, query: RunFilter) -> _Runs:
    """Read the runs under way, however old they are, and the newest of the others."""
    newest = store.list_runs(query)
    under_way = [view for view in newest if view.status == RUNNING]
    if query.status is None and len(newest) >= query.limit:
        under_way = store.list_runs(replace(query, status=RUNNING))
    return _Runs(
        tuple(RunLine(view.run.task_id, _read_line(store, view)) for view in under_way),
        tuple(view for view in newest if view.status != RUNNING),
    )


def _read_line(store: Store, view: RunView) -> LiveState:
    run = view.run
    request = read_request(run.description, run.request_json)
    return read_state(store, LiveState(run.workflow_id, run.created_at, request=request), ())


def _follow_in_lines(store: Store, query: RunFilter) -> None:
    before: list[RunView] = []
    after = store.list_runs(query)
    while True:
        for line in render_run_news(before, after):
            print_text(stamp(line))
        before = after
        time.sleep(INTERVAL_S)
        with suppress(StoreError):
            after = store.list_runs(query)

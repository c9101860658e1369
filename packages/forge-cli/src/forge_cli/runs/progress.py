"""Telling a run's progress while it goes on: on a screen, or in lines."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Protocol, TextIO

from forge_core.models.run import PendingActivity
from forge_obs import RUNNING, Interaction, StoreError
from rich.text import Text

from forge_cli.render.live.events import Look, render_pending_events, render_progress
from forge_cli.render.live.frame import render_live
from forge_cli.render.live.state import NO_REQUEST, LiveState
from forge_cli.store.prices import load_prices
from forge_cli.store.queries import Store
from forge_cli.terminal.live_screen import Screen, is_live
from forge_cli.views.outline import build_outline
from forge_cli.views.request import RequestView
from forge_cli.views.result import build_result_view
from forge_cli.views.run import RunView

Print = Callable[[str], object]


class Progress(Protocol):
    """Told how a run stands."""

    @property
    def point(self) -> str:
        """How many of its steps are done, e.g. ``1/3``; empty where that is not known."""

    def started(self, where: str, request: RequestView = NO_REQUEST) -> None:
        """Told once that the run is under way, where, and what was asked for."""

    def look(self, pending: Sequence[PendingActivity]) -> None:
        """Look at the record, knowing what the server says of the run."""

    def close(self, *, paused: bool = False) -> None:
        """Give the terminal back.

        Args:
            paused: Whether the run rests from now on.
        """


def build_progress(store: Store, workflow_id: str, stream: TextIO, tell: Print) -> Progress:
    """Choose how to report progress on a stream.

    Args:
        store: Read for what has happened.
        workflow_id: The run's.
        stream: Where it is told.
        tell: Prints a line on it.
    """
    if is_live(stream):
        return LiveProgress(store, workflow_id, stream, tell)
    return LineProgress(store, workflow_id, lambda line: tell(stamp(line)))


def stamp(line: str) -> str:
    """Put the present moment before a line."""
    return f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ} {line}"


class LiveProgress:
    """Shows one view that is kept up to date."""

    def __init__(self, store: Store, workflow_id: str, stream: TextIO, tell: Print) -> None:
        self._store = store
        self._tell = tell
        self._state = LiveState(workflow_id, datetime.now(UTC))
        self._screen = Screen(stream, self._render)

    @property
    def point(self) -> str:
        """How many of its steps are done, e.g. ``1/3``; empty where that is not known."""
        return read_point(self._store, self._state.workflow_id)

    def started(self, where: str, request: RequestView = NO_REQUEST) -> None:
        """Tell where the run works, and show how it stands from now on."""
        self._state = replace(self._state, request=request)
        self._tell(f"run {self._state.workflow_id}: {where}")
        self._screen.open()

    def look(self, pending: Sequence[PendingActivity]) -> None:
        """Bring what is shown up to date."""
        self._state = read_state(self._store, self._state, pending)

    def close(self, *, paused: bool = False) -> None:
        """Leave the view as it is, for good."""
        if paused:
            self._state = read_state(self._store, self._state, (), paused=True)
        self._screen.close()

    def _render(self, width: int, height: int) -> Text:
        return render_live(self._state, datetime.now(UTC), width=width, height=height)


def read_point(store: Store, workflow_id: str) -> str:
    """Read how many steps of a run are done, e.g. ``1/3``; empty where that is not known."""
    run = read_run(store, workflow_id)
    return run[0].result.describe_steps() if run is not None and run[0].result.plan else ""


def read_state(
    store: Store, state: LiveState, pending: Sequence[PendingActivity], *, paused: bool = False
) -> LiveState:
    """Read how a run stands; a store that cannot be read leaves what was known of it.

    Args:
        store: Where it is read.
        state: What was known.
        pending: What the server says of the run.
        paused: Whether it has just been stopped, unless the store says that it has ended.
    """
    ended = datetime.now(UTC) if paused else None
    run = read_run(store, state.workflow_id)
    if run is None:
        return replace(state, pending=tuple(pending), ended=ended)
    view, calls = run
    is_running = view.status == RUNNING and not paused
    ended = ended if view.status == RUNNING else None
    return LiveState(
        state.workflow_id,
        view.run.created_at,
        build_outline(view.result, calls, running=is_running),
        load_prices(calls),
        tuple(pending),
        view.result.budget,
        state.request,
        view.status,
        ended,
    )


def read_run(store: Store, workflow_id: str) -> tuple[RunView, list[Interaction]] | None:
    """Read a run and its calls; None where they cannot be read."""
    try:
        return store.find_run(workflow_id)
    except StoreError:
        return None


class LineProgress:
    """Tells one line per event."""

    def __init__(self, store: Store, workflow_id: str, tell: Print) -> None:
        self._store = store
        self._workflow_id = workflow_id
        self._tell = tell
        self._last = Look(build_result_view({}))
        self._pending: Sequence[PendingActivity] = ()

    @property
    def point(self) -> str:
        """How many of its steps are done, e.g. ``1/3``; empty where that is not known."""
        return read_point(self._store, self._workflow_id)

    def started(self, where: str, request: RequestView = NO_REQUEST) -> None:  # noqa: ARG002
        """Tell the run's id and where it works; what it has done before is not news.

        Read before it is told: whoever reads the line may count on what comes after it.
        """
        run = read_run(self._store, self._workflow_id)
        if run is not None:
            self._last = Look(run[0].result, run[1])
        self._tell(f"run {self._workflow_id}: {where}")

    def look(self, pending: Sequence[PendingActivity]) -> None:
        """Tell what happened since the last look."""
        run = read_run(self._store, self._workflow_id)
        if run is None:
            lines = list(render_pending_events(self._workflow_id, self._pending, pending))
        else:
            now = Look(run[0].result, run[1])
            lines, self._last = render_progress(self._last, now), now
        self._pending = pending
        for line in lines:
            self._tell(line)

    def close(self, *, paused: bool = False) -> None:
        """Nothing is to be done: what was told stays."""

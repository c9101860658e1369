"""Reading the store for the commands; nothing is created, migrated or locked."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from heapq import merge
from itertools import islice
from pathlib import Path
from typing import overload

from forge_obs import (
    INTERRUPTED,
    RUNNING,
    Interaction,
    Run,
    RunQuery,
    StoreError,
    get_backlog,
    get_db_path,
    get_interaction,
    get_interactions,
    get_run,
    get_shown_status,
    iterate_call_figures,
    iterate_interactions,
    iterate_runs,
    list_run_models,
    list_workflow_ids,
    open_reader,
)
from sqlalchemy import Engine

from forge_cli.errors import UnknownInteraction, UnknownWorkflow
from forge_cli.escape import escape_line
from forge_cli.render.health import render_pending
from forge_cli.store.model_filter import choose_models
from forge_cli.store.prices import extend_prices, load_prices
from forge_cli.store.successor import find_successor
from forge_cli.views.costs import NO_PRICES, Prices, Tally, tally_call, tally_calls
from forge_cli.views.run import RunView, build_run_view

STORE_OFF = "the store is off: FORGE_DB_PATH is empty"

NOTHING_YET = "no runs recorded yet"

NEWEST_RUNS = 1000
"""Runs among which answers of a model are looked for."""

RUNS_A_READ = 100
"""Runs that are in memory at once where any number may be wanted."""


@dataclass(frozen=True, slots=True)
class RunFilter:
    """Which runs are wanted; None asks for any."""

    limit: int = 20
    task_id: str | None = None
    status: str | None = None
    """As shown: `running` and `interrupted` are stored as the same."""
    model: str | None = None
    """As `choose_models` takes it."""
    since: datetime | None = None

    @property
    def narrows(self) -> bool:
        """Whether any run may be left out."""
        return any((self.task_id, self.status, self.model, self.since))


@dataclass(frozen=True, kw_only=True, slots=True)
class CallFilter:
    """Which calls of a run are wanted; None asks for any."""

    step_id: str | None = None
    sub_task_id: str | None = None
    attempt: int | None = None
    role: str | None = None
    failed: bool = False

    def wants(self, call: Interaction) -> bool:
        """Tell whether a call is among them."""
        return (
            self.step_id in {None, call.step_id}
            and self.sub_task_id in {None, call.sub_task_id}
            and self.attempt in {None, call.attempt}
            and self.role in {None, call.role}
            and not (self.failed and call.status == "ok")
        )


def read_recent_runs(path: Path, chosen: RunFilter) -> list[RunView]:
    """Read the newest runs, newest first; none where there is no database."""
    return list(iterate_recent_runs(path, chosen))


def iterate_recent_runs(path: Path, chosen: RunFilter) -> Iterator[RunView]:
    """Read the newest runs, newest first, a few at a time."""
    engine = open_reader(path)
    if engine is None:
        return
    batch = min(chosen.limit, RUNS_A_READ)
    found = islice(_list_shown(engine, chosen, batch), chosen.limit)
    while page := list(islice(found, batch)):
        tallies, prices = _tally(engine, [run.workflow_id for run, _ in page])
        viewer = _Viewer(engine, prices)
        for run, status in page:
            yield viewer.view(run, tallies.get(run.workflow_id), status)


def _list_shown(engine: Engine, chosen: RunFilter, batch: int) -> Iterator[tuple[Run, str]]:
    """List runs with their shown status, which only looking at the process tells."""
    unsettled = chosen.status in {RUNNING, INTERRUPTED}
    stored = RUNNING if unsettled else chosen.status
    wanted = RunQuery(_as_kept(chosen.task_id), stored, None, chosen.since)
    for run in _list_of_model(engine, wanted, _as_kept(chosen.model), batch):
        status = get_shown_status(run)
        if chosen.status in {None, status}:
            yield run, status


def _list_of_model(
    engine: Engine, wanted: RunQuery, model: str | None, batch: int
) -> Iterator[Run]:
    """List runs that asked for a model; those that it answered, if none asked for such a one."""
    if model is None:
        return iterate_runs(engine, wanted, batch=batch)
    asked = choose_models(model, list_run_models(engine))
    if not asked:
        return _list_answered(engine, wanted, model)
    found = [iterate_runs(engine, replace(wanted, model_name=m), batch=batch) for m in asked]
    return merge(*found, key=lambda run: (run.created_at, run.id or 0), reverse=True)


def _list_answered(engine: Engine, wanted: RunQuery, model: str) -> Iterator[Run]:
    """List runs by the models of their calls, of which there is no index."""
    newest = list(islice(iterate_runs(engine, wanted), NEWEST_RUNS))
    runs_by_model: dict[str, set[str]] = {}
    for call in iterate_call_figures(engine, [run.workflow_id for run in newest]):
        runs_by_model.setdefault(call.model_name, set()).add(call.workflow_id or "")
    answered = {run for name in choose_models(model, runs_by_model) for run in runs_by_model[name]}
    return (run for run in newest if run.workflow_id in answered)


def read_interaction(path: Path | None, wanted: str) -> Interaction:
    """Read one call with its texts.

    Raises:
        UnknownInteraction: There is no such call.
        AmbiguousId: Several begin with these digits.
        StoreError: The store cannot be read.
    """
    engine = open_reader(path) if path is not None else None
    found = get_interaction(engine, _as_kept(wanted)) if engine is not None else None
    if found is None:
        reason = STORE_OFF if path is None else "`forge status --workflow-id ID` lists the calls"
        raise UnknownInteraction(f"no call {wanted!r} is on record: {reason}")
    return found


def read_run(
    path: Path | None, workflow_id: str, *, texts: bool
) -> tuple[RunView, list[Interaction], Prices]:
    """Read one run, its calls, with their texts if asked for, and the prices of their models.

    Raises:
        UnknownWorkflow: There is no such run; the message names similar ones.
        StoreError: The store cannot be read.
    """
    workflow_id = _as_kept(workflow_id)
    engine = _open(path, workflow_id)
    calls = get_interactions(engine, workflow_id=workflow_id, texts=texts)
    run = _find_run(engine, workflow_id, calls)
    prices = load_prices(calls)
    return _Viewer(engine, prices).view(run, tally_calls(calls, prices)), calls, prices


def require_run(path: Path | None, workflow_id: str) -> RunView:
    """Read one run without its calls, of which only the sums are told.

    Raises:
        UnknownWorkflow: There is no such run; the message names similar ones.
        StoreError: The store cannot be read.
    """
    workflow_id = _as_kept(workflow_id)
    engine = _open(path, workflow_id)
    calls = iterate_interactions(engine, workflow_id, texts=False, batch=1)
    run = _find_run(engine, workflow_id, islice(calls, 1))
    tallies, prices = _tally(engine, [workflow_id])
    return _Viewer(engine, prices).view(run, tallies.get(workflow_id))


def _find_run(engine: Engine, workflow_id: str, calls: Iterable[Interaction]) -> Run:
    """Read a run, or stand in for one whose row was lost while its calls were kept."""
    run = get_run(engine, workflow_id)
    if run is not None:
        return run
    for first in calls:
        return Run(workflow_id=workflow_id, task_id=first.task_id, created_at=first.created_at)
    raise _unknown(engine, workflow_id)


@dataclass(frozen=True, slots=True)
class _Viewer:
    """Makes views of the runs of a store."""

    engine: Engine
    prices: Prices = NO_PRICES

    def view(self, run: Run, totals: Tally | None, status: str | None = None) -> RunView:
        """Make a view of a run, which says itself how it stands unless somebody knows already."""
        shown = status or (get_shown_status(run) if run.status else "unknown")
        price_data = self.prices.version if totals is not None and totals.paid else ""
        view = build_run_view(run, shown, totals, datetime.now(UTC), price_data)
        if shown != INTERRUPTED:
            return view
        return replace(view, successor=find_successor(self.engine, run))


def _tally(engine: Engine, workflow_ids: Sequence[str]) -> tuple[dict[str, Tally], Prices]:
    """Sum the calls of workflows; none has an entry without calls."""
    prices, tallies = NO_PRICES, dict[str, Tally]()
    for call in iterate_call_figures(engine, workflow_ids):
        prices = extend_prices(prices, call)
        workflow_id = call.workflow_id or ""
        tallies[workflow_id] = tallies.get(workflow_id, Tally()) + tally_call(call, prices)
    return tallies, prices


def iterate_calls(path: Path, workflow_id: str, *, texts: bool) -> Iterator[Interaction]:
    """Read the calls of a run in the order of recording, a few at a time."""
    engine = open_reader(path)
    if engine is not None:
        yield from iterate_interactions(engine, _as_kept(workflow_id), texts=texts)


def _open(path: Path | None, workflow_id: str) -> Engine:
    engine = open_reader(path) if path is not None else None
    if engine is None:
        reason = STORE_OFF if path is None else NOTHING_YET
        raise UnknownWorkflow(f"no run {workflow_id!r} is on record: {reason}")
    return engine


def _unknown(engine: Engine, workflow_id: str) -> UnknownWorkflow:
    near = _find_near(engine, workflow_id)
    waiting = get_backlog(engine.url.database or "").pending
    reason = f": {render_pending(waiting)}" if waiting and not near else _suggest(near)
    return UnknownWorkflow(f"no run {workflow_id!r} is on record{reason}")


def read_calls(workflow_id: str) -> list[Interaction] | None:
    """Read a run's calls with their texts; None where the store is off or missing."""
    path = get_db_path()
    engine = open_reader(path) if path is not None else None
    return get_interactions(engine, workflow_id=workflow_id) if engine is not None else None


def read_status(workflow_id: str) -> str | None:
    """Read a run's status as it is shown; None where nothing is on record."""
    path = get_db_path()
    engine = open_reader(path) if path is not None else None
    run = get_run(engine, workflow_id) if engine is not None else None
    return None if run is None else get_shown_status(run)


def read_live(workflow_id: str) -> tuple[RunView, list[Interaction]] | None:
    """Read how a run stands, without the texts of its calls; None where nothing is on record."""
    path = get_db_path()
    engine = open_reader(path) if path is not None else None
    run = get_run(engine, workflow_id) if engine is not None else None
    if engine is None or run is None:
        return None
    calls = get_interactions(engine, workflow_id=workflow_id, texts=False)
    return _Viewer(engine).view(run, tally_calls(calls, NO_PRICES)), calls


@overload
def _as_kept(text: str) -> str: ...


@overload
def _as_kept(text: str | None) -> str | None: ...


def _as_kept(text: str | None) -> str | None:
    """Write odd bytes of an argument as `record()` keeps them."""
    return text and text.encode(errors="backslashreplace").decode()


def describe_similar(workflow_id: str) -> str:
    """Name the recorded runs whose ids are near an unknown one, as the end of a sentence."""
    path = get_db_path()
    try:
        engine = open_reader(path) if path is not None else None
        near = _find_near(engine, workflow_id) if engine is not None else []
    except StoreError:
        near = []
    return _suggest([found for found in near if found != workflow_id])


def _find_near(engine: Engine, workflow_id: str) -> list[str]:
    import difflib  # noqa: PLC0415 - for a mistake only

    return difflib.get_close_matches(workflow_id, list_workflow_ids(engine), n=3, cutoff=0.5)


def _suggest(near: Sequence[str]) -> str:
    if not near:
        return ": `forge status` lists the recent ones"
    return f": did you mean {' or '.join(map(escape_line, near))}?"

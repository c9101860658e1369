"""The store of this machine as commands read it; nothing is created, migrated or locked."""

import logging
import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from heapq import merge
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from forge_obs import (
    BUDGET,
    INTERRUPTED,
    RUNNING,
    Interaction,
    Run,
    RunQuery,
    StoreError,
    StoreReader,
    StoreUnavailable,
    get_db_path,
    get_shown_status,
)

from forge_cli.errors import UnknownInteraction, UnknownWorkflow
from forge_cli.escape import escape_line
from forge_cli.render.health import render_pending
from forge_cli.store.filters import RunFilter, choose_models
from forge_cli.store.names import MOST_NAMED, SHORTEST_PART, list_near, suggest
from forge_cli.store.prices import extend_prices, load_prices
from forge_cli.store.resumption import find_lack, find_successor
from forge_cli.views.costs import NO_PRICES, Prices, Tally, tally_call, tally_calls
from forge_cli.views.run import FAILED, FAILURES, RunView, build_run_view

if TYPE_CHECKING:
    from forge_obs import Backlog

STORE_OFF = "the store is off: FORGE_DB_PATH is empty"

DB_VARIABLE = "FORGE_DB_PATH"
"""By which a user, or --db, names the database."""

NOTHING_YET = "no runs recorded yet; `forge demo` plays one without a model"

DIGITS = re.compile(r"[0-9a-f]{8,32}")
"""What calls are named by."""

MAX_ANSWERED_RUNS = 1000
"""Newest runs among whose calls the answers of a model are looked for."""

RUNS_PER_READ = 100
"""Runs that are in memory at once where any number may be asked for."""

_log = logging.getLogger("forge.cli")

Tallies = dict[tuple[str, str | None], Tally]
"""Sums over calls, by workflow and run."""


def require_path() -> Path:
    """Return the path of the store's database, which need not exist.

    Raises:
        StoreUnavailable: The store is off.
        StoreError: There is no home directory to have one in.
    """
    database = get_db_path()
    if database is None:
        raise StoreUnavailable(STORE_OFF)
    return database


class Store:
    """The store that the environment names, opened once by a command and handed down.

    A database that is created later is still found.
    """

    def __init__(self) -> None:
        self._opened: StoreReader | None = None

    @property
    def path(self) -> Path | None:
        """The database; None where the store is off.

        Raises:
            StoreError: There is no home directory to have one in.
        """
        return get_db_path()

    @property
    def reader(self) -> StoreReader | None:
        """What reads the database; None where there is none."""
        if self._opened is None:
            self._opened = StoreReader.open(self.path)
            if self._opened is not None:
                _log.info("store: %s", self.path)
        return self._opened

    def get_backlog(self) -> "Backlog":
        """Count the records that are not in the database."""
        from forge_obs import Backlog, get_backlog  # noqa: PLC0415 - they load what writes

        path = self.path
        return Backlog() if path is None else get_backlog(path)

    def list_runs(self, query: RunFilter) -> list[RunView]:
        """Read the newest runs, newest first; none where there is no database."""
        return list(self.iterate_runs(query))

    def iterate_runs(self, query: RunFilter) -> Iterator[RunView]:
        """Read the newest runs, newest first, a few at a time."""
        if self.reader is None:
            return
        batch = min(query.limit, RUNS_PER_READ)
        runs = islice(_list_shown(self.reader, query, batch), query.limit)
        while page := list(islice(runs, batch)):
            tallies, prices = _tally(self.reader, [run.workflow_id for run, _ in page])
            for run, status in page:
                totals = tallies.get((run.workflow_id, run.run_id))
                yield _build_view(self.reader, run, totals, prices, status)

    def count_other_calls(self, query: RunFilter) -> int:
        """Count the calls that no run can show; of a status or a model none are looked for."""
        if self.reader is None or query.status is not None or query.model is not None:
            return 0
        task_id = query.task_id and as_recorded(query.task_id)
        return self.reader.count_calls_without_workflow(task_id, query.since)

    def get_run(
        self, workflow_id: str, run_id: str | None = None, *, texts: bool
    ) -> tuple[RunView, list[Interaction], Prices]:
        """Read one run, its calls, with their texts if asked for, and the prices of their models.

        Args:
            workflow_id: Its workflow.
            run_id: Which run of the workflow; the newest if None.
            texts: Read prompts and answers, too.

        Raises:
            UnknownWorkflow: There is no such run; the message names similar ones.
            StoreError: The store cannot be read.
        """
        workflow_id, reader = as_recorded(workflow_id), self._require_reader(workflow_id)
        run = _require_run(reader, workflow_id, run_id)
        calls = reader.get_interactions(workflow_id=workflow_id, run_id=run.run_id, texts=texts)
        prices = load_prices(calls)
        return _build_view(reader, run, tally_calls(calls, prices), prices), calls, prices

    def get_run_view(self, workflow_id: str, run_id: str | None = None) -> RunView:
        """Read one run, the newest if none is named, without its calls but with their sums.

        Raises:
            UnknownWorkflow: There is no such run; the message names similar ones.
            StoreError: The store cannot be read.
        """
        workflow_id, reader = as_recorded(workflow_id), self._require_reader(workflow_id)
        run = _require_run(reader, workflow_id, run_id)
        tallies, prices = _tally(reader, [workflow_id])
        return _build_view(reader, run, tallies.get((workflow_id, run.run_id)), prices)

    def list_other_runs(self, run: Run) -> list[str]:
        """Read the ids of the other runs of a run's workflow, in the order of recording."""
        ids = [] if self.reader is None else self.reader.list_run_ids(run.workflow_id)
        return [run_id for run_id in ids if run_id is not None and run_id != run.run_id]

    def find_run(self, workflow_id: str) -> tuple[RunView, list[Interaction]] | None:
        """Read a run and its calls without their texts; None where nothing is on record."""
        run = self.reader.get_run(workflow_id) if self.reader is not None else None
        if self.reader is None or run is None:
            return None
        calls = self.reader.get_interactions(
            workflow_id=workflow_id, run_id=run.run_id, texts=False
        )
        return _build_view(self.reader, run, tally_calls(calls, NO_PRICES), NO_PRICES), calls

    def find_status(self, workflow_id: str) -> str | None:
        """Read a run's status as it is shown; None where nothing is on record."""
        run = self.reader.get_run(workflow_id) if self.reader is not None else None
        return None if run is None else get_shown_status(run)

    def get_call(self, id_or_prefix: str) -> Interaction:
        """Read one call with its texts.

        Raises:
            UnknownInteraction: There is no such call; the message names similar ones.
            AmbiguousId: Several ids begin with these digits.
            StoreError: The store cannot be read.
        """
        reader = self.reader
        call = reader.get_interaction(as_recorded(id_or_prefix)) if reader is not None else None
        if call is None:
            hint = "`forge status RUN` lists the calls of a run"
            if reader is not None and (near := _list_near_calls(reader, as_recorded(id_or_prefix))):
                hint = f"near it are {', '.join(map(escape_line, near))}"
            reason = STORE_OFF if self.path is None else hint
            raise UnknownInteraction(f"no call {id_or_prefix!r} is on record: {reason}")
        return call

    def read_again(self, call: Interaction) -> Interaction:
        """Read a call once more, with its texts.

        Raises:
            UnknownInteraction: It was pruned meanwhile.
            StoreError: The store cannot be read.
        """
        return self.get_call(call.entry_id or str(call.id))

    def list_call_ids(self, workflow_id: str) -> list[str]:
        """Read what the calls of a workflow's newest run are called by, in order.

        Raises:
            UnknownWorkflow: There is no such run; the message names similar ones.
            StoreError: The store cannot be read.
        """
        reader = self._require_reader(workflow_id)
        run = _require_run(reader, as_recorded(workflow_id), None)
        calls = reader.iterate_interactions(run.workflow_id, run.run_id, texts=False, batch=100)
        return [call.entry_id or str(call.id) for call in calls]

    def list_calls(self, workflow_id: str) -> list[Interaction]:
        """Read the calls of a workflow's newest run, with texts; none without a database."""
        reader = self.reader
        if reader is None:
            return []
        run = reader.get_run(workflow_id)
        run_id = None if run is None else run.run_id
        return reader.get_interactions(workflow_id=workflow_id, run_id=run_id)

    def iterate_calls(self, run: Run, *, texts: bool) -> Iterator[Interaction]:
        """Read the calls of a run in the order of recording, a few at a time."""
        if self.reader is not None:
            yield from self.reader.iterate_interactions(run.workflow_id, run.run_id, texts=texts)

    def suggest_similar(self, workflow_id: str) -> str:
        """Name the recorded runs whose ids are near an unknown one, as the end of a sentence."""
        if self.reader is None:
            return suggest([])
        try:
            near, call = (
                _list_near(self.reader, workflow_id),
                _name_run_of_call(self.reader, workflow_id),
            )
        except StoreError:
            near, call = [], ""
        return call or suggest([name for name in near if name != workflow_id])

    def explain_emptiness(self) -> str:
        """Say why nothing is on record: of a file that was named also which one is missing."""
        if self.path is None:
            return STORE_OFF
        if self.reader is None and os.environ.get(DB_VARIABLE):
            return f"no runs recorded yet; there is no database at {escape_line(str(self.path))}"
        return NOTHING_YET

    def _require_reader(self, workflow_id: str) -> StoreReader:
        if self.reader is None:
            reason = self.explain_emptiness()
            raise UnknownWorkflow(f"no run {workflow_id!r} is on record: {reason}")
        return self.reader


def _list_shown(reader: StoreReader, query: RunFilter, batch: int) -> Iterator[tuple[Run, str]]:
    """List runs with their shown status, which only looking at the process tells."""
    task_id, model = (text and as_recorded(text) for text in (query.task_id, query.model))
    statuses = FAILURES if query.status == FAILED else (query.status,)
    stored = dict.fromkeys(RUNNING if status == INTERRUPTED else status for status in statuses)
    queries = [RunQuery(task_id, status, None, query.since) for status in stored]
    for run in _merge([_list_of_model(reader, each, model, batch) for each in queries]):
        status = get_shown_status(run)
        if query.status is None or status in statuses:
            yield run, status


def _list_of_model(
    reader: StoreReader, query: RunQuery, model: str | None, batch: int
) -> Iterator[Run]:
    """List runs that asked for a model; if no run asked for it, those that it answered."""
    if model is None:
        return reader.iterate_runs(query, batch=batch)
    names = choose_models(model, reader.list_run_models())
    if not names:
        return _list_answered(reader, query, model)
    return _merge(
        [reader.iterate_runs(replace(query, model_name=name), batch=batch) for name in names]
    )


def _merge(lists: Sequence[Iterator[Run]]) -> Iterator[Run]:
    """Merge lists of runs, each newest first, into one."""
    return merge(*lists, key=lambda run: (run.created_at, run.id or 0), reverse=True)


def _list_answered(reader: StoreReader, query: RunQuery, model: str) -> Iterator[Run]:
    """List runs by the models of their calls, of which there is no index."""
    newest = list(islice(reader.iterate_runs(query), MAX_ANSWERED_RUNS))
    ids_by_model: dict[str, set[str]] = {}
    for call in reader.iterate_call_figures([run.workflow_id for run in newest]):
        ids_by_model.setdefault(call.model_name, set()).add(call.workflow_id or "")
    answered = {name for key in choose_models(model, ids_by_model) for name in ids_by_model[key]}
    return (run for run in newest if run.workflow_id in answered)


def _require_run(reader: StoreReader, workflow_id: str, run_id: str | None) -> Run:
    """Read a run; where its row was lost and its calls were kept, build one from a call."""
    run = reader.get_run(workflow_id, run_id)
    if run is not None:
        return run
    for first in reader.iterate_interactions(workflow_id, run_id, texts=False, batch=1):
        return Run(
            workflow_id=workflow_id,
            run_id=run_id or first.root_run_id,
            task_id=first.task_id,
            created_at=first.created_at,
        )
    others = [] if run_id is None else reader.list_run_ids(workflow_id)
    if others:
        named = ", ".join(escape_line(other or "one without an id") for other in others)
        raise UnknownWorkflow(f"no run {run_id!r} of {workflow_id!r} is on record: it has {named}")
    near, waiting = _list_near(reader, workflow_id), reader.get_backlog().pending
    reason = f": {render_pending(waiting)}" if waiting and not near else suggest(near)
    reason = _name_run_of_call(reader, workflow_id) or reason
    raise UnknownWorkflow(f"no run {workflow_id!r} is on record{reason}")


def _name_run_of_call(reader: StoreReader, entry_id: str) -> str:
    """Say of which run a call is that was taken for one; empty where it is no call."""
    call_ids = reader.list_entry_ids(entry_id, 2) if DIGITS.fullmatch(entry_id) else []
    call = reader.get_interaction(call_ids[0]) if len(call_ids) == 1 else None
    if call is None:
        return ""
    if call.workflow_id is None:
        return f": it is a call without a run: forge show {entry_id}"
    return f": it is a call of run {escape_line(call.workflow_id)}"


def _list_near_calls(reader: StoreReader, entry_id: str) -> list[str]:
    """List the calls that share the most first digits with an unknown one, three at least."""
    digits = entry_id.replace("-", "").lower()
    for length in range(len(digits) - 1, SHORTEST_PART - 1, -1):
        if near := reader.list_entry_ids(digits[:length], MOST_NAMED):
            return near
    return []


def _build_view(
    reader: StoreReader, run: Run, totals: Tally | None, prices: Prices, status: str | None = None
) -> RunView:
    """Build the view of a run, whose shown status is looked up unless it is given."""
    shown = status or (get_shown_status(run) if run.status else "unknown")
    price_data = prices.version if totals is not None and totals.paid else ""
    view = build_run_view(run, shown, totals, datetime.now(UTC), price_data)
    if shown not in {BUDGET, INTERRUPTED}:
        return view
    return replace(view, successor=find_successor(reader, run), lack=find_lack(view))


def _tally(reader: StoreReader, workflow_ids: Sequence[str]) -> tuple[Tallies, Prices]:
    """Sum the calls of each run of workflows; one without calls has no entry."""
    prices, tallies = NO_PRICES, Tallies()
    for call in reader.iterate_call_figures(workflow_ids):
        prices = extend_prices(prices, call)
        run = (call.workflow_id or "", call.root_run_id)
        tallies[run] = tallies.get(run, Tally()) + tally_call(call, prices)
    return tallies, prices


def as_recorded(text: str) -> str:
    """Write undecodable bytes of an argument as `record()` keeps them."""
    return text.encode(errors="backslashreplace").decode()


def _list_near(reader: StoreReader, workflow_id: str) -> list[str]:
    return list_near(workflow_id, reader.list_names())

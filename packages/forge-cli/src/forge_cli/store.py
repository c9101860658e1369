"""Reading the store for the commands; nothing is created, migrated or locked."""

import difflib
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from forge_obs.process import get_db_path
from forge_obs.rows import Interaction, Run
from forge_obs.store import (
    get_call_totals,
    get_interactions,
    get_run,
    get_shown_status,
    list_recent_runs,
    list_workflow_ids,
    open_reader,
)

from forge_cli.errors import UnknownWorkflow
from forge_cli.render.text import escape_line
from forge_cli.render.tree import ResultView, parse_result
from forge_cli.render.views import RunView, build_run_view, sum_calls

STORE_OFF = "the store is off: FORGE_DB_PATH is empty"


def read_recent_runs(path: Path, limit: int) -> list[RunView]:
    """Read the newest runs, newest first; none where there is no database."""
    engine = open_reader(path)
    if engine is None:
        return []
    runs = list_recent_runs(engine, limit)
    totals = get_call_totals(engine, [run.workflow_id for run in runs])
    now = datetime.now(UTC)
    return [
        build_run_view(run, get_shown_status(run), totals.get(run.workflow_id), now) for run in runs
    ]


def read_run(
    path: Path | None, workflow_id: str, *, texts: bool
) -> tuple[RunView, list[Interaction]]:
    """Read one run and its calls, with their texts if asked for.

    Raises:
        UnknownWorkflow: There is no such run; the message names similar ones.
        StoreError: The store cannot be read.
    """
    workflow_id = workflow_id.encode(errors="backslashreplace").decode()  # as record() keeps it
    engine = open_reader(path) if path is not None else None
    if engine is None:
        reason = STORE_OFF if path is None else "no runs recorded yet"
        raise UnknownWorkflow(f"no run {workflow_id!r} is on record: {reason}")
    run = get_run(engine, workflow_id)
    interactions = get_interactions(engine, workflow_id=workflow_id, texts=texts)
    if run is None and not interactions:
        near = difflib.get_close_matches(workflow_id, list_workflow_ids(engine), n=3, cutoff=0.5)
        raise UnknownWorkflow(f"no run {workflow_id!r} is on record" + _suggest(near))
    run = run or _infer_run(workflow_id, interactions)
    status = get_shown_status(run) if run.status else "unknown"
    now = datetime.now(UTC)
    return build_run_view(run, status, sum_calls(interactions), now), interactions


def read_calls(workflow_id: str) -> list[Interaction] | None:
    """Read a run's calls with their texts; None where the store is off or missing."""
    path = get_db_path()
    engine = open_reader(path) if path is not None else None
    return get_interactions(engine, workflow_id=workflow_id) if engine is not None else None


def read_progress(workflow_id: str) -> ResultView | None:
    """Read what a run has done so far; None where nothing is on record."""
    path = get_db_path()
    engine = open_reader(path) if path is not None else None
    run = get_run(engine, workflow_id) if engine is not None else None
    return parse_result(run.result_json) if run is not None else None


def _suggest(near: Sequence[str]) -> str:
    if not near:
        return ": `forge status` lists the recent ones"
    return f": did you mean {' or '.join(map(escape_line, near))}?"


def _infer_run(workflow_id: str, interactions: list[Interaction]) -> Run:
    """Stand in for a run whose row was lost while its calls were kept."""
    first = interactions[0]
    return Run(workflow_id=workflow_id, task_id=first.task_id, created_at=first.created_at)

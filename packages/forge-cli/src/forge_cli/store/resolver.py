"""From what users call runs and calls to what is on record: the one way for every command.

See D83. `find_run` is for commands that show a run, `find_run_to_change` for those that act on it,
`find_call` for a call of a model.
"""

from collections.abc import Sequence
from datetime import datetime

from forge_obs import (
    BUDGET,
    RUNNING,
    Interaction,
    Run,
    RunQuery,
    StoreError,
    StoreReader,
    get_shown_status,
)

from forge_cli.errors import AmbiguousName, UnknownInteraction, UnknownWorkflow
from forge_cli.escape import escape_line
from forge_cli.store.names import (
    BRANCH,
    LAST,
    MOST_NAMED,
    can_be_part,
    choose_runs,
    fits_one_task,
)
from forge_cli.store.queries import Store, as_recorded

MAX_RUNS = 20
"""Newest runs of a task that are looked at, and most ids that begin or end with a name."""

OPEN = frozenset({RUNNING, BUDGET})
"""Recorded statuses of a run that has not ended."""


def find_run(store: Store, name: str) -> str:
    """Return the workflow id of the run that a name fits, of a task the newest.

    A name that fits none is returned as it is: calls may be on record whose run's row was lost, and
    reading the run names those that are near.

    Raises:
        UnknownWorkflow: `@last`, and no run is on record.
        AmbiguousName: It fits runs of several tasks.
        StoreError: The store cannot be read.
    """
    runs = _list_fitting(store, name)
    if runs:
        return runs[0].workflow_id
    root = name.partition("/")[0]  # of a sub-task's workflow, as Temporal names it
    is_of_sub_task = root != name and store.reader is not None and store.reader.get_run(root)
    return root if is_of_sub_task else name


def find_run_to_change(store: Store, name: str) -> str:
    """Return the workflow id of the run that a name fits, of a task the one that has not ended.

    A name that fits none is returned as it is: a run of a configured server need not be on record
    here. So it is where the store cannot be read, unless only that can tell the run.

    Raises:
        UnknownWorkflow: `@last`, and no run is on record.
        AmbiguousName: It fits runs of several tasks, or several that have not ended.
        StoreError: `@last`, and the store cannot be read.
    """
    try:
        runs = _list_fitting(store, name)
    except StoreError:
        if name == LAST:
            raise
        return name
    unfinished = [run for run in runs if run.status in OPEN]
    if len({run.workflow_id for run in unfinished}) > 1:
        raise _ambiguous(name, unfinished)
    best = unfinished or runs
    return best[0].workflow_id if best else name


def list_open_tasks(store: Store) -> list[str]:
    """List the tasks of the newest runs that have not ended, at most five."""
    reader = store.reader
    if reader is None:
        return []
    lists = [reader.list_recent_runs(MOST_NAMED, RunQuery(status=status)) for status in OPEN]
    runs = sorted((run for runs in lists for run in runs), key=_get_age, reverse=True)
    return list(dict.fromkeys(run.task_id for run in runs if not run.broken))[:MOST_NAMED]


def find_call(store: Store, name: str, number: int | None = None) -> Interaction:
    """Read the call that a name fits, with its texts.

    Args:
        store: Where it is on record.
        name: Its id or the beginning of that, or its row's number; `@last` for the last call of the
            newest run. With a number: what its run is called by.
        number: Which call of the run, from 1 in the order of recording.

    Raises:
        UnknownInteraction: There is no such call; the message names near ones.
        UnknownWorkflow: There is no such run.
        AmbiguousName: The name fits several runs.
        AmbiguousId: It fits several calls.
        StoreError: The store cannot be read.
    """
    if number is not None:
        return _get_call_of_run(store, name, number)
    if name == LAST:
        return _get_call_of_run(store, name, -1)
    try:
        return store.get_call(name)
    except UnknownInteraction:
        run = _find_run_alone(store, name)
        if run is None:
            raise
        raise UnknownInteraction(
            f"{name!r} is a run: forge status {escape_line(run)} shows it, forge show "
            f"{escape_line(run)} 1 its first call"
        ) from None


def _get_call_of_run(store: Store, name: str, number: int) -> Interaction:
    workflow_id = find_run(store, name)
    calls = store.list_call_ids(workflow_id)
    position = number - 1 if number > 0 else number
    if not -len(calls) <= position < len(calls):
        has = f"{len(calls):,}" if calls else "no"
        raise UnknownInteraction(f"run {workflow_id} has {has} calls on record")
    return store.get_call(calls[position])


def _find_run_alone(store: Store, name: str) -> str | None:
    """Return the run that a name fits, if it fits one."""
    try:
        runs = _list_fitting(store, name)
    except AmbiguousName:
        return None
    return runs[0].workflow_id if runs else None


def _list_fitting(store: Store, name: str) -> list[Run]:
    """List the runs that a name fits best, newest first, all of one task.

    Raises:
        UnknownWorkflow: `@last`, and no run is on record.
        AmbiguousName: They are of several tasks.
        StoreError: The store cannot be read.
    """
    reader = store.reader
    if name == LAST:
        return [_get_last(store, reader)]
    if reader is None:
        return []
    name = as_recorded(name)
    exact = reader.get_run(name)
    if exact is not None:
        return [exact]
    runs = reader.list_recent_runs(MAX_RUNS, RunQuery(name.removeprefix(BRANCH)))
    if not runs and can_be_part(name):
        runs = _list_candidates(reader, name)
    fitting = [run for run in choose_runs(name, runs) if not run.broken]
    if len({run.workflow_id for run in fitting}) > 1 and not fits_one_task(fitting):
        raise _ambiguous(name, fitting)
    return fitting


def _get_last(store: Store, reader: StoreReader | None) -> Run:
    runs = reader.list_recent_runs(1) if reader is not None else []
    if not runs:
        raise UnknownWorkflow(f"no run is the last: {store.explain_emptiness()}")
    return runs[0]


def _list_candidates(reader: StoreReader, part: str) -> list[Run]:
    """List, newest first, runs of whose ids a text may be the beginning or the end."""
    tasks = reader.list_task_ids_like(part, MAX_RUNS)
    a_task = MAX_RUNS if len(tasks) == 1 else 1
    lists = [reader.list_recent_runs(a_task, RunQuery(task)) for task in tasks]
    runs = {run.workflow_id: run for of_task in lists for run in of_task}
    for workflow_id in reader.list_workflow_ids_like(part, MAX_RUNS):
        run = None if workflow_id in runs else reader.get_run(workflow_id)
        if run is not None:
            runs[workflow_id] = run
    return sorted(runs.values(), key=_get_age, reverse=True)


def _get_age(run: Run) -> tuple[datetime, int]:
    """Return what runs are ordered by, as lists have them."""
    return run.created_at, run.id or 0


def _ambiguous(name: str, runs: Sequence[Run]) -> AmbiguousName:
    named = ", ".join(
        f"{escape_line(run.workflow_id)} ({escape_line(get_shown_status(run))})"
        for run in runs[:MOST_NAMED]
    )
    others = ", and others" if len(runs) > MOST_NAMED else ""
    return AmbiguousName(f"{name!r} fits several runs: {named}{others}")

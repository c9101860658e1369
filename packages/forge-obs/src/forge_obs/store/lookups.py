"""Questions that a few columns answer: names of runs and calls, sizes, figures, numbers.

Each asks an index where there is one, and reads a store of any age. What takes an engine raises
what `queries.reading` raises.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, Engine, column, func, null, select, table

from forge_obs.database.engines import list_columns
from forge_obs.database.private.engine import get_driver
from forge_obs.database.rows.archived import FrameCache, measure_prompts
from forge_obs.model.columns import PROVIDER
from forge_obs.model.rows import ARCHIVE_ID, FIGURES
from forge_obs.model.sanitize import clean_text
from forge_obs.store.queries import Field, Values, join_facts, reading

_IDS_A_QUERY: Final = 500
_ROWS_A_FETCH: Final = 1000

_LAST_CHARACTER: Final = "\U0010ffff"


def fetch_entry_ids(connection: Connection, prefix: str, limit: int) -> list[str]:
    """Read, in order, ids of entries that begin with some text."""
    if "entry_id" not in list_columns(connection, "interactions"):
        return []
    entry_id: Field = column("entry_id")
    statement = select(entry_id).select_from(table("interactions"))
    statement = statement.where(_begins_with(entry_id, prefix)).order_by(entry_id).limit(limit)
    return [str(name) for name in connection.execute(statement).scalars()]


def _begins_with(field: Field, prefix: str) -> ColumnElement[bool]:
    """Compare with the first and the last text that has a beginning, for which an index serves."""
    return (field >= prefix) & (field < prefix + _LAST_CHARACTER)


def fetch_run_names(engine: Engine, name: str, part: str, limit: int) -> list[str]:
    """Read, each once, workflow ids or task ids of runs that begin or end with some text.

    Beginnings are looked up in an index; for ends a whole one is read, 15 ms of 100,000 runs.
    Raises what `reading` raises.

    Args:
        engine: Of the database.
        name: The column, `workflow_id` or `task_id`.
        part: The text; not empty.
        limit: Most names of either kind.
    """
    field: Field = column(name)
    ends_with = func.substr(field, -len(part)) == part
    statement = select(field).distinct().select_from(table("runs")).limit(limit)
    with reading(engine) as connection:
        if name not in list_columns(connection, "runs"):
            return []
        names: dict[str, None] = {}
        for fits in (_begins_with(field, part), ends_with):
            names |= dict.fromkeys(map(str, connection.execute(statement.where(fits)).scalars()))
        return list(names)


def fetch_prompt_sizes(
    engine: Engine, request_model: str, sample_size: int
) -> list[tuple[int, int]]:
    """Read characters and input tokens of a model's answered calls; raises what `reading` raises.

    Args:
        engine: Of the database.
        request_model: The model as requested.
        sample_size: Newest calls, of all models, to look at.
    """
    names = ("origin", "usage_known", "status", "request_model", "input_tokens")
    with reading(engine) as connection:
        present = list_columns(connection, "interactions")
        if not set(present).issuperset(names):
            return []
        archive_id: Field = column(ARCHIVE_ID.name) if ARCHIVE_ID.name in present else null()
        columns = ("id", *names, "system_prompt", "user_prompt")
        newest = (
            select(*(column(name) for name in columns), archive_id.label("archive"))
            .select_from(table("interactions"))
            .order_by(column("id").desc())
            .limit(sample_size)
            .subquery()
        ).columns
        chars = func.length(newest.system_prompt) + func.length(newest.user_prompt)
        statement = select(newest.id, newest.archive, chars, newest.input_tokens).where(
            newest.origin == PROVIDER,
            newest.usage_known == 1,
            newest.status == "ok",
            newest.request_model == request_model,
            newest.input_tokens > 0,
        )
        frames, driver = FrameCache(), get_driver(connection)
        return [
            (int(length) or measure_prompts(driver, number, archive, frames), int(tokens))
            for number, archive, length, tokens in connection.execute(statement).all()
        ]


def fetch_run_models(engine: Engine) -> list[str]:
    """Read the models that runs asked for, in order; raises what `reading` raises.

    Each is looked up in the index by the one before: reading all of it takes a hundred times longer
    where there are many runs.
    """
    model_name: Field = column("model_name")
    lowest = select(func.min(model_name)).select_from(table("runs"))
    with reading(engine) as connection:
        if "model_name" not in list_columns(connection, "runs"):
            return []
        models: list[str] = []
        beyond = lowest
        while (name := connection.execute(beyond).scalar()) is not None:
            models.append(str(name))
            beyond = lowest.where(model_name > name)
        return models


def fetch_figures(engine: Engine, workflow_ids: Sequence[str]) -> Iterator[Values]:
    """Read the figures of the calls of workflows by the index on `workflow_id`, a few at a time.

    Raises what `reading` raises.
    """
    with reading(engine) as connection:
        present = list_columns(connection, "interactions")
        if "workflow_id" not in present:
            return
        workflow_id: Field = column("workflow_id")
        source, facts = join_facts(connection, "interactions")
        readable = {*present, *facts}
        columns: list[Field] = [column(name) for name in FIGURES if name in readable]
        statement = select(*columns).select_from(source)
        for start in range(0, len(workflow_ids), _IDS_A_QUERY):
            some = workflow_ids[start : start + _IDS_A_QUERY]
            runs = _fetch_run_ids(connection, some)
            rows = connection.execute(statement.where(workflow_id.in_(some)))
            for row in map(dict, rows.yield_per(_ROWS_A_FETCH).mappings()):
                yield {**row, "root_run_id": _find_root_run(row, runs)}


def _fetch_run_ids(connection: Connection, workflow_ids: Sequence[str]) -> dict[str, list[Any]]:
    """Read the ids of the runs of workflows, of those that have none None."""
    present = list_columns(connection, "runs")
    if not {"workflow_id", "run_id"}.issubset(present):
        return {}
    workflow_id: Field = column("workflow_id")
    own: Field = column("run_id")
    statement = select(workflow_id, own).select_from(table("runs"))
    runs: dict[str, list[Any]] = {}
    for name, run_id in connection.execute(statement.where(workflow_id.in_(workflow_ids))):
        runs.setdefault(name, []).append(run_id)
    return runs


def _find_root_run(row: Values, runs: Mapping[str, list[Any]]) -> object:
    """Return the run that a call belongs to, as `is_of_run` chooses; None where that is none."""
    root = row.get("root_run_id")
    run_ids = runs.get(str(row.get("workflow_id")), [])
    if root is not None or not run_ids:
        return root
    own = row.get("run_id")
    return run_ids[0] if len(run_ids) == 1 else own if own in run_ids else None


def fetch_run_ids(engine: Engine, workflow_id: str) -> list[str | None]:
    """Read the ids of the runs of a workflow; raises what `reading` raises."""
    with reading(engine) as connection:
        run_ids = _fetch_run_ids(connection, [workflow_id]).get(workflow_id, [])
        return [None if name is None else clean_text(name)[0] for name in run_ids]


def count_calls_without_workflow(engine: Engine, task_id: str | None, since: str | None) -> int:
    """Count calls that name no workflow, by indexes; raises what `reading` raises.

    Args:
        engine: Of the database.
        task_id: Only those of this task.
        since: Only those made at or after this moment, in the words of `created_at`.
    """
    workflow_id: Field = column("workflow_id")
    statement = select(func.count()).select_from(table("interactions")).where(workflow_id.is_(None))
    for name, compare in (("task_id", task_id), ("created_at", since)):
        if compare is not None:
            value: Field = column(name)
            statement = statement.where(value == compare if name == "task_id" else value >= compare)
    with reading(engine) as connection:
        if "workflow_id" not in list_columns(connection, "interactions"):
            return 0
        return int(connection.execute(statement).scalar_one())

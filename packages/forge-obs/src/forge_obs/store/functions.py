"""The methods of `StoreReader` as functions of an engine."""

from collections.abc import Iterator, Sequence

from sqlalchemy import Engine

from forge_obs.model.rows import Interaction, Run
from forge_obs.store.reader import RunQuery, StoreReader


def get_interaction(engine: Engine, id_or_prefix: int | str) -> Interaction | None:
    """See `StoreReader.get_interaction`."""
    return StoreReader(engine).get_interaction(id_or_prefix)


def iterate_runs(engine: Engine, query: RunQuery, *, batch: int = 100) -> Iterator[Run]:
    """See `StoreReader.iterate_runs`."""
    return StoreReader(engine).iterate_runs(query, batch=batch)


def iterate_interactions(
    engine: Engine, workflow_id: str, *, texts: bool = True, batch: int = 16
) -> Iterator[Interaction]:
    """See `StoreReader.iterate_interactions`."""
    return StoreReader(engine).iterate_interactions(workflow_id, texts=texts, batch=batch)


def iterate_call_figures(engine: Engine, workflow_ids: Sequence[str]) -> Iterator[Interaction]:
    """See `StoreReader.iterate_call_figures`."""
    return StoreReader(engine).iterate_call_figures(workflow_ids)


def list_run_models(engine: Engine) -> list[str]:
    """See `StoreReader.list_run_models`."""
    return StoreReader(engine).list_run_models()


def list_workflow_ids(engine: Engine, limit: int = 1000) -> list[str]:
    """See `StoreReader.list_workflow_ids`."""
    return StoreReader(engine).list_workflow_ids(limit)


def get_prompt_sizes(
    engine: Engine, request_model: str, looked_at: int = 500
) -> list[tuple[int, int]]:
    """See `StoreReader.get_prompt_sizes`."""
    return StoreReader(engine).get_prompt_sizes(request_model, looked_at)

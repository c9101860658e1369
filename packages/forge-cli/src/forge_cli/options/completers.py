"""What a shell offers for the values of options, looked up when somebody presses Tab.

A completer gives candidates with a word on each; the shell keeps those that begin as what was
typed. Whatever goes wrong in one is no candidate: nobody wants an error in the middle of a line.
"""

from collections.abc import Callable, Iterable
from contextlib import suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from forge_cli.escape import escape_line
from forge_cli.store.names import LAST, PREFIX, SHORTEST_PART

if TYPE_CHECKING:
    from cyclopts.completion import CompletionContext
    from forge_obs import Interaction, Run, StoreReader

MOST_RUNS = 50
"""Newest runs that are offered."""

Candidates = Iterable[tuple[str, str]]
"""Values, each with a word on it."""


def _never_failing(
    complete: Callable[["CompletionContext"], Candidates],
) -> Callable[["CompletionContext"], Candidates]:
    """Let a completer offer nothing rather than fail."""

    def offer(context: "CompletionContext") -> Candidates:
        """Return what the completer offers, or nothing."""
        with suppress(Exception):
            return [(escape_line(value), escape_line(said)) for value, said in complete(context)]
        return ()

    return offer


@_never_failing
def complete_run(context: "CompletionContext") -> Candidates:
    """Offer the newest runs by their task ids, and by their workflow ids once one is begun."""
    reader = _open_store()
    return () if reader is None else _list_runs(reader, context.incomplete, open_only=False)


@_never_failing
def complete_open_run(context: "CompletionContext") -> Candidates:
    """Offer the newest runs that have not ended, as `complete_run` does."""
    reader = _open_store()
    return () if reader is None else _list_runs(reader, context.incomplete, open_only=True)


@_never_failing
def complete_task(context: "CompletionContext") -> Candidates:
    """Offer the task ids of the newest runs."""
    reader = _open_store()
    if reader is None:
        return ()
    runs = _list_runs(reader, context.incomplete.removeprefix(PREFIX), open_only=False)
    return [(name, said) for name, said in runs if name != LAST]


@_never_failing
def complete_leftover(context: "CompletionContext") -> Candidates:
    """Offer the task ids of runs that left something in the repository."""
    from pathlib import Path  # noqa: PLC0415 - for this only

    from forge_core.git.leftovers import list_leftovers  # noqa: PLC0415 - for this only
    from forge_core.git.repository import find_repository  # noqa: PLC0415

    given = context.get("--repo")
    repo = find_repository(Path((given and given.raw) or "."))
    return [(leftover.task_id, leftover.branch or "") for leftover in list_leftovers(repo)]


@_never_failing
def complete_call(context: "CompletionContext") -> Candidates:
    """Offer the calls of the newest run, those that begin as is typed, and runs."""
    from forge_cli.render.calls.facts import name_call  # noqa: PLC0415 - for this only

    reader = _open_store()
    if reader is None:
        return ()
    begun = context.incomplete if len(context.incomplete) >= SHORTEST_PART else ""
    others = reader.list_entry_ids(begun, MOST_RUNS) if begun else ()
    newest = reader.list_recent_runs(1)
    calls = (
        reader.get_interactions(workflow_id=newest[0].workflow_id, texts=False) if newest else ()
    )
    ids = dict.fromkeys(others, "") | {name_call(call): _describe_call(call) for call in calls}
    return [*_list_runs(reader, context.incomplete, open_only=False), *ids.items()]


@_never_failing
def complete_model(context: "CompletionContext") -> Candidates:
    """Offer models that runs asked for and providers; once a provider is typed, its models."""
    provider, colon, _ = context.incomplete.partition(":")
    reader = _open_store()
    asked = [] if reader is None else reader.list_run_models()
    recorded = [(name, "on record") for name in asked]
    if colon:
        from forge_core.pricing.model_names import list_model_names  # noqa: PLC0415 - takes its time

        return [*recorded, *((f"{provider}:{name}", "") for name in list_model_names(provider))]
    from forge_core.llm.model_name import PROVIDERS, SCRIPTED  # noqa: PLC0415 - for this only

    return [*recorded, *((f"{name}:", "") for name in (*PROVIDERS, SCRIPTED))]


@_never_failing
def complete_recorded_model(_context: "CompletionContext") -> Candidates:
    """Offer models that runs asked for, with and without their provider."""
    reader = _open_store()
    asked = [] if reader is None else reader.list_run_models()
    return [
        (name, "") for model in asked for name in dict.fromkeys((model, *model.split(":", 1)[1:]))
    ]


def _open_store() -> "StoreReader | None":
    from forge_cli.store.queries import Store  # noqa: PLC0415 - imports SQLAlchemy

    return Store().reader


def _list_runs(reader: "StoreReader", begun: str, *, open_only: bool) -> list[tuple[str, str]]:
    """List what runs may be called by, newest first, and how each stands."""
    from forge_obs import RunQuery  # noqa: PLC0415 - imports SQLAlchemy

    from forge_cli.store.resolver import OPEN  # noqa: PLC0415 - imports SQLAlchemy

    runs = reader.list_recent_runs(MOST_RUNS)
    if len(begun) >= SHORTEST_PART and not any(run.task_id.startswith(begun) for run in runs):
        older = reader.list_task_ids_like(begun, MOST_RUNS)
        runs += [run for task in older for run in reader.list_recent_runs(1, RunQuery(task))]
    candidates = [run for run in runs if not run.broken and (run.status in OPEN or not open_only)]
    names: dict[str, str] = {LAST: "the newest run"} if runs else {}
    for run in candidates:
        whole = begun.startswith(PREFIX) or not run.task_id
        names.setdefault(run.workflow_id if whole else run.task_id, _describe_run(run))
    return list(names.items())


def _describe_run(run: "Run") -> str:
    from forge_obs import get_shown_status  # noqa: PLC0415 - imports SQLAlchemy

    from forge_cli.render.figures import format_age  # noqa: PLC0415 - for this only
    from forge_cli.render.table import name_status  # noqa: PLC0415 - for this only

    return f"{name_status(get_shown_status(run))}, {format_age(run.created_at, datetime.now(UTC))}"


def _describe_call(call: "Interaction") -> str:
    return ", ".join(filter(None, (call.role, call.step_id, call.sub_task_id, call.model_name)))

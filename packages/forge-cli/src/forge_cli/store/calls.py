"""Calls of any run, and those that hold a text."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from itertools import islice

from forge_obs import CallHit, CallQuery, Interaction, StoreReader, TextSearch

from forge_cli.escape import escape_line
from forge_cli.store.filters import choose_models, list_patterns, suggest
from forge_cli.views.excerpt import SearchResult

MOST_COMPARED = 2_000
"""Newest calls with which a name is compared, beside the models that runs asked for."""


def list_model_patterns(reader: StoreReader, text: str) -> list[str]:
    """List the patterns of the models that a name stands for."""
    return list_patterns(text, _list_models(reader, _list_newest(reader)))


def _list_newest(reader: StoreReader) -> list[Interaction]:
    return list(islice(reader.calls.iterate(CallQuery(), details=False), MOST_COMPARED))


def _list_models(reader: StoreReader, newest: Iterable[Interaction]) -> set[str]:
    answered = (name for call in newest for name in (call.model_name, call.request_model))
    return set(filter(None, (*reader.list_run_models(), *answered)))


def explain_nothing(reader: StoreReader, asked: Mapping[str, str | None]) -> str | None:
    """Say which name no call has, and what it may have been meant for.

    Args:
        reader: Of a store in which nothing fits.
        asked: What was asked for, by the attributes of a call; `model` is a name or a pattern.

    Returns:
        None where each name is that of some call: then no call has all of them.
    """
    newest = _list_newest(reader)
    for name, text in asked.items():
        if text is None:
            continue
        if name == "model":
            names = _list_models(reader, newest)
            is_known = bool(choose_models(text, names))
        else:
            names = {value for call in newest if (value := getattr(call, name))}
            is_known = text in names
        if not is_known and newest:
            return f"no {WORDS[name]} {escape_line(repr(text))} is among them{suggest(text, names)}"
    return None


WORDS = {
    "model": "model",
    "task_id": "task",
    "step_id": "step",
    "sub_task_id": "sub-task",
    "role": "role",
    "session_id": "session",
}
"""What people call the attributes by which calls are chosen."""


def find_calls(
    reader: StoreReader, query: CallQuery, search: TextSearch, *, fold: bool
) -> Iterator[SearchResult]:
    """Find calls that hold a text, the last recorded first.

    Args:
        reader: Of the store.
        query: Which calls are looked at.
        search: What is looked for.
        fold: Of a run give the newest call only, with the number of the others.
    """
    seen: set[tuple[str, str | None]] = set()
    for hit in reader.calls.find(query, search):
        others = 0
        if fold and hit.workflow_id is not None:
            run = (hit.workflow_id, hit.root_run_id)
            if run in seen:
                continue
            seen.add(run)
            of_run = replace(query, workflow_id=hit.workflow_id, run_id=hit.root_run_id)
            others = sum(1 for _ in reader.calls.find(of_run, search)) - 1
        call = _read(reader, hit)
        yield SearchResult(call, tuple(search.find(vars(call))), max(0, others))


def _read(reader: StoreReader, hit: CallHit) -> Interaction:
    """Read a call with its texts; one that is gone by now is no more than its number."""
    call = None if hit.broken else reader.get_interaction(hit.id)
    return call or Interaction(id=hit.id, broken=hit.broken or "deleted meanwhile")

"""Calls of any run, and those that hold a text."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import islice

from forge_obs import CallHit, CallQuery, Interaction, Match, StoreReader, TextSearch

from forge_cli.store.filters import list_patterns

MODELS_LOOKED_AT = 2_000
"""Newest calls whose models a name is compared with, beside those that runs asked for."""


@dataclass(frozen=True, slots=True)
class FoundCall:
    """A call that holds a text."""

    call: Interaction
    matches: tuple[Match, ...] = ()
    """Where: the first in each column that has it."""
    others: int = 0
    """How many other calls of its run hold it, that are not shown."""


def list_model_patterns(reader: StoreReader, text: str) -> list[str]:
    """List the patterns of the models that a name stands for."""
    newest = islice(reader.calls.iterate(CallQuery(), details=False), MODELS_LOOKED_AT)
    known = set(reader.list_run_models())
    for call in newest:
        known.update((call.model_name, call.request_model or ""))
    return list_patterns(text, known)


def find_calls(
    reader: StoreReader, query: CallQuery, search: TextSearch, *, fold: bool
) -> Iterator[FoundCall]:
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
        yield FoundCall(call, tuple(search.find(vars(call))), max(0, others))


def _read(reader: StoreReader, hit: CallHit) -> Interaction:
    """Read a call with its texts; one that is gone by now is no more than its number."""
    call = None if hit.broken else reader.get_interaction(hit.id)
    return call or Interaction(id=hit.id, broken=hit.broken or "deleted meanwhile")

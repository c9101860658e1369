"""The store's API: save, get and list interactions and runs.

Instrumented code calls `record()` instead, which opens, migrates and cleans by itself and never
raises. Functions here raise a `StoreError` that says what to do.
"""

from importlib import import_module
from typing import TYPE_CHECKING

from forge_obs.environment.process import get_db_path
from forge_obs.model.sanitize import to_json
from forge_obs.store.reader import (
    RunQuery,
    StoreReader,
    get_interactions,
    get_run,
    get_shown_status,
    list_recent_runs,
    open_reader,
)

if TYPE_CHECKING:
    from forge_obs.environment.redact_hook import set_redact
    from forge_obs.model.finished_call import build_interaction_dict
    from forge_obs.model.rows import Interaction, Run
    from forge_obs.model.sums.call_sums import CallSum, RangeSums
    from forge_obs.recorder import flush, get_backlog
    from forge_obs.spool.format import Backlog
    from forge_obs.store.call_scope import CallQuery
    from forge_obs.store.calls import CallHit, CallReader
    from forge_obs.store.save import get_engine, save_interaction, save_run, upgrade

__all__ = [
    "Backlog",
    "CallHit",
    "CallQuery",
    "CallReader",
    "CallSum",
    "Interaction",
    "RangeSums",
    "Run",
    "RunQuery",
    "StoreReader",
    "build_interaction_dict",
    "flush",
    "get_backlog",
    "get_db_path",
    "get_engine",
    "get_interactions",
    "get_run",
    "get_shown_status",
    "list_recent_runs",
    "open_reader",
    "save_interaction",
    "save_run",
    "set_redact",
    "to_json",
    "upgrade",
]

_HOMES = {
    "Backlog": "spool.format",
    "CallHit": "store.calls",
    "CallQuery": "store.call_scope",
    "CallReader": "store.calls",
    "CallSum": "model.sums.call_sums",
    "Interaction": "database.orm",
    "RangeSums": "model.sums.call_sums",
    "Run": "database.orm",
    "build_interaction_dict": "model.finished_call",
    "flush": "recorder",
    "get_backlog": "recorder",
    "get_engine": "store.save",
    "save_interaction": "store.save",
    "save_run": "store.save",
    "set_redact": "environment.redact_hook",
    "upgrade": "store.save",
}
"""Modules of the names that reading a run does without: the ORM, what asks across runs, and what
writes."""

if not TYPE_CHECKING:

    def __getattr__(name: str) -> object:
        if name in _HOMES:
            return getattr(import_module(f"forge_obs.{_HOMES[name]}"), name)
        raise AttributeError(f"module 'forge_obs.store' has no attribute {name!r}")

"""Flight recorder for LLM calls: every interaction in one SQLite file.

`record` and `LLMStats` are what instrumented code needs; everything else reads or maintains the
store. Each name is imported at first use, so that `import forge_obs` costs next to nothing.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from forge_obs.admin.check import StoreCheck, check_store
    from forge_obs.database.engine import get_engine
    from forge_obs.environment.process import get_db_path
    from forge_obs.environment.redact_hook import set_redact
    from forge_obs.errors import (
        AmbiguousId,
        StoreError,
        StoreNewer,
        StoreUnavailable,
        StoreUnreadable,
    )
    from forge_obs.model.entries import build_interaction_dict
    from forge_obs.model.rows import Interaction, Run
    from forge_obs.model.sanitize import to_json
    from forge_obs.recorder import flush, get_backlog, lost_count, record
    from forge_obs.spool.format import Backlog
    from forge_obs.stats import LLMStats
    from forge_obs.store import (
        RunQuery,
        get_interaction,
        get_interactions,
        get_run,
        get_shown_status,
        iterate_call_figures,
        iterate_interactions,
        iterate_runs,
        list_recent_runs,
        list_run_models,
        list_workflow_ids,
        open_reader,
        save_interaction,
        save_run,
        upgrade,
    )

__all__ = [
    "AmbiguousId",
    "Backlog",
    "Interaction",
    "LLMStats",
    "Run",
    "RunQuery",
    "StoreCheck",
    "StoreError",
    "StoreNewer",
    "StoreUnavailable",
    "StoreUnreadable",
    "build_interaction_dict",
    "check_store",
    "flush",
    "get_backlog",
    "get_db_path",
    "get_engine",
    "get_interaction",
    "get_interactions",
    "get_run",
    "get_shown_status",
    "iterate_call_figures",
    "iterate_interactions",
    "iterate_runs",
    "list_recent_runs",
    "list_run_models",
    "list_workflow_ids",
    "lost_count",
    "open_reader",
    "record",
    "save_interaction",
    "save_run",
    "set_redact",
    "to_json",
    "upgrade",
]

_ELSEWHERE = {
    "Backlog": "spool.format",
    "LLMStats": "stats",
    "StoreCheck": "admin.check",
    "check_store": "admin.check",
    "AmbiguousId": "errors",
    "StoreError": "errors",
    "StoreNewer": "errors",
    "StoreUnavailable": "errors",
    "StoreUnreadable": "errors",
    "flush": "recorder",
    "get_backlog": "recorder",
    "get_db_path": "environment.process",
    "lost_count": "recorder",
    "record": "recorder",
    "set_redact": "environment.redact_hook",
}
"""Modules of the names that do not come from `store`."""

if not TYPE_CHECKING:

    def __getattr__(name: str) -> object:
        if name not in __all__:
            raise AttributeError(f"module 'forge_obs' has no attribute {name!r}")
        return getattr(import_module(f"forge_obs.{_ELSEWHERE.get(name, 'store')}"), name)

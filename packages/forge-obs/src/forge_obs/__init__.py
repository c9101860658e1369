"""Flight recorder for LLM calls: every interaction in one SQLite file.

`record` and `LLMStats` are what instrumented code needs; everything else reads or maintains the
store, and nothing else of this package is public but the same names in `forge_obs.store`. Each name
is imported at first use, so that `import forge_obs` costs next to nothing. `Interaction` and `Run`
are mapped by SQLAlchemy from the first `get_engine` or `open_reader` on, or when `forge_obs.store`
gives them.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from forge_obs.admin.archive import Archiving, archive, unarchive
    from forge_obs.admin.archive_estimate import Saving, estimate_saving
    from forge_obs.admin.check import ArchivedTexts, FileMode, StoreCheck, check_store
    from forge_obs.admin.maintenance import Extent, Pruning, back_up, count_prunable, prune, restore
    from forge_obs.admin.redactor import Redactor
    from forge_obs.bulk import record_many
    from forge_obs.delivery import Fate
    from forge_obs.environment.process import get_db_path
    from forge_obs.environment.redact_hook import redact_text, set_redact
    from forge_obs.errors import (
        AmbiguousId,
        StoreError,
        StoreNewer,
        StoreUnavailable,
        StoreUnreadable,
    )
    from forge_obs.model.columns import BUDGET, PROVIDER, RUNNING, STARTED
    from forge_obs.model.finished_call import build_interaction_dict
    from forge_obs.model.liveness import INTERRUPTED
    from forge_obs.model.redaction.secrets import Removal
    from forge_obs.model.rows import FIGURES, Interaction, Run
    from forge_obs.model.sanitize import to_json
    from forge_obs.model.search import PLACES, Match, TextSearch
    from forge_obs.model.sums.call_sums import CallSum, RangeSums
    from forge_obs.model.sums.groups import Grouping
    from forge_obs.model.usage.figures import Usage, read_usage
    from forge_obs.observation import Observation, observe
    from forge_obs.recorder import flush, get_backlog, lost_count, record
    from forge_obs.spool.file import get_lost_path
    from forge_obs.spool.format import Backlog
    from forge_obs.stats import LLMStats
    from forge_obs.store import (
        CallHit,
        CallQuery,
        CallReader,
        RunQuery,
        StoreReader,
        get_engine,
        get_interactions,
        get_run,
        get_shown_status,
        list_recent_runs,
        open_reader,
        save_interaction,
        save_run,
        upgrade,
    )
    from forge_obs.store.handover import (
        Transfer,
        export_runs,
        import_store,
        iterate_whole_runs,
    )

__all__ = [
    "BUDGET",
    "FIGURES",
    "INTERRUPTED",
    "PLACES",
    "PROVIDER",
    "RUNNING",
    "STARTED",
    "AmbiguousId",
    "ArchivedTexts",
    "Archiving",
    "Backlog",
    "CallHit",
    "CallQuery",
    "CallReader",
    "CallSum",
    "Extent",
    "Fate",
    "FileMode",
    "Grouping",
    "Interaction",
    "LLMStats",
    "Match",
    "Observation",
    "Pruning",
    "RangeSums",
    "Redactor",
    "Removal",
    "Run",
    "RunQuery",
    "Saving",
    "StoreCheck",
    "StoreError",
    "StoreNewer",
    "StoreReader",
    "StoreUnavailable",
    "StoreUnreadable",
    "TextSearch",
    "Transfer",
    "Usage",
    "archive",
    "back_up",
    "build_interaction_dict",
    "check_store",
    "count_prunable",
    "estimate_saving",
    "export_runs",
    "flush",
    "get_backlog",
    "get_db_path",
    "get_engine",
    "get_interactions",
    "get_lost_path",
    "get_run",
    "get_shown_status",
    "import_store",
    "iterate_whole_runs",
    "list_recent_runs",
    "lost_count",
    "observe",
    "open_reader",
    "prune",
    "read_usage",
    "record",
    "record_many",
    "redact_text",
    "restore",
    "save_interaction",
    "save_run",
    "set_redact",
    "to_json",
    "unarchive",
    "upgrade",
]

_HOMES = {
    "Transfer": "store.handover",
    "export_runs": "store.handover",
    "import_store": "store.handover",
    "iterate_whole_runs": "store.handover",
    "Archiving": "admin.archive",
    "archive": "admin.archive",
    "Saving": "admin.archive_estimate",
    "estimate_saving": "admin.archive_estimate",
    "unarchive": "admin.archive",
    "FileMode": "admin.check",
    "ArchivedTexts": "admin.check",
    "StoreCheck": "admin.check",
    "check_store": "admin.check",
    "Extent": "admin.maintenance",
    "Pruning": "admin.maintenance",
    "back_up": "admin.maintenance",
    "count_prunable": "admin.maintenance",
    "prune": "admin.maintenance",
    "restore": "admin.maintenance",
    "Redactor": "admin.redactor",
    "Removal": "model.redaction.secrets",
    "get_db_path": "environment.process",
    "redact_text": "environment.redact_hook",
    "set_redact": "environment.redact_hook",
    "AmbiguousId": "errors",
    "StoreError": "errors",
    "StoreNewer": "errors",
    "StoreUnavailable": "errors",
    "StoreUnreadable": "errors",
    "FIGURES": "model.rows",
    "PROVIDER": "model.columns",
    "BUDGET": "model.columns",
    "RUNNING": "model.columns",
    "STARTED": "model.columns",
    "build_interaction_dict": "model.finished_call",
    "INTERRUPTED": "model.liveness",
    "Interaction": "model.rows",
    "Run": "model.rows",
    "to_json": "model.sanitize",
    "CallSum": "model.sums.call_sums",
    "Grouping": "model.sums.groups",
    "RangeSums": "model.sums.call_sums",
    "PLACES": "model.search",
    "Match": "model.search",
    "TextSearch": "model.search",
    "Observation": "observation",
    "observe": "observation",
    "Usage": "model.usage.figures",
    "read_usage": "model.usage.figures",
    "flush": "recorder",
    "get_backlog": "recorder",
    "lost_count": "recorder",
    "record": "recorder",
    "record_many": "bulk",
    "Fate": "delivery",
    "get_lost_path": "spool.file",
    "Backlog": "spool.format",
    "LLMStats": "stats",
}
"""Modules of the names that do not come from `store`."""

if not TYPE_CHECKING:

    def __getattr__(name: str) -> object:
        if name not in __all__:
            raise AttributeError(f"module 'forge_obs' has no attribute {name!r}")
        return getattr(import_module(f"forge_obs.{_HOMES.get(name, 'store')}"), name)

"""The columns of both tables as data: kind, default, and how a second record merges.

The order is the order in the file: small columns first and long texts last, so that listing calls
reads no overflow pages. The tables, the cleaning of values and the merging statements follow this
data.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Final


class Kind(Enum):
    """What a column holds."""

    TEXT = "text"
    COUNT = "count"
    """An integer from 0 to 2^63 - 1."""
    REAL = "real"
    """A finite float, not negative."""
    FLAG = "flag"
    """True or false; 1 and 0 in the file."""
    TIME = "time"
    """A moment in UTC with microseconds, as RFC 3339 text ending in `Z`."""


class Merge(Enum):
    """What becomes of a column when the same entry is recorded again."""

    FILL = "fill"
    """The new value, unless it is null or empty text."""
    FIRST = "first"
    """The old value, unless it is null."""
    MEASURED = "measured"
    """The new value if the new entry's tokens are known."""
    ANSWERING = "answering"
    """The new value, unless it is the requested model, which stands in where none answered."""
    ORIGIN = "origin"
    """The new value, unless it is the default."""
    NONZERO = "nonzero"
    """The new value, unless it is zero."""
    FILL_OBJECT = "fill_object"
    """The new value, unless it is the empty JSON object."""


@dataclass(frozen=True)
class Column:
    """One column.

    Attributes:
        default: Stands in for a missing or unusable value; a column with None is nullable, unless
            the database has a default of its own.
    """

    name: str
    kind: Kind = Kind.TEXT
    default: str | float | None = None
    merge: Merge = Merge.FILL


MAX_COUNT: Final = 2**63 - 1
"""The largest integer that SQLite stores."""

STARTED: Final = "started"
"""Status of a call whose outcome is not on record."""

PROVIDER: Final = "provider"
"""Origin of an answer that a provider was asked for."""

RUNNING: Final = "running"
"""The only status of a run that is not final."""

NO_RESULT: Final = "{}"
"""`result_json` of a run that has none yet."""

CALL_KEY: Final = ("run_id", "activity_id", "activity_attempt", "seq")
"""Together they name one request; unique where all are set."""

INTERACTIONS: Final = (
    Column("entry_id", merge=Merge.FIRST),
    Column("task_id", default=""),
    Column("step_id"),
    Column("sub_task_id"),
    Column("role", default=""),
    Column("model_name", default="", merge=Merge.ANSWERING),
    Column("input_tokens", Kind.COUNT, 0, Merge.MEASURED),
    Column("output_tokens", Kind.COUNT, 0, Merge.MEASURED),
    Column("latency_ms", Kind.REAL, 0.0, Merge.NONZERO),
    Column("created_at", Kind.TIME, merge=Merge.FIRST),
    Column("usage_known", Kind.FLAG, 1, Merge.MEASURED),
    Column("workflow_id"),
    Column("run_id"),
    Column("activity_id"),
    Column("activity_attempt", Kind.COUNT),
    Column("seq", Kind.COUNT),
    Column("attempt", Kind.COUNT),
    Column("step_attempt", Kind.COUNT),
    Column("status", default="ok"),
    Column("error_type"),
    Column("finish_reason"),
    Column("origin", default=PROVIDER, merge=Merge.ORIGIN),
    Column("request_model"),
    Column("cache_read_tokens", Kind.COUNT, 0, Merge.MEASURED),
    Column("cache_write_tokens", Kind.COUNT, 0, Merge.MEASURED),
    Column("reasoning_tokens", Kind.COUNT, 0, Merge.MEASURED),
    Column("trace_id"),
    Column("span_id"),
    Column("params_json"),
    Column("context_manifest_json"),
    Column("extra_json"),
    Column("notes"),
    Column("context_stats_json"),
    Column("explanation", default=""),
    Column("error"),
    Column("system_prompt", default=""),
    Column("user_prompt", default=""),
    Column("response"),
)
"""Columns of `interactions` after `id`."""

RUNS: Final = (
    Column("task_id", default=""),
    Column("workflow_id", default=""),
    Column("run_id"),
    Column("status", default=""),
    Column("created_at", Kind.TIME, merge=Merge.FIRST),
    Column("finished_at", Kind.TIME, merge=Merge.FIRST),
    Column("repo_root"),
    Column("model_name"),
    Column("planned", Kind.FLAG),
    Column("owner_host"),
    Column("owner_pid", Kind.COUNT),
    Column("owner_start"),
    Column("seen_at", Kind.TIME),
    Column("result_json", default=NO_RESULT, merge=Merge.FILL_OBJECT),
)
"""Columns of `runs` after `id`."""

LONG_TEXTS: Final = ("system_prompt", "user_prompt", "response")
"""Columns of `interactions` that a listing leaves out."""

FIGURES: Final = (
    *("workflow_id", "role", "model_name", "request_model", "origin", "status", "error_type"),
    *("created_at", "latency_ms", "usage_known", "input_tokens", "output_tokens"),
    *("cache_read_tokens", "cache_write_tokens", "reasoning_tokens"),
)
"""Columns of `interactions` that sums and prices are made of."""

IDENTIFYING: Final = frozenset(
    {"entry_id", "task_id", "step_id", "sub_task_id", "workflow_id", "run_id", "activity_id"}
    | {"role", "status", "origin", "trace_id", "span_id", "owner_host", "owner_start", "notes"}
)
"""Text columns that no redaction touches: rows are found, merged and understood by them."""

TABLES: Final[Mapping[str, tuple[Column, ...]]] = {"interactions": INTERACTIONS, "runs": RUNS}
"""Columns by table name."""

REVISIONS: Final = ("001_initial", "002_newest_runs")
"""Every schema revision that this version knows, oldest first."""

HEAD: Final = REVISIONS[-1]
"""The revision that this version writes."""

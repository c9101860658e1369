"""The rows of the tables, and with them every column; a damaged row says so instead of failing.

`Interaction` and `Run` are plain until someone asks for the mapped classes
(`forge_obs.database.orm`), so that listing runs does not pay for importing the ORM. The order of
their fields is the order in the file: small columns first and long texts last, so that listing
calls reads no overflow pages. What came later stands behind the texts, where reading it costs
more, or, if it is short, in a table of its own beside the row (D80). The tables, the cleaning of
values and the merging statements follow from these fields: see "Adding a column" in
`docs/reference/schema.md`.
"""

from collections.abc import Callable, Mapping
from dataclasses import Field, dataclass, field, fields
from datetime import UTC, datetime
from math import isfinite
from types import NoneType
from typing import Any, Final, TypeAlias, get_args

from forge_obs.model.columns import NO_RESULT, PROVIDER, Column, Kind, Merge
from forge_obs.model.sanitize import clean_text

Reader: TypeAlias = Callable[[object], tuple[object, str | None]]
"""Converts what a column holds, and says what is wrong with it."""

NO_TIME: Final = datetime(1970, 1, 1, tzinfo=UTC)
"""Stands in where the moment is not known at which something was made."""


def _column(default: object = None, /, **facts: Any) -> Any:  # noqa: ANN401 - any field's default
    """Describe a column of which there is more to say than its default; see `Column`."""
    return field(default=default, metadata=facts)


def _fact(**facts: Any) -> Any:  # noqa: ANN401 - any field's default
    """Describe a column of `call_facts`; null where nothing is known."""
    return _column(fact=True, **facts)


@dataclass(eq=False, kw_only=True, repr=False)
class Interaction:
    """One request to a model and what came of it; `docs/reference/schema.md` has the columns.

    Its `repr` names the row and holds no text of it, so that a log line may.
    """

    id: int | None = None
    entry_id: str | None = _column(merge=Merge.FIRST, identifies=True)
    task_id: str = _column("", required=True, identifies=True)
    step_id: str | None = _column(identifies=True)
    sub_task_id: str | None = _column(identifies=True)
    role: str = _column("", required=True, identifies=True, figure=True)
    model_name: str = _column("", required=True, merge=Merge.ANSWERING, figure=True)
    input_tokens: int = _column(0, required=True, merge=Merge.MEASURED, figure=True)
    """Tokens of the request, cached ones included; 0 unless `usage_known`."""
    output_tokens: int = _column(0, required=True, merge=Merge.MEASURED, figure=True)
    """Tokens of the answer, reasoning included; 0 unless `usage_known`."""
    latency_ms: float = _column(0.0, required=True, merge=Merge.NONZERO, figure=True)
    """Wall time of the request in milliseconds."""
    created_at: datetime = _column(NO_TIME, merge=Merge.EARLIEST, figure=True)
    """When `record()` was called first, in UTC."""
    usage_known: bool = _column(True, merge=Merge.MEASURED, figure=True)
    """False where tokens were not reported."""
    workflow_id: str | None = _column(identifies=True, figure=True)
    run_id: str | None = _column(identifies=True, figure=True)
    """The run that made the call; in a sub-task the child's own."""
    activity_id: str | None = _column(identifies=True)
    activity_attempt: int | None = None
    seq: int | None = None
    attempt: int | None = None
    step_attempt: int | None = None
    status: str = _column("ok", identifies=True, figure=True)
    """`started` (outcome unknown), `ok` or `error`."""
    error_type: str | None = _column(figure=True)
    finish_reason: str | None = None
    origin: str = _column(PROVIDER, merge=Merge.ORIGIN, identifies=True, figure=True)
    request_model: str | None = _column(figure=True)
    cache_read_tokens: int = _column(0, merge=Merge.MEASURED, figure=True)
    cache_write_tokens: int = _column(0, merge=Merge.MEASURED, figure=True)
    reasoning_tokens: int = _column(0, merge=Merge.MEASURED, figure=True)
    trace_id: str | None = _column(identifies=True)
    span_id: str | None = _column(identifies=True)
    params_json: str | None = None
    context_manifest_json: str | None = None
    extra_json: str | None = None
    notes: str | None = _column(identifies=True)
    """What was cleaned before it was written."""
    context_stats_json: str | None = None
    explanation: str = ""
    error: str | None = None
    system_prompt: str = _column("", required=True, long=True)
    user_prompt: str = _column("", required=True, long=True)
    response: str | None = _column(long=True)
    """The raw answer, also where it could not be parsed."""
    messages_json: str | None = _column(long=True)
    """`input`, `output` and `tools`, where a conversation is more than two prompts."""
    outcome: str | None = _fact(identifies=True, figure=True)
    """What became of the answer: `accepted`, `refused`, `unusable`, `asked`."""
    outcome_reason: str | None = _fact(merge=Merge.JUDGED)
    failed_checks_json: str | None = _fact(merge=Merge.JUDGED)
    commit_sha: str | None = _fact(identifies=True)
    """The commit that holds what the answer changed."""
    usage_json: str | None = _fact(figure=True)
    """Usage as the provider reported it."""
    service_tier: str | None = _fact(identifies=True, figure=True)
    stated_cost_usd: float | None = _fact(figure=True)
    """What the answer itself says that it cost."""
    first_token_ms: float | None = _fact()
    """From sending the request to the first token of the answer, in milliseconds."""
    response_id: str | None = _fact(identifies=True)
    """The provider's id of the answer."""
    request_id: str | None = _fact(identifies=True)
    """The provider's id of the request."""
    session_id: str | None = _fact(identifies=True)
    root_run_id: str | None = _fact(identifies=True, figure=True)
    """The run that the call belongs to, also in a sub-task: joins `runs.run_id`."""
    parent_span_id: str | None = _fact(identifies=True)
    broken: str | None = None
    """What cannot be read of the row, which is no column; None for a sound one."""

    def __repr__(self) -> str:
        return f"Interaction(id={self.id!r}, entry_id={self.entry_id!r}, status={self.status!r})"


@dataclass(eq=False, kw_only=True, repr=False)
class Run:
    """One execution of a task; `docs/reference/schema.md` has the columns.

    Its `repr` names the row and holds no text of it.
    """

    id: int | None = None
    task_id: str = _column("", required=True, identifies=True)
    workflow_id: str = _column("", required=True, identifies=True)
    run_id: str | None = _column(identifies=True)
    status: str = _column("", required=True, identifies=True)
    """As stored; `forge_obs.get_shown_status` says whether it was interrupted."""
    created_at: datetime = _column(NO_TIME, merge=Merge.FIRST)
    finished_at: datetime | None = _column(merge=Merge.FIRST)
    repo_root: str | None = None
    model_name: str | None = None
    planned: bool | None = None
    owner_host: str | None = _column(identifies=True)
    owner_pid: int | None = None
    owner_start: str | None = _column(identifies=True)
    seen_at: datetime | None = None
    result_json: str = _column(NO_RESULT, required=True, merge=Merge.FILL_OBJECT)
    """The result, partial while the run is running."""
    description: str | None = None
    """What was asked for."""
    base_commit: str | None = _column(identifies=True)
    branch: str | None = _column(identifies=True)
    request_json: str | None = None
    """What the run was started with, all options included."""
    reason: str | None = None
    """Why it ended as it did, in one line; null for a success."""
    broken: str | None = None
    """What cannot be read of the row, which is no column; None for a sound one."""

    def __repr__(self) -> str:
        return f"Run(id={self.id!r}, workflow_id={self.workflow_id!r}, status={self.status!r})"


_KINDS: Final = {
    str: Kind.TEXT,
    int: Kind.COUNT,
    float: Kind.REAL,
    bool: Kind.FLAG,
    datetime: Kind.TIME,
}


def _describe(column: "Field[Any]") -> Column:
    kinds = get_args(column.type) or (column.type,)
    kind = next(_KINDS[kind] for kind in kinds if kind is not NoneType)
    default: Any = None if kind is Kind.TIME else column.default
    if kind is Kind.FLAG and default is not None:
        default = int(default)
    return Column(column.name, kind, default, NoneType in kinds, **column.metadata)


def _list_columns(row: type[Interaction] | type[Run]) -> tuple[Column, ...]:
    return tuple(_describe(f) for f in fields(row) if f.name not in {"id", "broken"})


_CALL: Final = _list_columns(Interaction)

INTERACTIONS: Final = tuple(column for column in _CALL if not column.fact)
"""Columns of `interactions` after `id`."""

ARCHIVE_ID: Final = Column("archive_id", Kind.COUNT)
"""Last column of `interactions`, which no entry has: the frame that a row's texts are in."""

FACTS: Final = tuple(column for column in _CALL if column.fact)
"""Columns of `call_facts` after `interaction_id`: what is known of a call besides its row."""

OUTCOME: Final = ("outcome", "outcome_reason", "failed_checks_json", "commit_sha")
"""Columns of `call_facts` that `record("outcome", ...)` gives."""

EARLY_OUTCOMES: Final = (
    Column("entry_id", Kind.TEXT, "", nullable=False, required=True, identifies=True),
    Column("created_at", Kind.TIME, nullable=False, merge=Merge.FIRST, required=True),
    *(column for column in FACTS if column.name in OUTCOME),
)
"""Columns of `early_outcomes`: what came before the call that it is about."""

RUNS: Final = _list_columns(Run)
"""Columns of `runs` after `id`."""

ARCHIVES: Final = (
    Column("created_at", Kind.TIME, nullable=False, required=True),
    Column("codec", Kind.TEXT, nullable=False, required=True),
    Column("row_count", Kind.COUNT, nullable=False, required=True),
    Column("first_at", Kind.TIME, nullable=False, required=True),
    Column("last_at", Kind.TIME, nullable=False, required=True),
    Column("text_bytes", Kind.COUNT, nullable=False, required=True),
    Column("directory_json", Kind.TEXT, nullable=False, required=True),
)
"""Columns of `archives` between `id` and `data`."""

TABLES: Final[Mapping[str, tuple[Column, ...]]] = {
    "interactions": INTERACTIONS,
    "runs": RUNS,
    "call_facts": FACTS,
    "early_outcomes": EARLY_OUTCOMES,
}
"""Columns by table name, but for the primary key of the first three."""

LONG_TEXTS: Final = tuple(column.name for column in INTERACTIONS if column.long)
"""Columns of `interactions` that a listing leaves out."""

DETAILS: Final = (
    *("params_json", "context_manifest_json", "extra_json", "context_stats_json"),
    *("failed_checks_json", "usage_json"),
)
"""Columns of a call that hold a document, which a table of calls has no room for."""

_NAMES: Final = tuple(column.name for column in RUNS)

BEHIND_RESULTS: Final = _NAMES[_NAMES.index("result_json") :]
"""Columns of `runs` that are read through the pages of a long result, and that itself."""

FIGURES: Final = tuple(column.name for column in _CALL if column.figure)
"""Fields of `Interaction` that sums and prices are made of."""


def load_interaction(values: Mapping[str, object]) -> Interaction:
    """Build an interaction from the columns that were read; absent ones get their default."""
    return Interaction(**_load(_INTERACTION_READERS, values))  # type: ignore[arg-type]


def load_run(values: Mapping[str, object]) -> Run:
    """Build a run from the columns that were read; absent ones get their default."""
    return Run(**_load(_RUN_READERS, values))  # type: ignore[arg-type]


def _load(readers: Mapping[str, Reader], values: Mapping[str, object]) -> dict[str, object]:
    """Convert each column, listing under `broken` those that hold what they must not."""
    loaded: dict[str, object] = {"id": values.get("id")}
    faults: list[str] = []
    for name, value in values.items():
        if value is None or name not in readers:
            continue
        loaded[name], fault = readers[name](value)
        if fault is not None:
            faults.append(f"{name}: {fault}")
            if loaded[name] is None:
                del loaded[name]
    stated = values.get("broken")
    loaded["broken"] = "; ".join([str(stated)] if stated else faults) or None
    return loaded


def _read_text(value: object) -> tuple[object, str | None]:
    text, note = clean_text(value)
    return text, None if note is None else "not text"


def _read_count(value: object) -> tuple[object, str | None]:
    if isinstance(value, int):
        return (value, None) if value >= 0 else (None, "negative")
    return None, "not an integer"


def _read_real(value: object) -> tuple[object, str | None]:
    if isinstance(value, int | float) and isfinite(value):
        return (float(value), None) if value >= 0 else (None, "negative")
    return None, "not a finite number"


def _read_flag(value: object) -> tuple[object, str | None]:
    return (bool(value), None) if value in {0, 1} else (None, "neither true nor false")


def _read_time(value: object) -> tuple[object, str | None]:
    try:
        moment = datetime.fromisoformat(str(value))
    except ValueError:
        return None, "not a time"
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)), None


_READERS: Final[Mapping[Kind, Reader]] = {
    Kind.TEXT: _read_text,
    Kind.COUNT: _read_count,
    Kind.REAL: _read_real,
    Kind.FLAG: _read_flag,
    Kind.TIME: _read_time,
}
_INTERACTION_READERS: Final = {column.name: _READERS[column.kind] for column in _CALL}
_RUN_READERS: Final = {column.name: _READERS[column.kind] for column in RUNS}

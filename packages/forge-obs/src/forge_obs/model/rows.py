"""What a stored row says, as objects; a damaged row says so instead of failing.

`Interaction` and `Run` are plain until someone asks for the mapped classes
(`forge_obs.database.orm`), so that listing runs does not pay for importing the ORM.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from math import isfinite
from typing import Final, TypeAlias

from forge_obs.model.columns import INTERACTIONS, RUNS, Kind
from forge_obs.model.sanitize import clean_text

Reader: TypeAlias = Callable[[object], tuple[object, str | None]]
"""Converts what a column holds, and says what is wrong with it."""

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(eq=False, kw_only=True, repr=False)
class Interaction:
    """One request to a model and what came of it; `docs/reference/schema.md` has the columns.

    Its `repr` names the row and holds no text of it, so that a log line may.
    """

    id: int | None = None
    entry_id: str | None = None
    task_id: str = ""
    step_id: str | None = None
    sub_task_id: str | None = None
    role: str = ""
    model_name: str = ""
    input_tokens: int = 0
    """Tokens of the request, cached ones included; 0 unless `usage_known`."""
    output_tokens: int = 0
    """Tokens of the answer, reasoning included; 0 unless `usage_known`."""
    latency_ms: float = 0.0
    """Wall time of the request in milliseconds."""
    created_at: datetime = _EPOCH
    """When `record()` was called, in UTC."""
    usage_known: bool = True
    """False where tokens were not reported."""
    workflow_id: str | None = None
    run_id: str | None = None
    """The run that made the call; in a sub-task the child's own."""
    activity_id: str | None = None
    activity_attempt: int | None = None
    seq: int | None = None
    attempt: int | None = None
    step_attempt: int | None = None
    status: str = "ok"
    """`started` (outcome unknown), `ok` or `error`."""
    error_type: str | None = None
    finish_reason: str | None = None
    origin: str = "provider"
    request_model: str | None = None
    cache_read_tokens: int = 0
    cache_write_tokens: int = 0
    reasoning_tokens: int = 0
    trace_id: str | None = None
    span_id: str | None = None
    params_json: str | None = None
    context_manifest_json: str | None = None
    extra_json: str | None = None
    notes: str | None = None
    """What was cleaned before it was written."""
    context_stats_json: str | None = None
    explanation: str = ""
    error: str | None = None
    system_prompt: str = ""
    user_prompt: str = ""
    response: str | None = None
    """The raw answer, also where it could not be parsed."""
    broken: str | None = None
    """What cannot be read of the row; None for a sound one."""

    def __repr__(self) -> str:
        return f"Interaction(id={self.id!r}, entry_id={self.entry_id!r}, status={self.status!r})"


@dataclass(eq=False, kw_only=True, repr=False)
class Run:
    """One execution of a task; `docs/reference/schema.md` has the columns.

    Its `repr` names the row and holds no text of it.
    """

    id: int | None = None
    task_id: str = ""
    workflow_id: str = ""
    run_id: str | None = None
    status: str = ""
    """As stored; `forge_obs.store.get_shown_status` tells whether it was interrupted."""
    created_at: datetime = _EPOCH
    finished_at: datetime | None = None
    repo_root: str | None = None
    model_name: str | None = None
    planned: bool | None = None
    owner_host: str | None = None
    owner_pid: int | None = None
    owner_start: str | None = None
    seen_at: datetime | None = None
    result_json: str = "{}"
    """The result, partial while the run is running."""
    broken: str | None = None
    """What cannot be read of the row; None for a sound one."""

    def __repr__(self) -> str:
        return f"Run(id={self.id!r}, workflow_id={self.workflow_id!r}, status={self.status!r})"


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
    return (value, None) if isinstance(value, int) else (None, "not an integer")


def _read_real(value: object) -> tuple[object, str | None]:
    if isinstance(value, int | float) and isfinite(value):
        return float(value), None
    return None, "not a finite number"


def _read_flag(value: object) -> tuple[object, str | None]:
    return bool(value), None


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
_INTERACTION_READERS: Final = {column.name: _READERS[column.kind] for column in INTERACTIONS}
_RUN_READERS: Final = {column.name: _READERS[column.kind] for column in RUNS}

"""JSON documents: what ``--json`` prints, always one object with a schema version."""

from collections.abc import Sequence
from dataclasses import asdict, fields
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from forge_obs import Interaction, Run

from forge_cli.views.budget import LIMITS, BudgetView
from forge_cli.views.calls.outcome import judge_call
from forge_cli.views.calls.place import CallPlace
from forge_cli.views.calls.sections import read_sections
from forge_cli.views.costs import NO_PRICES, Prices, Tally
from forge_cli.views.excerpt import SearchResult
from forge_cli.views.json_text import load_or_keep
from forge_cli.views.run import RunView

if TYPE_CHECKING:
    from forge_obs import StoreCheck, StoreError

    from forge_cli.views.leftover import Cleaning

TEXTS = frozenset({"system_prompt", "user_prompt", "response", "messages_json"})
"""Columns that only a verbose document carries."""

JSON_SUFFIX = "_json"
"""Ending of columns that hold JSON; their key has the bare name, their value is decoded."""


def build_run_list(views: Sequence[RunView], *, pending: int, lost: int) -> dict[str, Any]:
    """Build the document of ``forge status --json``."""
    return {"runs": [build_run(view) for view in views], "pending": pending, "lost": lost}


def build_check(check: "StoreCheck", failure: "StoreError | None") -> dict[str, Any]:
    """Build the document of ``forge db check --json``."""
    last = check.backlog.last_lost_at
    error = None if failure is None else {"type": type(failure).__name__, "message": str(failure)}
    return {
        "path": str(check.path),
        "ok": check.ok,
        "state": check.state,
        "revision": check.revision,
        "head": check.head,
        "damage": list(check.damage),
        "files": [{"path": str(f.path), "mode": f"{f.mode:04o}"} for f in check.files],
        "size_bytes": check.size_bytes,
        "archived": asdict(check.archived),
        "pending": check.backlog.pending,
        "lost": check.backlog.lost,
        "last_lost_at": None if last is None else _value("last_lost_at", last),
        "spool_error": check.spool_error,
        "error": error,
    }


def build_leftover(cleaning: "Cleaning") -> dict[str, Any]:
    """Build the object of what a run left, and of what became of it."""
    leftover, candidate = cleaning.candidate.leftover, cleaning.candidate
    return {
        "task_id": leftover.task_id,
        "workflow_id": leftover.workflow_id,
        "status": candidate.state,
        "ended_at": build_moment(candidate.ended_at),
        "branch": leftover.branch,
        "head": leftover.head,
        "unmerged": leftover.unmerged,
        "worktree": None if leftover.worktree is None else str(leftover.worktree),
        "changed": leftover.changed,
        "kept": cleaning.kept,
        "can_be_forced": cleaning.can_be_forced,
        "removed": cleaning.removed,
    }


def build_status(
    view: RunView,
    interactions: Sequence[Interaction],
    prices: Prices = NO_PRICES,
    *,
    verbose: bool,
) -> dict[str, Any]:
    """Build the document of ``forge status RUN --json``."""
    return {
        "run": build_run(view),
        "result": load_or_keep(view.run.result_json),
        "interactions": build_interactions(interactions, prices, verbose=verbose),
    }


def build_run(view: RunView) -> dict[str, Any]:
    """Build the object of one run: its columns, and what is computed from its calls."""
    columns = _columns(view.run, Run, without={"result_json"})
    duration = view.duration
    return {
        **columns,
        "status": view.status,
        "reason": view.reason or None,
        "activity": view.activity or None,
        "resume": view.resume,
        "successor": view.successor,
        "steps_done": view.result.steps_done,
        "steps_planned": len(view.result.plan),
        "calls": view.totals.calls,
        "input_tokens": view.totals.input_tokens,
        "output_tokens": view.totals.output_tokens,
        "calls_without_usage": view.totals.unreported,
        "calls_unanswered": view.totals.unanswered,
        "cost": build_cost(view.totals, view.price_data),
        "budget": _build_budget(view.result.budget),
        "duration_s": duration.total_seconds() if duration is not None else None,
    }


def build_cost(tally: Tally, price_data: str) -> dict[str, Any]:
    """Build the object of what calls cost; `usd` is null where no call's cost is known."""
    has_cost = tally.unpriced < tally.paid
    return {
        "usd": float(tally.usd) if has_cost else None,
        "calls_priced": tally.paid - tally.unpriced,
        "calls_unknown": tally.unpriced,
        "calls_refused": tally.refused,
        "calls_scripted": tally.scripted,
        "genai_prices": price_data or None,
    }


def _build_budget(budget: BudgetView) -> dict[str, Any] | None:
    """Build the object of a run's limits and of what it has spent of them; None without limits."""
    if not budget.is_limited:
        return None
    return {
        **{name: getattr(budget, name) for name in LIMITS},
        "spent_usd": budget.spent_usd,
        "spent_tokens": budget.spent_tokens,
        "elapsed_s": budget.elapsed_s,
        "requests_estimated": budget.estimated,
        "requests_at_assumed_price": budget.assumed,
        "requests_without_price": budget.unpriced,
        "stopped_by": budget.limit,
    }


def build_interactions(
    interactions: Sequence[Interaction], prices: Prices = NO_PRICES, *, verbose: bool
) -> list[dict[str, Any]]:
    """Build the objects of calls; prompts and responses only where `verbose`."""
    return [build_call(interaction, prices, verbose=verbose) for interaction in interactions]


def build_call(
    interaction: Interaction, prices: Prices = NO_PRICES, *, verbose: bool
) -> dict[str, Any]:
    """Build the object of one call; its prompts and response only where `verbose`."""
    columns = _columns(interaction, Interaction, frozenset() if verbose else TEXTS)
    cost = prices.price_call(interaction)
    return {**columns, "cost_usd": None if cost is None else float(cost)}


def build_search_result(result: SearchResult, prices: Prices) -> dict[str, Any]:
    """Build the object of a call without its texts, and where in them a text was found."""
    matches = [
        {"in": m.place, "column": m.column, "start": m.start, "end": m.end} for m in result.matches
    ]
    return {**build_call(result.call, prices, verbose=False), "matches": matches}


def build_shown_call(call: Interaction, place: CallPlace | None, prices: Prices) -> dict[str, Any]:
    """Build the document of ``forge show --json``."""
    outcome = judge_call(call) if place is None else place.outcome
    siblings = (place.previous, place.next) if place is not None else (None, None)
    previous, following = (None if other is None else other.entry_id for other in siblings)
    return {
        "interaction": build_call(call, prices, verbose=True),
        "outcome": {"word": outcome.word, "reason": outcome.reason or None},
        "previous": previous,
        "next": following,
        "sections": [asdict(section) for section in read_sections(call)],
    }


def build_row(table: str, row: Interaction | Run) -> dict[str, Any]:
    """Build the object of one row of a table, as it was read from the file."""
    return {"table": table, **_columns(row, type(row), set())}


def _columns(row: object, shape: type[Any], without: frozenset[str] | set[str]) -> dict[str, Any]:
    names = [field.name for field in fields(shape) if field.name not in without]
    return {name.removesuffix(JSON_SUFFIX): _value(name, getattr(row, name)) for name in names}


def build_moment(moment: datetime) -> str:
    """Write a time in UTC with microseconds, as RFC 3339."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def _value(name: str, value: Any) -> Any:  # noqa: ANN401
    if isinstance(value, datetime):
        return build_moment(value)
    return load_or_keep(value) if name.endswith(JSON_SUFFIX) else value

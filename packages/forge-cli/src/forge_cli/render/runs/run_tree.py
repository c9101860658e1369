"""One run as text: what it is, where its time and money went, and the tree of its attempts."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from forge_obs import Interaction
from rich.text import Text

from forge_cli.escape import escape, escape_line
from forge_cli.program import as_started
from forge_cli.render.budget import describe_budget, describe_stop
from forge_cli.render.calls.facts import name_call
from forge_cli.render.changes import describe_change
from forge_cli.render.figures import (
    describe_cost,
    format_age,
    format_cost,
    format_count,
    format_duration,
    format_milliseconds,
    format_moment,
    format_sum,
    format_tokens,
)
from forge_cli.render.table import align, style_status
from forge_cli.views.costs import Prices, Tally, tally_calls
from forge_cli.views.outline import (
    AttemptOutline,
    Outline,
    UnitOutline,
    build_outline,
    find_asked,
)
from forge_cli.views.result import ChangeView, CheckView
from forge_cli.views.run import RunView
from forge_cli.views.spending import find_waste, split_time

COLUMNS = ("CALL", "IN", "CACHED", "OUT", "LATENCY", "COST")
"""Figures of an attempt, after its name."""

COUNTS = ("input_tokens", "output_tokens", "cache_read_tokens")
"""Tokens that a result has of a call."""

SHORT_COMMIT = 12

NOT_RUN = "not run"
"""How the summary of a check begins that did not apply."""

MOST_CHANGES = 8
"""Files of an attempt whose changes the tree shows."""

MOST_DETAILS = 6
"""Lines of a failed check's findings that the tree shows."""

OUTPUT_CHECK, LAST_DETAILS = "tests", 3
"""The check whose details are an output, and how many of its lines are shown from its end."""


@dataclass(frozen=True, slots=True)
class _Row:
    """A line of the tree: its name, its figures, and what is said of it."""

    label: Text
    cells: tuple[str, ...] = ()
    remark: str = ""


def render_run(
    view: RunView, calls: Sequence[Interaction], prices: Prices, *, details: bool = False
) -> Text:
    """Render one run: what it is, then planner, steps, sub-tasks and attempts.

    Args:
        view: The run.
        calls: Its calls, with or without their texts.
        prices: Prices of their models.
        details: Show the findings of failed checks whole, and the checks that passed.
    """
    outline = build_outline(view.result, calls, running=view.status == "running")
    lines = [
        Text.assemble(f"{label:<9} ", value)
        for label, value in _describe_run(view, outline, prices)
        if value
    ]
    rows = list(_Tree(view, prices, details=details).list_rows(outline))
    if rows:
        lines += [Text(), *_align(rows)]
    return Text("\n").join(lines)


def _describe_run(
    view: RunView, outline: Outline, prices: Prices
) -> Iterator[tuple[str, Text | str]]:
    run, result = view.run, view.result
    tally = tally_calls(outline.calls, prices)
    took = f", took {format_duration(view.duration)}" if view.duration is not None else ""
    yield "run", escape_line(run.workflow_id)
    yield "task", escape_line(run.task_id)
    yield "status", style_status(view.status)
    if view.resume is not None:
        yield "resume", Text(as_started(view.resume))
    yield "obstacle", as_started(view.obstacle or "")
    yield "repo", escape_line(run.repo_root or "")
    yield "branch", escape_line(result.branch or "")
    yield "worktree", escape_line(result.worktree or "")
    yield "model", escape_line(run.model_name or "")
    yield "started", format_moment(run.created_at) + took
    yield "calls", _describe_calls(tally)
    yield "unknown", _describe_unanswered(view)
    yield "cost", describe_cost(tally, prices)
    yield "budget", describe_budget(result.budget)
    yield "stopped", describe_stop(result.budget) if view.has_stopped else ""
    yield "waste", _describe_waste(outline, prices)
    yield "time", _describe_time(view, outline)
    yield "files", ", ".join(escape_line(path) for path in result.files)
    yield "deleted", ", ".join(escape_line(path) for path in result.deleted_files)
    yield "error", escape_line(result.error or "")
    yield "broken", escape_line(run.broken or "")


def _describe_calls(tally: Tally) -> str:
    if tally.scripted == tally.calls:
        return f"{tally.calls:,}" + (", scripted or replayed" if tally.calls else "")
    cached = f", {tally.cached_tokens:,} of them cached" if tally.cached_tokens else ""
    unknown = f", {tally.unreported:,} reported none" if tally.unreported else ""
    tokens = f"{tally.input_tokens:,} in{cached}, {tally.output_tokens:,} out{unknown}"
    refused = f", {tally.refused:,} refused" if tally.refused else ""
    scripted = f", {tally.scripted:,} scripted or replayed" if tally.scripted else ""
    return f"{tally.calls:,} ({tokens}){refused}{scripted}"


def _describe_unanswered(view: RunView) -> str:
    if view.status == "running" or not view.totals.unanswered:
        return ""
    return f"outcome of {format_count(view.totals.unanswered, 'call')}, which may have been billed"


def _describe_waste(outline: Outline, prices: Prices) -> str:
    share = find_waste(outline, prices)
    if not share:
        return ""
    return f"{share:.0%} of tokens went to discarded attempts"


def _describe_time(view: RunView, outline: Outline) -> str:
    if view.duration is None:
        return ""
    split = split_time(outline, view.run.created_at, view.duration)
    parts = [*split.spent_s.items(), ("waiting", split.waiting_s)]
    return ", ".join(f"{name} {format_duration(timedelta(seconds=s))}" for name, s in parts)


class _Tree:
    """The rows of a run's tree."""

    def __init__(self, view: RunView, prices: Prices, *, details: bool) -> None:
        self._view = view
        self._prices = prices
        self._details = details

    def list_rows(self, outline: Outline) -> Iterator[_Row]:
        """List the rows, top down."""
        yield from self._planner_rows(outline.planner or _stand_in(self._view.result.planner))
        for unit in outline.units:
            yield from self._unit_rows(unit, "")

    def _planner_rows(self, calls: Sequence[Interaction]) -> Iterator[_Row]:
        if not calls:
            return
        yield _Row(Text("planner"), self._figures(calls))
        if len(calls) > 1 or calls[0].status != "ok":
            yield from self._call_rows(calls, "  ")

    def _unit_rows(self, unit: UnitOutline, indent: str) -> Iterator[_Row]:
        own = ""
        if unit.kind != "task":
            own = "  "
            label = Text.assemble(
                f"{indent}{unit.kind} {escape_line(unit.name)} ", style_status(unit.state)
            )
            calls = unit.calls
            figures = self._figures(calls, named=False) if calls else ()
            yield _Row(label, figures, _join(_short(unit.commit), _first_line(unit.description)))
            if unit.error and unit.state != "success":
                yield _Row(Text(f"{indent}  error: {escape_line(unit.error)}"))
        for part in unit.parts:
            yield from self._unit_rows(part, indent + own)
        for attempt in unit.attempts:
            yield from self._attempt_rows(attempt, indent + own, unit)

    def _attempt_rows(
        self, attempt: AttemptOutline, indent: str, unit: UnitOutline
    ) -> Iterator[_Row]:
        around = f"{attempt.step_attempt}." if _is_repeated(unit) else ""
        label = Text.assemble(
            f"{indent}attempt {around}{attempt.number} ", style_status(attempt.state)
        )
        result = attempt.result
        unit_commit = unit.commit if unit.kind != "task" else None
        commit = result.commit if result and result.commit != unit_commit else None
        calls = attempt.calls or _stand_in(result.stats if result else None)
        yield _Row(label, self._figures(calls) if calls else (), _short(commit))
        if len(attempt.calls) > 1 or any(call.status != "ok" for call in attempt.calls):
            yield from self._call_rows(attempt.calls, indent + "  ")
        if result is None:
            return
        if not unit.parts:
            yield from self._change_rows(result.changes, indent + "  ")
        if result.error and result.error != unit.error and not result.failed_checks:
            yield _Row(Text(f"{indent}  {escape_line(result.error)}"))
        for check in result.checks:
            if self._details or not check.passed or check in result.remarks:
                yield from self._check_rows(check, indent + "  ")

    def _change_rows(self, changes: Sequence[ChangeView], indent: str) -> Iterator[_Row]:
        cut = changes if self._details else changes[:MOST_CHANGES]
        for change in cut:
            yield _Row(Text(f"{indent}{describe_change(change)}"))
        if len(cut) < len(changes):
            yield _Row(Text(f"{indent}… {len(changes) - len(cut):,} more files with --verbose"))

    def _check_rows(self, check: CheckView, indent: str) -> Iterator[_Row]:
        name, summary = escape_line(check.name), escape_line(check.summary)
        if check.passed and check.summary.startswith(NOT_RUN):
            yield _Row(Text(f"{indent}{name} {summary}"))
        else:
            yield _Row(Text.assemble(f"{indent}{name} ", _style_verdict(check), f": {summary}"))
        if check.passed or not check.details:
            return
        lines = escape(check.details.rstrip()).split("\n")
        end = LAST_DETAILS if check.name == OUTPUT_CHECK else 0
        left = 0 if self._details else len(lines) - MOST_DETAILS
        if left <= 0:
            yield from (_Row(Text(f"{indent}  {line}")) for line in lines)
            return
        first, last = lines[: MOST_DETAILS - end], lines[len(lines) - end :]
        yield from (_Row(Text(f"{indent}  {line}")) for line in first)
        yield _Row(Text(f"{indent}  … {left:,} more lines with --verbose"))
        yield from (_Row(Text(f"{indent}  {line}")) for line in last)

    def _call_rows(self, calls: Sequence[Interaction], indent: str) -> Iterator[_Row]:
        for call in calls:
            label = Text.assemble(f"{indent}{_name_call(call)} ", _style_outcome(call))
            yield _Row(label, self._figures([call]), self._remark(call))

    def _remark(self, call: Interaction) -> str:
        if call.status == "started" and self._view.status == "running":
            return f"sent {format_age(call.created_at, self._view.now)}"
        asked = find_asked(call)
        return escape_line(asked or ": ".join(filter(None, (call.error_type, call.error))))

    def _figures(self, calls: Sequence[Interaction], *, named: bool = True) -> tuple[str, ...]:
        tally = tally_calls(calls, self._prices)
        # Several requests are listed below, each with an id of its own.
        short_id = name_call(calls[0]) if named and len(calls) == 1 else ""
        latency = format_milliseconds(tally.latency_ms) if tally.latency_ms else "-"
        if not tally.paid:
            free = "refused" if tally.refused else escape_line(calls[0].origin)
            return (short_id, "-", "-", "-", latency, free)
        return (
            short_id,
            format_sum(tally, tally.input_tokens),
            format_tokens(tally.cached_tokens) if tally.cached_tokens else "-",
            format_sum(tally, tally.output_tokens),
            latency,
            format_cost(tally),
        )


def _stand_in(stats: Mapping[str, Any] | None) -> tuple[Interaction, ...]:
    """Make a call of a result's figures, where the call itself is not on record."""
    if stats is None:
        return ()
    counts = {name: stats[name] for name in COUNTS if isinstance(stats.get(name), int)}
    latency = stats.get("latency_ms")
    latency_ms = float(latency) if isinstance(latency, int | float) else 0.0
    return (Interaction(latency_ms=latency_ms, **counts),)


def _align(rows: Sequence[_Row]) -> list[Text]:
    """Put the figures of all rows below each other; a row without any is as long as it is."""
    headed = [_Row(Text(), COLUMNS), *rows] if any(row.cells for row in rows) else rows
    remark_column = len(COLUMNS) + 1
    cells: list[list[Text | str]] = [
        [row.label, *row.cells, f" {row.remark}" if row.remark else ""]
        if row.cells
        else [Text.assemble(row.label, "  " if row.remark else "", row.remark)]
        for row in headed
    ]
    return align(cells, right=range(2, remark_column), gap=" ")


def _is_repeated(unit: UnitOutline) -> bool:
    return any((attempt.step_attempt or 1) > 1 for attempt in unit.attempts)


def _name_call(call: Interaction) -> str:
    tries = f" try {call.activity_attempt}" if (call.activity_attempt or 1) > 1 else ""
    return f"request {(call.seq or 0) + 1}{tries}"


def _style_outcome(call: Interaction) -> Text:
    shown = {
        "started": "outcome unknown",
        "ok": "asked back" if find_asked(call) else "answered",
        "error": "failed",
    }
    styles = {"started": "unknown", "ok": "success", "error": "failed"}
    return style_status(styles.get(call.status, ""), shown.get(call.status, call.status))


def _style_verdict(check: CheckView) -> Text:
    if check.passed and check.warning:
        return style_status("warning")
    return style_status("success", "passed") if check.passed else style_status("failed")


def _short(commit: str | None) -> str:
    return escape_line((commit or "")[:SHORT_COMMIT])


def _first_line(text: str) -> str:
    return escape_line(text.strip().split("\n", 1)[0])


def _join(*parts: str) -> str:
    return "  ".join(part for part in parts if part)

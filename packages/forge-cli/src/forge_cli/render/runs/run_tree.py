"""One run as text: what it is, then planner, steps, sub-tasks and attempts as a tree."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from forge_obs import PROVIDER, RUNNING, STARTED, Interaction
from rich.text import Text

from forge_cli.escape import escape, escape_line
from forge_cli.render.calls.facts import name_call
from forge_cli.render.changes import describe_change
from forge_cli.render.figures import (
    format_age,
    format_cost,
    format_milliseconds,
    format_sum,
    format_tokens,
    name_retry,
)
from forge_cli.render.runs.branches import Branch, Columns, render_branches
from forge_cli.render.runs.layout import Layout, make_line
from forge_cli.render.runs.run_head import render_head
from forge_cli.render.table import style_status
from forge_cli.views.calls.outcome import Outcome, judge_call
from forge_cli.views.calls.selection import ALL_CALLS, CallFilter
from forge_cli.views.costs import SCRIPTED, Prices, tally_calls
from forge_cli.views.outline import AttemptOutline, Outline, UnitOutline, build_outline
from forge_cli.views.result import ChangeView, CheckView
from forge_cli.views.run import RunView
from forge_cli.views.spending import measure_latency_ms

COLUMNS = Columns(
    names=("CALL", "IN", "CACHED", "OUT", "LATENCY", "COST"),
    left=frozenset({"CALL"}),
    rare=frozenset({"CACHED"}),
    dispensable=("CACHED", "OUT", "IN", "LATENCY", "CALL"),
)
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

INDENT = "  "
"""Before the findings of a check."""

EVERYTHING = Layout()


def render_run(
    view: RunView,
    calls: Sequence[Interaction],
    prices: Prices,
    layout: Layout = EVERYTHING,
    query: CallFilter = ALL_CALLS,
) -> Text:
    """Render one run: what it is, then planner, steps, sub-tasks and attempts.

    Args:
        view: The run.
        calls: All its calls, with or without their texts.
        prices: Prices of their models.
        layout: Where nothing is cut, and with details, the findings of failed checks are whole,
            and the checks that passed are shown, too.
        query: Which of the calls are shown in the tree; the figures above it are of all.
    """
    outline = build_outline(view.result, calls, running=view.status == RUNNING)
    lines = render_head(view, outline, prices, layout)
    shown = query.narrow(outline) if query.narrows else outline
    branches = list(_Tree(view, prices, layout).list_branches(shown, is_whole=not query.narrows))
    if query.narrows:
        hint = "" if branches else ": nothing matches"
        lines += [Text(), Text(f"only {escape_line(query.describe())}{hint}", style="dim")]
    if branches:
        lines += [Text(), *render_branches(branches, COLUMNS, layout.most)]
    return Text("\n").join(lines)


@dataclass(frozen=True, slots=True)
class _Tree:
    """The tree of a run."""

    view: RunView
    prices: Prices
    layout: Layout

    def list_branches(self, outline: Outline, *, is_whole: bool) -> Iterator[Branch]:
        """List the planner and the units, top down."""
        planner = outline.planner
        if is_whole and not planner:
            planner = _stand_in(self.view.result.planner)
        if planner:
            yield self._build_planner(planner)
        for unit in outline.units:
            if unit.kind == "task":
                yield from (self._build_attempt(attempt, unit) for attempt in unit.attempts)
            else:
                yield self._build_unit(unit)

    def _build_planner(self, calls: Sequence[Interaction]) -> Branch:
        return Branch(
            "planner",
            cells=self._figures(calls),
            remark=self._find_age(calls),
            branches=self._list_requests(calls, None),
        )

    def _build_unit(self, unit: UnitOutline) -> Branch:
        attempts = (self._build_attempt(attempt, unit) for attempt in unit.attempts)
        lines = [_describe_unit(unit)]
        if unit.error and unit.state != "success" and not _tells_findings(unit):
            lines.append(Text(f"error: {self._shorten(unit.error)}", style="red"))
        return Branch(
            name=f"{unit.kind} {escape_line(unit.name)}",
            state=style_status(unit.state),
            cells=self._figures(unit.calls, named=False) if unit.calls else {},
            lines=tuple(line for line in lines if line.plain),
            branches=(*map(self._build_unit, unit.parts), *attempts),
        )

    def _build_attempt(self, attempt: AttemptOutline, unit: UnitOutline) -> Branch:
        around = f"{attempt.step_attempt}." if _is_repeated(unit) else ""
        result = attempt.result
        calls = attempt.calls or _stand_in(result.stats if result else None)
        return Branch(
            name=f"attempt {around}{attempt.number}",
            state=style_status(attempt.state),
            cells=self._figures(calls) if calls else {},
            remark=self._find_age(attempt.calls),
            lines=tuple(self._list_results(attempt, unit)),
            branches=self._list_requests(attempt.calls, attempt),
        )

    def _list_requests(
        self, calls: Sequence[Interaction], attempt: AttemptOutline | None
    ) -> tuple[Branch, ...]:
        """List the requests of a call, unless there is one alone of which nothing is to be said."""
        if len(calls) == 1 and (calls[0].status == "ok" or self._find_age(calls)):
            return ()
        return tuple(self._build_request(call, attempt) for call in calls)

    def _find_age(self, calls: Sequence[Interaction]) -> str:
        """Say since when the only request is out; empty where that is not so."""
        is_out = len(calls) == 1 and calls[0].status == STARTED and self.view.status == RUNNING
        return f"sent {format_age(calls[0].created_at, self.view.now)}" if is_out else ""

    def _list_results(self, attempt: AttemptOutline, unit: UnitOutline) -> Iterator[Text]:
        """Say what came of an attempt: its commit, changes, error and checks."""
        result = attempt.result
        if result is None:
            return
        if result.commit and (unit.kind == "task" or result.commit != unit.commit):
            yield Text(f"commit {_abbreviate(result.commit)}", style="dim")
        if not unit.parts:
            yield from self._list_changes(result.changes)
        if result.error and result.error != unit.error and not result.failed_checks:
            yield Text(self._shorten(result.error), style="red")
        for check in result.checks:
            if self.layout.details or not check.passed or check in result.remarks:
                yield from self._list_findings(check)

    def _list_changes(self, changes: Sequence[ChangeView]) -> Iterator[Text]:
        shown = changes if self.layout.details else changes[:MOST_CHANGES]
        yield from (Text(describe_change(change)) for change in shown)
        if len(shown) < len(changes):
            yield Text(f"… {len(changes) - len(shown):,} more files with --full", style="dim")

    def _list_findings(self, check: CheckView) -> Iterator[Text]:
        name, summary = escape_line(check.name), escape_line(check.summary)
        if check.passed and check.summary.startswith(NOT_RUN):
            yield Text(f"{name} {summary}")
        else:
            yield Text.assemble(f"{name} ", _style_verdict(check), f": {summary}")
        if check.passed or not check.details:
            return
        lines = escape(check.details.rstrip()).split("\n")
        end = LAST_DETAILS if check.name == OUTPUT_CHECK else 0
        left = 0 if self.layout.details else len(lines) - MOST_DETAILS
        if left <= 0:
            yield from (Text(INDENT + line) for line in lines)
            return
        first, last = lines[: MOST_DETAILS - end], lines[len(lines) - end :]
        yield from (Text(INDENT + line) for line in first)
        yield Text(f"{INDENT}… {left:,} more lines with --full", style="dim")
        yield from (Text(INDENT + line) for line in last)

    def _build_request(self, call: Interaction, attempt: AttemptOutline | None) -> Branch:
        outcome = judge_call(call, attempt)
        state = style_status(outcome.style, WORDS.get(outcome.word, outcome.word))
        if call.status == STARTED and self.view.status == RUNNING:
            state = style_status(RUNNING, "no answer yet")
        retry = name_retry(call.activity_attempt)
        return Branch(
            name=f"request {(call.seq or 0) + 1}" + (f", {retry}" if retry else ""),
            state=state,
            cells=self._figures([call]),
            remark=self._remark(call, outcome),
        )

    def _remark(self, call: Interaction, outcome: Outcome) -> str:
        return self._find_age([call]) if call.status == STARTED else self._shorten(outcome.reason)

    def _shorten(self, text: str) -> str:
        """Return a text in one line, whole where nothing is to be cut."""
        return escape_line(text) if self.layout.details else make_line(text)

    def _figures(self, calls: Sequence[Interaction], *, named: bool = True) -> dict[str, str]:
        tally = tally_calls(calls, self.prices)
        latency_ms = measure_latency_ms(calls)
        # Several requests are listed below, each with an id of its own.
        cells = {
            "CALL": name_call(calls[0]) if named and len(calls) == 1 else "",
            "IN": "-",
            "CACHED": "-",
            "OUT": "-",
            "LATENCY": format_milliseconds(latency_ms) if latency_ms else "-",
            "COST": "refused" if tally.refused else escape_line(calls[0].origin),
        }
        if not (tally.paid or tally.is_simulated):
            return cells
        sums = tally.shown
        return cells | {
            "IN": format_sum(tally, sums.input_tokens),
            "CACHED": format_tokens(sums.cached_tokens) if sums.cached_tokens else "-",
            "OUT": format_sum(tally, sums.output_tokens),
            "COST": format_cost(tally),
        }


WORDS = {"unknown": "outcome unknown"}
"""What the tree says of a request where a word alone says too little."""


def _stand_in(stats: Mapping[str, Any] | None) -> tuple[Interaction, ...]:
    """Make a call of a result's figures, where the call itself is not on record."""
    if stats is None:
        return ()
    counts = {name: stats[name] for name in COUNTS if isinstance(stats.get(name), int)}
    latency = stats.get("latency_ms")
    latency_ms = float(latency) if isinstance(latency, int | float) else 0.0
    model = stats.get("model_name")
    is_scripted = isinstance(model, str) and model.startswith(f"{SCRIPTED}:")
    origin = SCRIPTED if is_scripted else PROVIDER
    return (Interaction(latency_ms=latency_ms, origin=origin, **counts),)


def _describe_unit(unit: UnitOutline) -> Text:
    """Give the line below a unit: its commit and what it is for, as in a log of git."""
    described = [_abbreviate(unit.commit), make_line(unit.description)]
    return Text(" ".join(filter(None, described)), style="dim")


def _tells_findings(unit: UnitOutline) -> bool:
    """Return whether the last attempt at a unit tells what its checks found."""
    last = unit.attempts[-1].result if unit.attempts else None
    return last is not None and bool(last.failed_checks)


def _is_repeated(unit: UnitOutline) -> bool:
    return any((attempt.step_attempt or 1) > 1 for attempt in unit.attempts)


def _style_verdict(check: CheckView) -> Text:
    if check.passed and check.warning:
        return style_status("warning")
    if check.unusable:
        return style_status("failed", "could not be made")
    return style_status("success", "passed") if check.passed else style_status("failed")


def _abbreviate(commit: str | None) -> str:
    return escape_line((commit or "")[:SHORT_COMMIT])

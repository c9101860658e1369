"""Units of work, attempts and calls as a report shows them; pure.

Everything that a model or a repository wrote is escaped here, since a page can hide as much as a
terminal; the template escapes it once more, for HTML.
"""

from collections.abc import Iterator, Sequence

from forge_obs import STARTED, Interaction

from forge_cli.escape import escape, escape_line
from forge_cli.render.calls.answer import render_answer
from forge_cli.render.changes import describe_change
from forge_cli.render.figures import (
    format_cost,
    format_count,
    format_milliseconds,
    format_sum,
    format_tokens,
    name_retry,
)
from forge_cli.render.runs.run_tree import NOT_RUN
from forge_cli.render.table import name_status
from forge_cli.report.entries import Attempt, CallEntry, Check, TextLink, Unit
from forge_cli.report.text_archive import TextArchive
from forge_cli.views.calls.outcome import judge_call
from forge_cli.views.calls.reasoning import read_reasoning
from forge_cli.views.calls.sections import read_sections
from forge_cli.views.costs import Prices, Tally, tally_calls
from forge_cli.views.outline import AttemptOutline, Outline, UnitOutline, name_attempt
from forge_cli.views.result import CheckView
from forge_cli.views.spending import measure_latency_ms

SHORT_ID = 8
SHORT_COMMIT = 12

CHARACTERS = 4
"""Characters of a token, where only the length of a text is known."""

PLANNER = "planner"
"""Anchor of what the planner did."""

GOOD = frozenset({"success", "accepted", "answered", "asked back"})
BAD = frozenset({"failure_terminal", "error", "failed", "refused", "unusable", "cancelled"})


class UnitBuilder:
    """Builds units; collects their texts and the anchors of their attempts."""

    def __init__(self, prices: Prices) -> None:
        self.archive = TextArchive()
        self._prices = prices
        self.anchors: dict[int, str] = {}
        """Where the page shows an attempt, by the identity of that."""

    def list_units(self, outline: Outline) -> Iterator[Unit]:
        """List the planner and the units of a run."""
        if outline.planner:
            last = outline.planner[-1]
            yield Unit(
                anchor=PLANNER,
                kind="planner",
                name="",
                status="good" if last.status == "ok" else "bad",
                state=judge_call(last).word,
                description="",
                commit="",
                error="",
                figures=_describe(outline.planner, self._prices),
                calls=tuple(self._build_call(call, None) for call in outline.planner),
            )
        for number, unit in enumerate(outline.units, start=1):
            yield self._build_unit(unit, f"u{number}")

    def _build_unit(self, unit: UnitOutline, anchor: str) -> Unit:
        is_task = unit.kind == "task"
        return Unit(
            anchor=anchor,
            kind=unit.kind,
            name=escape_line(unit.name),
            status=_color(unit.state),
            state=name_status(unit.state),
            description=escape(unit.description),
            commit="" if is_task else escape_line((unit.commit or "")[:SHORT_COMMIT]),
            error=escape(unit.error or "") if unit.state != "success" else "",
            figures=_describe(unit.calls, self._prices),
            attempts=tuple(
                self._build_attempt(attempt, f"{anchor}a{number}")
                for number, attempt in enumerate(unit.attempts, start=1)
            ),
            parts=tuple(
                self._build_unit(part, f"{anchor}s{number}")
                for number, part in enumerate(unit.parts, start=1)
            ),
        )

    def _build_attempt(self, attempt: AttemptOutline, anchor: str) -> Attempt:
        self.anchors[id(attempt)] = anchor
        result = attempt.result
        return Attempt(
            anchor=anchor,
            name=name_attempt(attempt),
            status=_color(attempt.state),
            state=name_status(attempt.state),
            commit=escape_line((result.commit or "")[:SHORT_COMMIT]) if result else "",
            reason=escape_line(result.reason) if result else "",
            figures=_describe(attempt.calls, self._prices),
            changes=tuple(map(describe_change, result.changes)) if result else (),
            checks=tuple(map(_build_check, result.checks)) if result else (),
            calls=tuple(self._build_call(call, attempt) for call in attempt.calls),
        )

    def _build_call(self, call: Interaction, attempt: AttemptOutline | None) -> CallEntry:
        outcome = judge_call(call, attempt)
        sections = tuple(self._link(section.title, section.text) for section in read_sections(call))
        name = (call.entry_id or str(call.id))[:SHORT_ID]
        return CallEntry(
            anchor=f"c{call.id}",
            name=" ".join(filter(None, (name, name_retry(call.activity_attempt)))),
            status=_color(outcome.word),
            outcome=outcome.word,
            reason=escape(outcome.reason),
            figures=_describe([call], self._prices),
            answer=tuple(self._list_answers(call)),
            prompt=sections,
            prompt_size=_measure(call.system_prompt + call.user_prompt),
        )

    def _list_answers(self, call: Interaction) -> Iterator[TextLink]:
        changes = render_answer(call)
        if changes:
            yield self._link("What it changes", changes.plain, "diff", escaped=True)
        thought = read_reasoning(call.messages_json)
        if thought:
            yield self._link("What it thought", thought)
        if call.response:
            yield self._link("Answer as it came", call.response)
        if call.error:
            yield self._link("Error", call.error)

    def _link(
        self, title: str, text: str, kind: str = "text", *, escaped: bool = False
    ) -> TextLink:
        number = self.archive.add(text if escaped else escape(text))
        return TextLink(number, escape_line(title), _measure(text), kind)


def _build_check(check: CheckView) -> Check:
    applies = not (check.passed and check.summary.startswith(NOT_RUN))
    return Check(
        name=escape_line(check.name),
        status=("good" if check.passed else "bad") if applies else "none",
        verdict=("passed" if check.passed else "failed") if applies else "",
        summary=escape_line(check.summary),
        details="" if check.passed else escape(check.details.rstrip()),
    )


def _describe(calls: Sequence[Interaction], prices: Prices) -> str:
    """Say in a line what calls took; empty for none."""
    if not calls:
        return ""
    tally = tally_calls(calls, prices)
    latency_ms = measure_latency_ms(calls)
    is_known = latency_ms or any(call.status != STARTED for call in calls)
    latency = format_milliseconds(latency_ms) if is_known else "time unknown"
    origin = "refused" if tally.refused else escape_line(calls[0].origin)
    if not tally.paid and not tally.is_simulated:
        return f"{origin}, {latency}"
    tokens_in, tokens_out = (
        format_sum(tally, tokens)
        for tokens in (tally.shown.input_tokens, tally.shown.output_tokens)
    )
    cached_tokens = tally.shown.cached_tokens
    cached = f" ({format_tokens(cached_tokens)} cached)" if cached_tokens else ""
    model = escape_line(calls[0].model_name) + ", " if len(calls) == 1 else ""
    source = f"{origin}, " if tally.is_simulated else model
    return f"{source}{tokens_in} in{cached}, {tokens_out} out, {latency}, {_name_cost(tally)}"


def _name_cost(tally: Tally) -> str:
    cost = format_cost(tally)
    return f"cost {cost}" if tally.paid and tally.unpriced == tally.paid else cost


def _color(state: str) -> str:
    if state in GOOD:
        return "good"
    return "bad" if state in BAD else "open"


def _measure(text: str) -> str:
    tokens = format_tokens(len(text) // CHARACTERS)
    return f"{format_count(len(text), 'character')}, about {tokens} tokens"

"""One call of a model as a page: what it was for, what it said, what it was told."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import dropwhile

from forge_obs import Interaction
from rich.text import Text

from forge_cli.escape import escape, escape_line
from forge_cli.program import as_started
from forge_cli.render.calls.facts import describe_purpose, list_facts, name_call
from forge_cli.render.calls.highlight import Highlighter, plain
from forge_cli.render.calls.manifest import render_manifest
from forge_cli.render.calls.plan import render_plan
from forge_cli.render.calls.section_text import render_section, rule
from forge_cli.render.figures import format_count
from forge_cli.render.table import Cell, align, name_status, style_status
from forge_cli.render.wrapping import cut, wrap, wrap_prose
from forge_cli.views.calls.conversation import Conversation, Message, read_conversation
from forge_cli.views.calls.outcome import Outcome, judge_call
from forge_cli.views.calls.place import CallPlace
from forge_cli.views.calls.reasoning import read_reasoning
from forge_cli.views.calls.sections import PromptSection, read_sections
from forge_cli.views.costs import NO_PRICES, Prices
from forge_cli.views.json_text import load_json

LABEL = 10
"""Columns of a fact's label."""

SAID_ABOVE = frozenset({"status", "outcome", "commit", "error", "id"})
"""Facts that the head says in its own words."""

MOST_SIBLINGS = 9
"""Calls of the same unit that are listed, those around the call."""

SHORT_COMMIT = 12


@dataclass(frozen=True, slots=True)
class CallPage:
    """What a page is made of."""

    call: Interaction
    place: CallPlace | None = None
    """Where it stands in its run; None for a call of another program."""
    prices: Prices = NO_PRICES
    answer: Text | None = None
    """The answer's changes, rendered; None for an answer of another kind."""


@dataclass(frozen=True, slots=True)
class Canvas:
    """What a page is drawn on."""

    width: int | None = None
    """Columns of the terminal; None for no limit."""
    highlight: Highlighter = plain
    """Colours a text by the path of its file."""


def render_page(page: CallPage, canvas: Canvas) -> Text:
    """Render a call as a page, its texts whole."""
    blocks = [
        list(_render_head(page, canvas.width)),
        list(_render_answer(page, canvas)),
        list(_render_reasoning(page.call, canvas)),
        list(_render_prompts(page.call, canvas)),
        list(_render_manifest(page.call, canvas.width)),
    ]
    return Text("\n\n").join(Text("\n").join(_begin(block)) for block in blocks if block)


def _begin(block: Sequence[Text]) -> Iterator[Text]:
    """Leave out what is empty at the beginning."""
    return dropwhile(lambda line: not line.plain, block)


def _render_head(page: CallPage, width: int | None) -> Iterator[Text]:
    call, place = page.call, page.place
    outcome = judge_call(call) if place is None else place.outcome
    title = Text.assemble(
        ("call ", "bold"), (name_call(call), "bold"), "  ", describe_purpose(call), "  "
    )
    yield title.append_text(style_status(outcome.style, outcome.word))
    yield from _fact("id", call.entry_id or "", width)
    yield from _describe_work(page, width)
    yield from _fact("outcome", _describe(outcome), width, outcome.style)
    if call.error and call.error not in outcome.reason:
        yield from _fact("error", f"{call.error_type or 'error'}: {call.error}", width)
    yield from _fact("commit", (place.commit if place else call.commit_sha) or "", width)
    yield from _render_siblings(place, width)
    for label, value in list_facts(call, page.prices):
        if label not in SAID_ABOVE:
            yield from _fact(label, value, width)


def _describe(outcome: Outcome) -> str:
    return f"{outcome.word}: {outcome.reason}" if outcome.reason else outcome.word


def _describe_work(page: CallPage, width: int | None) -> Iterator[Text]:
    """Say which run, step and attempt a call belongs to."""
    call, place = page.call, page.place
    if place is None:
        yield from _fact("run", call.workflow_id or "", width)
        yield from _fact("task", call.task_id, width)
        return
    run, unit = place.view.run, place.unit
    yield from _fact("run", f"{run.workflow_id}, {name_status(place.view.status)}", width)
    yield from _fact("asked for", _quote(run.description), width)
    if unit is None:
        return
    if place.number:
        steps = f"{call.step_id}, {place.number} of {len(place.view.result.plan) or '?'}"
        yield from _fact("step", steps, width)
    if unit.kind == "sub-task":
        yield from _fact("sub-task", unit.name, width)
    yield from _fact("to do", _quote(unit.description), width)
    if place.attempt is not None:
        last = max((attempt.number for attempt in unit.attempts), default=0)
        around = f" of step attempt {call.step_attempt}" if call.step_attempt else ""
        yield from _fact("attempt", f"{place.attempt.number} of {last}{around}", width)


def _quote(text: str | None) -> str:
    """Return a description as one line, shortened; prompts have it whole."""
    line = " ".join((text or "").split())
    return cut(line, 200)


def _fact(label: str, value: str, width: int | None, status: str | None = None) -> Iterator[Text]:
    if not value:
        return
    room = None if width is None else max(20, width - LABEL - 1)
    for number, line in enumerate(wrap(escape_line(value), room)):
        shown = Text(line) if status is None else style_status(status, line)
        yield Text.assemble((f"{'' if number else label:<{LABEL}} ", "dim"), shown)


def _render_siblings(place: CallPlace | None, width: int | None) -> Iterator[Text]:
    """List the calls of the same unit, and the commands that show them."""
    if place is None or len(place.siblings) < 2:
        return
    first = max(0, min(place.position - MOST_SIBLINGS // 2, len(place.siblings) - MOST_SIBLINGS))
    rows: list[list[Cell]] = []
    for call, attempt in place.siblings[first : first + MOST_SIBLINGS]:
        outcome = judge_call(call, attempt)
        here = "this call" if call.id == place.call.id else escape_line(outcome.reason)
        word = style_status(outcome.style, outcome.word)
        rows.append([_number(call), name_call(call), word, here])
    room = None if width is None else max(20, width - LABEL - 1)
    for number, line in enumerate(align(rows)):
        if room is not None:
            line.truncate(room, overflow="ellipsis")
        yield Text.assemble((f"{'' if number else 'attempts':<{LABEL}} ", "dim"), line)
    left_out = len(place.siblings) - len(rows)
    if left_out:
        yield from _fact("", f"{format_count(left_out, 'more call')} of the same work", width)
    yield from _render_commands(place, width)


def _render_commands(place: CallPlace, width: int | None) -> Iterator[Text]:
    """Give the commands that show the calls before and after, and what differs."""
    for label, other in (("previous", place.previous), ("next", place.next)):
        if other is not None:
            yield from _fact(label, as_started(f"forge show {name_call(other)}"), width)
    pair = (place.previous, place.call) if place.previous else (place.call, place.next)
    names = " ".join(name_call(call) for call in pair if call is not None)
    yield from _fact("compare", as_started(f"forge diff {names}"), width)


def _number(call: Interaction) -> str:
    around = f"{call.step_attempt}." if call.step_attempt else ""
    request = f", request {call.seq + 1}" if call.seq else ""
    return f"{around}{call.attempt or 1}{request}"


def _render_answer(page: CallPage, canvas: Canvas) -> Iterator[Text]:
    call, conversation = page.call, read_conversation(page.call.messages_json)
    note = "as stored by --response"
    if page.answer is not None:
        yield rule("answer", note, canvas.width)
        yield page.answer
    elif call.response:
        yield rule("answer", note, canvas.width)
        yield _render_stored(call.response, canvas)
    elif not conversation.calls:
        yield rule("answer", "none on record", canvas.width)
    for part in conversation.calls:
        yield rule(f"answer: {part.title}", "", canvas.width)
        yield canvas.highlight(escape(part.text), "a.json")


def _render_stored(text: str, canvas: Canvas) -> Text:
    """Render an answer that is no change of files: JSON on several lines, else as it is."""
    if text.lstrip()[:1] not in {"{", "["}:
        return Text(wrap_prose(escape(text), canvas.width))
    try:
        document = load_json(text)
    except ValueError:
        return Text(escape(text))
    plan = render_plan(document, canvas.width)
    if plan is not None:
        return plan
    pretty = json.dumps(document, ensure_ascii=False, indent=2)
    return canvas.highlight(escape(pretty), "a.json")


def _render_reasoning(call: Interaction, canvas: Canvas) -> Iterator[Text]:
    reasoning = read_reasoning(call.messages_json)
    if reasoning is not None:
        yield rule("reasoning", f"{len(reasoning):,} characters", canvas.width)
        yield Text(wrap_prose(escape(reasoning), canvas.width))


def _render_prompts(call: Interaction, canvas: Canvas) -> Iterator[Text]:
    conversation = read_conversation(call.messages_json)
    if conversation.asked:
        yield from _render_conversation(conversation, canvas)
        return
    sections = read_sections(call)
    for number, prompt in enumerate(dict.fromkeys(section.prompt for section in sections)):
        if number:
            yield Text()
        parts = [section for section in sections if section.prompt == prompt]
        if len(parts) > 1:
            yield Text(f"{prompt} prompt: {_measure(parts)}", style="bold")
        for section in parts:
            yield from render_section(section, canvas.width, canvas.highlight)


def _measure(parts: list[PromptSection]) -> str:
    chars, tokens = (sum(getattr(p, name) for p in parts) for name in ("length", "tokens"))
    count = format_count(len(parts), "section")
    return f"{count}, {chars:,} characters, about {tokens:,} tokens"


def _render_conversation(conversation: Conversation, canvas: Canvas) -> Iterator[Text]:
    if conversation.tools:
        names = ", ".join(map(escape_line, conversation.tools))
        yield from _fact("tools", names, canvas.width)
    for message in conversation.asked:
        yield from _render_message(message, canvas)


def _render_message(message: Message, canvas: Canvas) -> Iterator[Text]:
    size = sum(len(part.text) for part in message.parts)
    yield Text()
    yield rule(message.role, f"{size:,} characters", canvas.width)
    for part in message.parts:
        if part.title:
            yield Text(f"({escape_line(part.title)})", style="dim")
        is_json = part.kind not in {"text", "reasoning"}
        text = escape(part.text) if is_json else wrap_prose(escape(part.text), canvas.width)
        yield canvas.highlight(text, "a.json" if is_json else "")


def _render_manifest(call: Interaction, width: int | None) -> Iterator[Text]:
    lines = render_manifest(call.context_manifest_json)[1:]
    for line in lines:
        yield Text(cut(line, width))

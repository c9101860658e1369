"""What differs between two calls: facts, sections of the prompts, answers."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from forge_obs import Interaction
from rich.cells import cell_len
from rich.text import Text

from forge_cli.escape import escape, escape_line
from forge_cli.render.calls.facts import describe_purpose, list_facts, name_call
from forge_cli.render.calls.section_text import rule
from forge_cli.render.diff_text import ADDED, REMOVED, color_line, diff_lines
from forge_cli.render.figures import format_count
from forge_cli.render.table import Cell, align, style_status
from forge_cli.render.wrapping import wrap
from forge_cli.views.calls.outcome import Outcome
from forge_cli.views.comparison.answers import WHOLE, AnswerPair
from forge_cli.views.comparison.sections import STATES, SectionPair, choose, sum_tokens
from forge_cli.views.costs import NO_PRICES, Prices

INCOMPARABLE = frozenset(
    {
        "id",
        "status",
        "outcome",
        "commit",
        "error",
        "context",
        "recorded",
        "trace",
        "answer id",
        "request id",
    }
)
"""Facts that are never the same, or are said above."""

STYLES = {"new": ADDED, "gone": REMOVED, "changed": "bold", "same": "dim"}
"""Styles by what became of a section."""

LABEL = 10

LONGEST_OUTCOME = len("unusable")
"""Columns for what came of a call, without which two calls look alike."""


@dataclass(frozen=True, slots=True)
class JudgedCall:
    """A call and what came of it."""

    call: Interaction
    outcome: Outcome


@dataclass(frozen=True, slots=True)
class CallComparison:
    """Two calls beside each other."""

    old: JudgedCall
    new: JudgedCall
    sections: tuple[SectionPair, ...]
    answers: tuple[AnswerPair, ...]
    prices: Prices = NO_PRICES

    @property
    def is_same(self) -> bool:
        """Whether both were told the same and said the same."""
        states = [pair.state for pair in self.sections] + [pair.state for pair in self.answers]
        return set(states) <= {"same"}


def render_call_comparison(comparison: CallComparison, width: int | None) -> Text:
    """Render what differs: figures first, then sections and answers as diffs."""
    blocks = [
        [*_render_heads(comparison, width), *_render_facts(comparison, width)],
        list(_render_sections(comparison.sections, width)),
        list(_render_answers(comparison.answers, width)),
        *(list(_render_section(pair, width)) for pair in comparison.sections),
        *(list(_render_answer(pair, width)) for pair in comparison.answers),
    ]
    return Text("\n\n").join(Text("\n").join(block) for block in blocks if block)


def _render_heads(comparison: CallComparison, width: int | None) -> Iterator[Text]:
    """Render which calls these are and what came of them, in lines of their own where need be."""
    rows: list[tuple[str, str, Text]] = []
    for letter, side in (("A", comparison.old), ("B", comparison.new)):
        outcome = side.outcome
        words = f"{outcome.word}: {outcome.reason}" if outcome.reason else outcome.word
        lead = f"{letter}  {name_call(side.call)}  "
        rows.append((lead, describe_purpose(side.call), style_status(outcome.style, words)))
    taken = max(cell_len(lead) + cell_len(purpose) + 2 for lead, purpose, _ in rows)
    if width is None or taken + LONGEST_OUTCOME <= width:
        cells: list[list[Cell]] = [
            [lead.rstrip(), purpose, summary] for lead, purpose, summary in rows
        ]
        yield from _fit(align(cells), width)
        return
    for lead, purpose, summary in rows:
        indent = " " * len(lead)
        for number, line in enumerate(wrap(purpose, max(20, width - len(lead)))):
            yield Text((indent if number else lead) + line)
        yield from _fit([Text.assemble(indent, summary)], width)


def _fit(lines: Sequence[Text], width: int | None) -> Sequence[Text]:
    for line in lines:
        if width is not None:
            line.truncate(width, overflow="ellipsis")
    return lines


def _render_facts(comparison: CallComparison, width: int | None) -> Iterator[Text]:
    """Render the facts that differ, both values below each other."""
    before, after = (
        dict(list_facts(side.call, comparison.prices)) for side in (comparison.old, comparison.new)
    )
    room = None if width is None else max(20, width - LABEL - 4)
    for label, old in before.items():
        new = after[label]
        if label in INCOMPARABLE or old == new:
            continue
        for number, (letter, value) in enumerate((("A", old), ("B", new))):
            for part, line in enumerate(wrap(escape_line(value or "-"), room)):
                shown = "" if number or part else label
                lead = f"{shown:<{LABEL}} {' ' if part else letter}  "
                yield Text.assemble((lead, "dim"), line)


def _render_sections(pairs: Sequence[SectionPair], width: int | None) -> Iterator[Text]:
    """Say which sections of the prompts differ, with their tokens."""
    old, new = sum_tokens(pairs)
    counts = {state: len(choose(pairs, state)) for state in reversed(STATES)}
    summary = ", ".join(f"{number} {state}" for state, number in counts.items() if number)
    size = f"about {old:,} → {new:,} tokens ({new - old:+,})"
    yield Text(f"prompts: {summary}; {size}" if pairs else "prompts: none", style="bold")
    rows: list[list[Cell]] = []
    for state in STATES[:-1]:
        for pair in choose(pairs, state):
            tokens = (
                f"{pair.tokens[0]:,} → {pair.tokens[1]:,}"
                if state == "changed"
                else (f"{max(pair.tokens):,}")
            )
            rows.append([Text(state, style=STYLES[state]), tokens, _name(pair)])
    yield from _fit([Text("  ") + line for line in align(rows, right={1})], width)
    same = choose(pairs, "same")
    if same:
        names = ", ".join(map(_name, same))
        lead = f"  same  {sum_tokens(same)[1]:,} tokens: "
        room = None if width is None else width - 4
        for number, line in enumerate(wrap(lead.strip() + " " + names, room)):
            yield Text(("    " if number else "  ") + line, style="dim")


def _name(pair: SectionPair) -> str:
    return escape_line(pair.section.title)


def _render_section(pair: SectionPair, width: int | None) -> Iterator[Text]:
    """Render what differs in one section; nothing where it is the same."""
    if pair.state == "same":
        return
    old, new = pair.tokens
    size = f"about {old:,} → {new:,} tokens" if old and new else f"about {old or new:,} tokens"
    yield rule(f"{pair.state}: {pair.section.title}", size, width)
    yield from _render_lines(
        None if pair.old is None else pair.old.text.split("\n"),
        None if pair.new is None else pair.new.text.split("\n"),
    )


def _render_lines(old: Sequence[str] | None, new: Sequence[str] | None) -> Iterator[Text]:
    """Render lines of which one side may have none, each of them then."""
    if old is not None and new is not None:
        yield from diff_lines(old, new)
        return
    sign, lines = ("-", old or ()) if new is None else ("+", new)
    yield from (color_line(f"{sign}{escape(line)}") for line in lines)


ANSWER_WORDS = {"new": "only in B", "gone": "only in A", "changed": "changed", "same": "same"}


def _render_answers(pairs: Sequence[AnswerPair], width: int | None) -> Iterator[Text]:
    """Say which files the answers make differently."""
    if not pairs:
        yield Text("answers: none on record", style="bold")
        return
    if pairs[0].name == WHOLE:
        yield Text(f"answers: {ANSWER_WORDS[pairs[0].state]}", style="bold")
        return
    yield Text(f"answers: {format_count(len(pairs), 'file')}", style="bold")
    rows: list[list[Cell]] = [
        [Text(ANSWER_WORDS[pair.state], style=STYLES[pair.state]), escape_line(pair.name)]
        for pair in pairs
    ]
    yield from _fit([Text("  ") + line for line in align(rows)], width)


def _render_answer(pair: AnswerPair, width: int | None) -> Iterator[Text]:
    if pair.state == "same":
        return
    summary = "" if pair.is_whole else "what is said of it; the prompt does not hold the file"
    title = pair.name if pair.name == WHOLE else f"answer: {pair.name}"
    yield rule(title, summary or ANSWER_WORDS[pair.state], width)
    yield from _render_lines(pair.old, pair.new)

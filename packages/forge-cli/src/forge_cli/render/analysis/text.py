"""An analysis as text, a section for each question."""

from collections.abc import Iterator, Sequence
from datetime import timedelta

from rich.text import Text

from forge_cli.escape import escape_line
from forge_cli.render.analysis.story import render_chapter
from forge_cli.render.calls.facts import name_call
from forge_cli.render.figures import (
    format_cost,
    format_count,
    format_duration,
    format_sum,
    format_tokens,
)
from forge_cli.render.runs.layout import cut_line
from forge_cli.render.table import Cell, align, style_status
from forge_cli.render.times import PURPOSES, describe_pause, describe_waits, format_seconds
from forge_cli.render.wrapping import wrap
from forge_cli.views.analysis.analysis import Analysis
from forge_cli.views.analysis.cache_breaks import CACHE_LIFE, CacheBreak
from forge_cli.views.analysis.critical_path import PAUSED, WAITING
from forge_cli.views.analysis.payoff import Payoff
from forge_cli.views.analysis.timeline import Lane
from forge_cli.views.outline import name_attempt

BAR_CELLS = 24
"""Cells of a bar for the whole run."""

EIGHTHS = " ▏▎▍▌▋▊▉"

MOST_FILES = 20
"""Files of a context that are listed."""

MOST_BREAKS = 10
"""Calls that are listed with what a cache could have given."""

MARGIN = "  "


def render_analysis(analysis: Analysis, width: int | None) -> Text:
    """Render what made a run take its time and its tokens.

    Args:
        analysis: What was found.
        width: Columns of the terminal; None where there is none.
    """
    view = analysis.view
    took = f"  took {format_duration(view.duration)}" if view.duration is not None else ""
    took += describe_pause(view.paused_s)
    head = Text.assemble(
        (escape_line(view.run.workflow_id), "bold"), "  ", style_status(view.status)
    )
    lines = [Text.assemble(head, took)]
    if view.status == "interrupted":
        lines.append(Text("what was under way when it was interrupted is in no figure", "dim"))
    blocks = [
        lines,
        list(_render_time(analysis, width)),
        list(_render_payoff(analysis.payoff, width)),
        list(_render_cache(analysis.cache, width)),
        list(_render_waste(analysis)),
        _render_story(analysis, width),
    ]
    cut = [[cut_line(line, width) for line in block] for block in blocks if block]
    return Text("\n\n").join(Text("\n").join(block) for block in cut)


def _head(title: str, rest: str) -> Text:
    return Text.assemble((title, "bold"), f"  {rest}")


def _render_time(analysis: Analysis, width: int | None) -> Iterator[Text]:
    path = analysis.path
    if not path.duration_s:
        return
    yield _head("TIME", f"critical path, {format_seconds(path.duration_s)}")
    by_lane = [(_name_lane(lane), seconds) for lane, seconds in path.sum_by_lane()]
    rows = [
        *((PURPOSES.get(name, name), seconds) for name, seconds in path.sum_by_purpose().items()),
        ("", 0.0),
        *by_lane,
    ]
    yield from align([_draw_row(name, s, path.duration_s) for name, s in rows], right=(1, 2))
    waits = describe_waits(path.sum_waits(), has_account=analysis.view.has_account)
    on_path = {id(lane) for lane, _ in path.sum_by_lane()}
    beside = [
        _name_lane(lane)
        for lane in analysis.lanes
        if id(lane) not in on_path and lane.end_s > lane.start_s
    ]
    for label, said in (("waited", waits), ("beside it, in no figure:", ", ".join(beside))):
        lines = wrap(f"{label} {said}", _inside(width)) if said else []
        yield from (Text(MARGIN + line, style="dim") for line in lines)


def _draw_row(name: str, seconds: float, whole_s: float) -> list[Cell]:
    if not name:
        return [""]
    share = seconds / whole_s
    style = "dim" if name in {WAITING, PAUSED} else "cyan"
    return [
        f"{MARGIN}{name}",
        format_seconds(seconds),
        f"{share:.0%}",
        Text(draw_bar(share, BAR_CELLS), style=style),
    ]


def draw_bar(share: float, cells: int) -> str:
    """Draw a bar of so many cells for a whole, to an eighth of a cell."""
    eighths = round(max(0.0, min(share, 1.0)) * cells * 8)
    return "█" * (eighths // 8) + EIGHTHS[eighths % 8].strip()


def _render_payoff(payoff: Payoff, width: int | None) -> Iterator[Text]:
    share = payoff.untouched_share
    if share is None:
        return
    every = payoff.file_tokens + payoff.other_tokens
    files = f"{payoff.file_tokens / every:.0%} of them of files"
    yield _head("CONTEXT", f"about {format_tokens(every)} tokens shown, {files}")
    yield Text(f"{MARGIN}{share:.0%} of the files' tokens were never touched by an answer")
    listed = payoff.files[:MOST_FILES]
    rows: list[list[Cell]] = [[f"{MARGIN}TOKENS", "CALLS", "USED", "FILE", "USE"]]
    rows += [
        [
            format_tokens(file.tokens),
            f"{file.calls:,}",
            f"{file.calls_used:,}" if file.calls_used else "-",
            escape_line(file.path),
            Text(", ".join(file.uses) or "none", style="" if file.uses else "dim"),
        ]
        for file in listed
    ]
    yield from align(rows, right=(0, 1, 2))
    if len(listed) < len(payoff.files):
        yield Text(f"{MARGIN}… {len(payoff.files) - len(listed):,} smaller ones in --json")
    cut = [escape_line(file.path) for file in payoff.files if file.is_cut]
    if cut:
        words = f"needed, and shown only in part: {', '.join(cut)}"
        yield from (Text(MARGIN + line) for line in wrap(words, _inside(width)))


def _render_cache(breaks: Sequence[CacheBreak], width: int | None) -> Iterator[Text]:
    if not breaks:
        return
    common = sum(b.common_tokens for b in breaks)
    repeated = sum(b.repeated_tokens for b in breaks)
    calls = format_count(len(breaks), "call")
    minutes = CACHE_LIFE // timedelta(minutes=1)
    yield _head("PROMPT CACHE", f"{calls} within {minutes} min of an earlier one of the same model")
    words = f"about {format_tokens(common)} tokens begin as in an earlier prompt"
    cached = [pair.reported_tokens for pair in breaks if pair.reported_tokens is not None]
    taken = f"; {format_tokens(sum(cached))} came from the provider's cache" if cached else ""
    again = f"; {format_tokens(repeated)} were the same, but behind a change" if repeated else ""
    yield from (Text(MARGIN + line) for line in wrap(words + taken + again, _inside(width)))
    missed = [pair for pair in breaks if pair.is_missed]
    worst = sorted(missed, key=lambda b: -max(b.repeated_tokens, b.common_tokens))[:MOST_BREAKS]
    for pair in sorted(worst, key=lambda b: b.call.id or 0):
        for number, line in enumerate(wrap(_describe_break(pair), _inside(width))):
            yield Text((MARGIN * 2 if number else MARGIN) + line)


def _describe_break(pair: CacheBreak) -> str:
    where = f"up to {escape_line(pair.section)}" if pair.section else "to its end"
    again = (
        f"; {format_tokens(pair.repeated_tokens)} the same behind it"
        if pair.repeated_tokens
        else ""
    )
    cached = pair.reported_tokens
    reported = f"; {format_tokens(cached)} came from the cache" if cached is not None else ""
    return (
        f"{name_call(pair.call)} begins like {name_call(pair.earlier)} {where}: about "
        f"{format_tokens(pair.common_tokens)} tokens{again}{reported}"
    )


def _render_waste(analysis: Analysis) -> Iterator[Text]:
    if not analysis.waste:
        return
    yield _head("WASTE", "calls that came to nothing, by cause")
    rows: list[list[Cell]] = [
        [
            f"{MARGIN}{format_count(waste.tally.calls, 'call')}",
            f"{format_sum(waste.tally, waste.tally.shown.tokens)} tokens",
            format_cost(waste.tally),
            escape_line(waste.cause),
        ]
        for waste in analysis.waste
    ]
    yield from align(rows, right=(1, 2))


def _render_story(analysis: Analysis, width: int | None) -> list[Text]:
    lines = [
        Text.assemble(MARGIN * 2 if number else MARGIN, line)
        for chapter in analysis.story
        for number, line in enumerate(render_chapter(chapter, _inside(width)))
    ]
    return [_head("STORY", "a paragraph for each attempt"), *lines] if lines else []


def _inside(width: int | None) -> int | None:
    return None if width is None else max(20, width - 2 * len(MARGIN))


def _name_lane(lane: Lane) -> str:
    if lane.unit is None or lane.attempt is None:
        return "planner"
    attempt = name_attempt(lane.attempt)
    return f"{escape_line(lane.unit.name)} {attempt}" if lane.unit.name else attempt

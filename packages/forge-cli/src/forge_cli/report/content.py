"""What a report says of a run, in the order of the page; pure."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from forge_obs import RUNNING, Interaction, Removal

from forge_cli.escape import escape, escape_line
from forge_cli.render.budget import describe_budget, describe_stop
from forge_cli.render.figures import (
    describe_cost,
    format_duration,
    format_moment,
    format_sum,
    format_tokens,
    format_usd,
)
from forge_cli.render.table import name_status
from forge_cli.render.times import format_seconds
from forge_cli.report.entries import Unit
from forge_cli.report.text_archive import PackedTexts
from forge_cli.report.units import PLANNER, SHORT_COMMIT, UnitBuilder
from forge_cli.report.waterfall import NARROW, WIDE, Waterfall, draw_waterfall
from forge_cli.views.analysis.critical_path import PAUSED, WAITING
from forge_cli.views.analysis.timeline import Lane, build_timeline
from forge_cli.views.costs import Prices, Tally, tally_calls
from forge_cli.views.outline import Outline, build_outline, name_attempt
from forge_cli.views.request import read_request
from forge_cli.views.run import RunView
from forge_cli.views.spending import PAUSE, find_waste, split_time


@dataclass(frozen=True, slots=True)
class Report:
    """A page."""

    title: str
    run: str
    status: str
    state: str
    description: str
    reason: str
    facts: tuple[tuple[str, str], ...]
    tiles: tuple[tuple[str, str], ...]
    time: tuple[tuple[str, str, float], ...]
    """Purposes on which time was spent, how much, and its share of the whole, from 0 to 100."""
    waterfalls: tuple[Waterfall, ...]
    """The same time drawn for wide and for narrow pages; none of a run without attempts."""
    units: tuple[Unit, ...]
    removals: tuple[Removal, ...]
    is_redacted: bool
    texts: PackedTexts


def build_report(
    view: RunView,
    calls: Sequence[Interaction],
    prices: Prices,
    *,
    removals: Sequence[Removal] | None = None,
) -> Report:
    """Build what a page says of a run.

    Args:
        view: The run.
        calls: Its calls with their texts, in the order of recording.
        prices: Prices of their models.
        removals: Secrets that were taken out of all this; None where nobody looked for any.
    """
    outline = build_outline(view.result, calls, running=view.status == RUNNING)
    builder = UnitBuilder(prices)
    units = tuple(builder.list_units(outline))
    whole_s = view.duration.total_seconds() if view.duration is not None else 0.0
    until_s = whole_s if view.status == RUNNING else None
    lanes = build_timeline(outline, view.run.created_at, until_s)
    labels = tuple(_label_lanes(lanes, builder.anchors))
    layouts = (WIDE, NARROW) if lanes else ()
    run = view.run
    return Report(
        title=escape_line((run.description or run.task_id or run.workflow_id).split("\n")[0]),
        run=escape_line(run.workflow_id),
        status=view.status,
        state=name_status(view.status),
        description=escape(run.description or ""),
        reason=escape(view.reason),
        facts=tuple(_list_facts(view, outline)),
        tiles=tuple(_list_tiles(view, outline, prices)),
        time=tuple(_list_times(view, outline)),
        waterfalls=tuple(draw_waterfall(lanes, labels, whole_s, layout) for layout in layouts),
        units=units,
        removals=tuple(removals or ()),
        is_redacted=removals is not None,
        texts=builder.archive.pack(),
    )


def _label_lanes(lanes: Sequence[Lane], anchors: Mapping[int, str]) -> Iterator[tuple[str, str]]:
    """Give the name of each lane, and the anchor of what it shows."""
    for lane in lanes:
        name, anchor = "planner", PLANNER
        if lane.unit is not None and lane.attempt is not None:
            attempt = name_attempt(lane.attempt)
            name = f"{escape_line(lane.unit.name)} {attempt}" if lane.unit.name else attempt
            anchor = anchors[id(lane.attempt)]
        yield name, anchor


def _list_facts(view: RunView, outline: Outline) -> Iterator[tuple[str, str]]:
    run, result = view.run, view.result
    models = dict.fromkeys(call.model_name for call in outline.calls)
    last_seen = run.seen_at if view.status == "interrupted" else None
    request = read_request(run.description, run.request_json)
    facts = {
        "Task": run.task_id,
        "Repository": run.repo_root,
        "Branch": run.branch or result.branch,
        "Base commit": (run.base_commit or "")[:SHORT_COMMIT],
        "Model": run.model_name,
        "Answered by": ", ".join(model for model in models if model and model != run.model_name),
        "Started": format_moment(run.created_at),
        "Ended": format_moment(run.finished_at) if run.finished_at is not None else "",
        "Last seen": format_moment(last_seen) if last_seen is not None else "",
        "Test command": request.test_command,
        "Checks": ", ".join(request.checks),
        "Files": ", ".join(result.files),
        "Deleted": ", ".join(result.deleted_files),
        "Budget": describe_budget(result.budget),
        "Stopped": describe_stop(result.budget) if view.has_stopped else "",
        "Damaged": run.broken,
    }
    yield from ((name, escape_line(value)) for name, value in facts.items() if value)


def _list_tiles(view: RunView, outline: Outline, prices: Prices) -> Iterator[tuple[str, str]]:
    tally = tally_calls(outline.calls, prices)
    if outline.planned:
        yield "steps done", f"{outline.steps_done} of {outline.planned}"
    if view.duration is not None:
        yield "duration", format_duration(view.duration)
    if view.paused_s:
        yield "of it paused", format_seconds(view.paused_s)
    refused = f", {tally.refused:,} refused" if tally.refused else ""
    yield "model call" if tally.calls == 1 else "model calls", f"{tally.calls:,}{refused}"
    if tally.paid or tally.is_simulated:
        of = "simulated " if tally.is_simulated else ""
        yield f"{of}tokens in", format_sum(tally, tally.shown.input_tokens)
        if tally.shown.cached_tokens:
            yield "of them cached", format_tokens(tally.shown.cached_tokens)
        yield f"{of}tokens out", format_sum(tally, tally.shown.output_tokens)
        yield _name_cost(tally, prices)
    waste = find_waste(outline, prices)
    if waste:
        yield "of tokens went to discarded attempts", f"{waste:.0%}"


def _name_cost(tally: Tally, prices: Prices) -> tuple[str, str]:
    """Return what calls cost behind what that is, which names the prices."""
    if tally.is_simulated:
        return "simulated cost", format_usd(tally.simulation.usd)
    cost, by, source = describe_cost(tally, prices).partition(" by ")
    return f"cost{by}{source}", cost


def _list_times(view: RunView, outline: Outline) -> Iterator[tuple[str, str, float]]:
    if view.duration is None or not view.duration.total_seconds():
        return
    whole_s, running = view.duration.total_seconds(), view.status == RUNNING
    split = split_time(
        outline, view.run.created_at, view.duration, running=running, paused_s=view.paused_s
    )
    waits = dict(split.waits_s)
    paused_s = waits.pop(PAUSE, 0.0)
    named = [*split.spent_s.items(), (WAITING, sum(waits.values()))]
    for name, seconds in [*named, *([(PAUSED, paused_s)] if paused_s else [])]:
        share = round(100 * seconds / whole_s, 2)
        yield name, format_duration(timedelta(seconds=seconds)), share

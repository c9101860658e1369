"""An analysis as a JSON document."""

from dataclasses import asdict
from typing import Any

from forge_cli.render.json_documents import build_cost
from forge_cli.views.analysis.analysis import Analysis
from forge_cli.views.analysis.cache_breaks import CacheBreak
from forge_cli.views.analysis.critical_path import CriticalPath, Segment
from forge_cli.views.analysis.payoff import Payoff
from forge_cli.views.analysis.story import Chapter
from forge_cli.views.analysis.waste import Waste
from forge_cli.views.outline import AttemptOutline, UnitOutline


def build_analysis_document(analysis: Analysis) -> dict[str, Any]:
    """Build the document of ``forge analyze --json``."""
    view = analysis.view
    return {
        "workflow_id": view.run.workflow_id,
        "status": view.status,
        "critical_path": _build_path(analysis.path),
        "context": _build_payoff(analysis.payoff),
        "cache": [_build_break(pair) for pair in analysis.cache],
        "waste": [_build_waste(waste, view.price_data) for waste in analysis.waste],
        "story": [_build_chapter(chapter) for chapter in analysis.story],
    }


def _build_path(path: CriticalPath) -> dict[str, Any]:
    return {
        "duration_s": path.duration_s,
        "paused_s": path.paused_s,
        "by_purpose": dict(path.sum_by_purpose()),
        "segments": [_build_segment(segment) for segment in path.segments],
    }


def _build_segment(segment: Segment) -> dict[str, Any]:
    lane = segment.lane
    work = _name(None, None) if lane is None else _name(lane.unit, lane.attempt)
    times = {"start_s": segment.start_s, "end_s": segment.end_s}
    return {**work, "purpose": segment.purpose, **times}


def _name(unit: UnitOutline | None, attempt: AttemptOutline | None) -> dict[str, Any]:
    return {
        "unit": unit.name if unit is not None else None,
        "attempt": attempt.number if attempt is not None else None,
        "step_attempt": attempt.step_attempt if attempt is not None else None,
    }


def _build_payoff(payoff: Payoff) -> dict[str, Any]:
    return {
        "file_tokens": payoff.file_tokens,
        "other_tokens": payoff.other_tokens,
        "untouched_tokens": payoff.untouched_tokens,
        "files": [{**asdict(file), "uses": list(file.uses)} for file in payoff.files],
    }


def _build_break(pair: CacheBreak) -> dict[str, Any]:
    return {
        "entry_id": pair.call.entry_id,
        "earlier_entry_id": pair.earlier.entry_id,
        "common_tokens": pair.common_tokens,
        "section": pair.section or None,
        "repeated_tokens": pair.repeated_tokens,
        "reported_tokens": pair.reported_tokens,
    }


def _build_waste(waste: Waste, price_data: str) -> dict[str, Any]:
    tally = waste.tally
    return {
        "cause": waste.cause,
        "calls": tally.calls,
        "input_tokens": tally.input_tokens,
        "output_tokens": tally.output_tokens,
        "cost": build_cost(tally, price_data),
    }


def _build_chapter(chapter: Chapter) -> dict[str, Any]:
    return {
        **_name(chapter.unit, chapter.attempt),
        "files_shown": chapter.files,
        "tokens_shown": chapter.tokens,
        "told": list(chapter.feedback),
        "requests": chapter.requests,
        "asked": list(chapter.context_requests),
        "changes": [
            {
                "path": change.path,
                "kind": change.kind,
                "old_path": change.old_path,
                "lines_added": change.added,
                "lines_removed": change.removed,
            }
            for change in chapter.changes
        ],
        "reason": chapter.reason or None,
        "commit": chapter.commit,
    }

"""What differs between two calls or two runs, as JSON."""

from dataclasses import asdict
from typing import Any

from forge_cli.render.comparison.calls import CallComparison, JudgedCall
from forge_cli.render.comparison.runs import RunComparison
from forge_cli.render.json_documents import build_call, build_cost, build_run
from forge_cli.views.comparison.answers import AnswerPair
from forge_cli.views.comparison.runs import FirstDifference, Work, WorkPair
from forge_cli.views.comparison.sections import SectionPair
from forge_cli.views.costs import Prices


def build_call_comparison(comparison: CallComparison) -> dict[str, Any]:
    """Build the document of ``forge diff CALL CALL --json``."""
    return {
        "same": comparison.is_same,
        "a": _build_side(comparison.old, comparison.prices),
        "b": _build_side(comparison.new, comparison.prices),
        "sections": [_build_section(pair) for pair in comparison.sections],
        "answers": [_build_answer(pair) for pair in comparison.answers],
    }


def _build_side(side: JudgedCall, prices: Prices) -> dict[str, Any]:
    return {
        "interaction": build_call(side.call, prices, verbose=False),
        "outcome": {"word": side.outcome.word, "reason": side.outcome.reason or None},
    }


def _build_section(pair: SectionPair) -> dict[str, Any]:
    section = pair.section
    return {
        "state": pair.state,
        "prompt": section.prompt,
        "kind": section.kind,
        "name": section.name,
        "title": section.title,
        "path": section.path,
        "tokens_a": pair.old.tokens if pair.old else None,
        "tokens_b": pair.new.tokens if pair.new else None,
        "text_a": pair.old.text if pair.old else None,
        "text_b": pair.new.text if pair.new else None,
    }


def _build_answer(pair: AnswerPair) -> dict[str, Any]:
    return {
        "state": pair.state,
        "name": pair.name,
        "whole": pair.is_whole,
        "text_a": None if pair.old is None else "\n".join(pair.old),
        "text_b": None if pair.new is None else "\n".join(pair.new),
    }


def build_run_comparison(comparison: RunComparison) -> dict[str, Any]:
    """Build the document of ``forge diff RUN RUN --json``."""
    price_data = comparison.new.price_data or comparison.old.price_data
    return {
        "same": comparison.is_same,
        "a": build_run(comparison.old),
        "b": build_run(comparison.new),
        "settings": [
            {"name": setting.name, "a": setting.old, "b": setting.new}
            for setting in comparison.settings
        ],
        "work": [_build_pair(pair, price_data) for pair in comparison.work],
        "first_difference": _build_first(comparison.first),
    }


def _build_pair(pair: WorkPair, price_data: str) -> dict[str, Any]:
    return {
        "role": pair.role,
        "step_id": pair.step_id,
        "sub_task_id": pair.sub_task_id,
        "step_attempt": pair.step_attempt or None,
        "attempt": pair.attempt,
        "a": _build_work(pair.old, price_data),
        "b": _build_work(pair.new, price_data),
    }


def _build_work(work: Work | None, price_data: str) -> dict[str, Any] | None:
    if work is None:
        return None
    return {
        "calls": [call.entry_id for call in work.calls],
        "outcome": asdict(work.outcome) | {"reason": work.outcome.reason or None},
        "input_tokens": work.tally.input_tokens,
        "output_tokens": work.tally.output_tokens,
        "cost": build_cost(work.tally, price_data),
        "latency_ms": work.tally.latency_ms,
    }


def _build_first(first: FirstDifference | None) -> dict[str, Any] | None:
    if first is None:
        return None
    return {
        "work": first.work.name,
        "what": first.what,
        "a": None if first.old is None else first.old.entry_id,
        "b": None if first.new is None else first.new.entry_id,
    }

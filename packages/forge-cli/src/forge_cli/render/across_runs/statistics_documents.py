"""JSON documents of sums over calls."""

from typing import Any

from forge_cli.render.json_documents import build_cost
from forge_cli.views.statistics import Figures, Statistics, find_percentiles


def build_statistics(
    statistics: Statistics, by: str | None, as_model: str | None
) -> dict[str, Any]:
    """Build the document of ``forge stats --json``.

    Args:
        statistics: The sums.
        by: What the groups are of; None for kinds of failures, beside the calls without one.
        as_model: The model whose costs were asked for, too.
    """
    groups = [
        {"name": group.name, **_build_figures(group.figures, statistics.price_data)}
        for group in statistics.groups
        if by is not None or group.name is not None
    ]
    return {
        "by": by or "error",
        "as_model": as_model,
        "calls_damaged": statistics.damaged,
        "total": _build_figures(statistics.total, statistics.price_data),
        "groups": groups,
    }


def _build_figures(figures: Figures, price_data: str) -> dict[str, Any]:
    tally, each = figures.tally, figures.usd_per_accepted
    return {
        "calls": tally.calls,
        "calls_failed": figures.failed,
        "calls_without_usage": tally.unreported,
        "calls_unanswered": tally.unanswered,
        "first_attempts_judged": figures.first_judged,
        "first_attempts_accepted": figures.first_accepted,
        "answers_accepted": figures.accepted,
        "usd_per_accepted": None if each is None else float(each),
        "input_tokens": tally.input_tokens,
        "cache_read_tokens": tally.cached_tokens,
        "cache_write_tokens": figures.cache_write_tokens,
        "output_tokens": tally.output_tokens,
        "reasoning_tokens": figures.reasoning_tokens,
        "cost": build_cost(tally, price_data),
        "wasted_usd": float(figures.wasted_usd),
        "as_model_usd": float(figures.as_model_usd),
        "as_model_unknown": figures.as_model_unknown,
        "latency_ms": _build_percentiles(figures.latencies_ns),
        "first_token_ms": _build_percentiles(figures.first_tokens_ns),
    }


def _build_percentiles(values: Any) -> dict[str, float] | None:  # noqa: ANN401 - an array
    percentiles = find_percentiles(values)
    return (
        None
        if percentiles is None
        else {"p50": percentiles.p50, "p95": percentiles.p95, "p99": percentiles.p99}
    )

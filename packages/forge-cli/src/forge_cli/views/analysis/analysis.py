"""Everything that is to be said of where a run's time and tokens went; pure."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from forge_obs import RUNNING, Interaction

from forge_cli.views.analysis.cache_breaks import CacheBreak, find_cache_breaks
from forge_cli.views.analysis.critical_path import CriticalPath, find_critical_path
from forge_cli.views.analysis.payoff import Payoff, measure_payoff
from forge_cli.views.analysis.story import Chapter, build_story
from forge_cli.views.analysis.timeline import Lane, build_timeline
from forge_cli.views.analysis.waste import Waste, sum_waste
from forge_cli.views.costs import Prices, Tally, tally_calls
from forge_cli.views.outline import build_outline
from forge_cli.views.run import UNFINISHED, RunView


@dataclass(frozen=True, slots=True)
class Analysis:
    """What made a run take its time and its tokens."""

    view: RunView
    totals: Tally
    lanes: tuple[Lane, ...]
    path: CriticalPath
    payoff: Payoff
    cache: tuple[CacheBreak, ...]
    waste: tuple[Waste, ...]
    story: tuple[Chapter, ...]


def analyze_run(view: RunView, calls: Sequence[Interaction], prices: Prices) -> Analysis:
    """Analyse a run by its calls, with their texts, in the order of recording."""
    outline = build_outline(view.result, calls, running=view.status == RUNNING)
    whole_s = (view.duration or timedelta()).total_seconds()
    until_s = whole_s if view.status == RUNNING else None
    lanes = build_timeline(outline, view.run.created_at, until_s)
    path = find_critical_path(lanes, whole_s, view.paused_s)
    return Analysis(
        view=view,
        totals=tally_calls(calls, prices),
        lanes=tuple(lanes),
        path=path if view.status not in UNFINISHED else replace(path, has_ended=False),
        payoff=measure_payoff(calls),
        cache=tuple(find_cache_breaks(calls)),
        waste=tuple(sum_waste(outline, prices)),
        story=tuple(build_story(outline)),
    )

"""Comparing two runs: their work attempt by attempt, and the first call that differs."""

from forge_cli.render.comparison.documents import build_run_comparison
from forge_cli.render.comparison.runs import RunComparison, render_run_comparison
from forge_cli.store.queries import Store
from forge_cli.terminal.console import OutputFormat, get_width, print_text
from forge_cli.views.comparison.runs import (
    FirstDifference,
    Side,
    WorkPair,
    compare_texts,
    list_settings,
    pair_work,
)
from forge_cli.views.json_text import dump


def compare_runs(store: Store, old: Side, new: Side, output: OutputFormat) -> bool:
    """Compare two runs, and print what differs.

    Returns:
        Whether all of their calls are the same.

    Raises:
        StoreError: The store cannot be read.
    """
    work = pair_work(old, new)
    comparison = RunComparison(
        old.view,
        new.view,
        list_settings(old.view, new.view),
        work,
        _find_first_difference(store, work),
    )
    if output is OutputFormat.JSON:
        print_text(dump(build_run_comparison(comparison)))
    else:
        print_text(render_run_comparison(comparison, get_width()))
    return comparison.is_same


def _find_first_difference(store: Store, work: tuple[WorkPair, ...]) -> FirstDifference | None:
    """Find the first call that differs, reading texts up to there."""
    for pair in work:
        old, new = (() if side is None else side.calls for side in (pair.old, pair.new))
        for before, after in zip(old, new, strict=False):
            what = compare_texts(store.read_again(before), store.read_again(after))
            if what:
                return FirstDifference(pair, what, before, after)
        if len(old) != len(new):
            shorter, extra = min(len(old), len(new)), max(old, new, key=len)
            side = "A" if len(old) > len(new) else "B"
            what = f"only {side} has {'its request ' + str(shorter + 1) if shorter else 'it'}"
            call = extra[shorter]
            ends = (call, None) if side == "A" else (None, call)
            return FirstDifference(pair, what, *ends)
    return None

"""Carrying out ``forge diff``: finding what is meant, reading both sides, comparing them."""

import re
from collections.abc import Sequence
from typing import TypeAlias

from forge_core.errors import UsageError
from forge_obs import Interaction

from forge_cli.actions.look.show import find_place
from forge_cli.actions.look.units import read_last_call, require_units
from forge_cli.errors import AmbiguousName, NothingRecorded, UnknownInteraction
from forge_cli.escape import escape_line
from forge_cli.options.look.diff import UnitOptions
from forge_cli.store.names import LAST
from forge_cli.store.prices import load_prices
from forge_cli.store.queries import Store
from forge_cli.store.resolver import find_run
from forge_cli.terminal.console import OutputFormat, get_width, print_note, print_text
from forge_cli.views.calls.outcome import Outcome, judge_call
from forge_cli.views.comparison.answers import pair_answers
from forge_cli.views.comparison.repair import (
    Repair,
    list_repairs,
    name_unit,
)
from forge_cli.views.comparison.runs import Side
from forge_cli.views.comparison.sections import list_sections, pair_sections
from forge_cli.views.json_text import dump

Pair: TypeAlias = tuple[Interaction, Interaction]
"""Two calls with their texts."""

SHOWN_DIGITS = re.compile(r"[0-9a-f]{8,}")
"""What the tree of a run shows of a call's id, or more of it."""

MOST_NAMED = 5
"""Other repairs that are named."""


def compare(a: str, b: str | None, unit: UnitOptions, output: OutputFormat) -> bool:
    """Compare two calls or two runs, and print what differs.

    Returns:
        Whether nothing does.

    Raises:
        UsageError: A run and a call cannot be compared, nor can a part of a call be.
        NothingRecorded: There is nothing to compare with.
        UnknownWorkflow: A name fits nothing.
        StoreError: The store cannot be read.
    """
    store = Store()
    named = [_find(store, name) for name in ((a,) if b is None else (a, b))]
    runs = [name for name in named if isinstance(name, str)]
    calls = [name for name in named if isinstance(name, Interaction)]
    if runs and calls:
        raise UsageError(f"{a!r} and {b!r} are a run and a call: compare two of a kind")
    if calls and unit.filter.narrows:
        raise UsageError("--step and --sub-task choose calls of a run; a call was named")
    if len(runs) == 2 and not unit.filter.narrows:
        from forge_cli.actions.look.diff_runs import compare_runs  # noqa: PLC0415 - calls do without

        old, new = (_read_side(store, run) for run in runs)
        return compare_runs(store, old, new, output)
    return _compare_calls(store, _choose_pair(store, runs, calls, unit), output)


def _choose_pair(
    store: Store, runs: Sequence[str], calls: Sequence[Interaction], unit: UnitOptions
) -> Pair:
    """Choose the two calls that are compared, of one or two runs or calls."""
    if len(runs) == 1:
        return _choose_repair(store, runs[0], unit)
    if runs:
        old, new = (read_last_call(store, run, unit.filter) for run in runs)
        return old, new
    if len(calls) == 1:
        return _find_previous(store, calls[0]), calls[0]
    return calls[0], calls[1]


def _find(store: Store, name: str) -> str | Interaction:
    """Return the workflow id of the run, or the call, that a name fits.

    As many digits as the tree of a run shows of a call are one; else a run counts first.
    """
    call = _find_call(store, name) if SHOWN_DIGITS.fullmatch(name) else None
    if call is not None:
        return call
    try:
        run = find_run(store, name)
    except AmbiguousName:
        call = _find_call(store, name)
        if call is None:
            raise
        return call
    if name == LAST or (store.reader is not None and store.reader.get_run(run) is not None):
        return run
    call = _find_call(store, name)
    if call is None:
        store.get_run_view(name)  # says which runs are near
        return name
    return call


def _find_call(store: Store, name: str) -> Interaction | None:
    try:
        return store.get_call(name)
    except UnknownInteraction:
        return None


def _read_side(store: Store, workflow_id: str) -> Side:
    return Side(*store.get_run(workflow_id, texts=False))


def _find_previous(store: Store, call: Interaction) -> Interaction:
    place = find_place(store, call)
    if place is None or place.previous is None or place.previous.entry_id is None:
        raise NothingRecorded(
            f"call {escape_line(call.entry_id or '')} is the first of its work: name what it is to "
            "be compared with"
        )
    return store.get_call(place.previous.entry_id)


def _choose_repair(store: Store, run: str, unit: UnitOptions) -> Pair:
    """Choose the calls that show what was repaired last in a run, and name what else was."""
    side = _read_side(store, run)
    outline = side.build_outline()
    require_units(unit.filter, outline)
    repairs = [repair for repair in list_repairs(outline) if unit.filter.accepts(repair.after)]
    if not repairs:
        where = f" in {unit.filter.describe()}" if unit.filter.narrows else ""
        raise NothingRecorded(
            f"nothing was repaired{where} in run {escape_line(run)}: name a second run or call"
        )
    if others := [repair for repair in repairs[1:] if not repair.are_requests]:
        print_note(f"note: repaired too: {_name(run, others)}")
    before, after = repairs[0].before, repairs[0].after
    return store.read_again(before), store.read_again(after)


def _name(run: str, repairs: Sequence[Repair]) -> str:
    named = [f"forge diff {escape_line(run)} {name_unit(r.after)}" for r in repairs[:MOST_NAMED]]
    rest = len(repairs) - len(named)
    return ", ".join(named) + (f" and {rest} more" if rest else "")


def _compare_calls(store: Store, pair: Pair, output: OutputFormat) -> bool:
    from forge_cli.render.comparison.calls import (  # noqa: PLC0415 - runs do without
        CallComparison,
        JudgedCall,
        render_call_comparison,
    )

    old, new = pair
    comparison = CallComparison(
        JudgedCall(old, _judge(store, old)),
        JudgedCall(new, _judge(store, new)),
        pair_sections(list_sections(old), list_sections(new)),
        pair_answers(old, new),
        load_prices([old, new]),
    )
    if output is OutputFormat.JSON:
        from forge_cli.render.comparison.documents import build_call_comparison  # noqa: PLC0415

        print_text(dump(build_call_comparison(comparison)))
    else:
        print_text(render_call_comparison(comparison, get_width()))
    return comparison.is_same


def _judge(store: Store, call: Interaction) -> Outcome:
    """Say what became of a call; its run is read only where the call does not say."""
    if call.outcome is not None or call.status != "ok":
        return judge_call(call)
    place = find_place(store, call)
    return judge_call(call) if place is None else place.outcome

"""``forge stats``: what calls did, took and cost."""

from forge_cli.exit_codes import ExitCode
from forge_cli.options.look.calls import CallFilterOptions
from forge_cli.options.look.stats import StatsOptions
from forge_cli.options.types import Switch
from forge_cli.terminal.console import OutputFormat
from forge_cli.terminal.pager import paged


def stats(
    *,
    json: Switch = False,
    which: CallFilterOptions | None = None,
    added: StatsOptions | None = None,
) -> ExitCode:
    """Add up tokens, cost, waste, failures and latency of calls.

    All figures are exact, costs are those of `forge status`, and calls that no provider answered
    (scripted, replayed) are counted and cost nothing. Wasted is what calls cost that failed or
    whose answers were not accepted, per accepted what an accepted answer cost with that waste. Exit
    code 1 means that there is no such call.

    Args:
        json: Print one JSON document instead.
        which: Which calls are meant.
        added: What is added up.
    """
    from forge_cli.actions.look.stats import show_statistics  # noqa: PLC0415 - imports SQLAlchemy

    with paged():
        return show_statistics(
            which or CallFilterOptions(),
            added or StatsOptions(),
            OutputFormat.choose(json=json),
        )

"""``forge analyze``: where a run's time and tokens went."""

from forge_cli.exit_codes import ExitCode
from forge_cli.options.names import OptionalRun, require_run_name
from forge_cli.options.types import Switch
from forge_cli.store.queries import Store
from forge_cli.store.resolver import find_run
from forge_cli.terminal.console import OutputFormat
from forge_cli.terminal.pager import paged


def analyze(
    run: OptionalRun = None,
    /,
    *,
    workflow_id: OptionalRun = None,
    json: Switch = False,
) -> ExitCode:
    """Say where a run's time and tokens went, and what came of them.

    Time: the critical path, on which of parallel sub-tasks only the last to end stands. Context:
    which files were shown, and whether an answer changed, imported or named them. Prompt cache: up
    to which section a prompt began as an earlier one did. Waste, by what caused it. Finally, the
    run as a story, a line for each attempt.

    Tokens of files and sections are estimates; those of calls are the provider's.

    Args:
        run: Workflow id or task id of the run, or any beginning or end of one that fits no other
            run; @last is the newest.
        workflow_id: Another way to name the run.
        json: Print one JSON document instead.
    """
    name = require_run_name("analyze", run, workflow_id)
    from forge_cli.actions.look.analyze import show_analysis  # noqa: PLC0415 - imports SQLAlchemy

    store, output = Store(), OutputFormat.choose(json=json)
    with paged():
        return show_analysis(store, find_run(store, name), output)

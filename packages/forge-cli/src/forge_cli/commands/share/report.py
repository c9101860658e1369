"""``forge report``: a run as one page."""

from typing import Annotated

from cyclopts import Parameter

from forge_cli.exit_codes import ExitCode
from forge_cli.options.names import OptionalRun, require_run_name
from forge_cli.options.types import OptionalPath, Switch
from forge_cli.store.queries import Store
from forge_cli.store.resolver import find_run
from forge_cli.terminal.console import OutputFormat


def report(
    run: OptionalRun = None,
    /,
    *,
    workflow_id: OptionalRun = None,
    output: Annotated[
        OptionalPath,
        Parameter(name=("--output", "-o"), allow_leading_hyphen=True, show_default=False),
    ] = None,
    redact: Switch = False,
    json: Switch = False,
) -> ExitCode:
    """Make one HTML file of a run, for somebody who was not there.

    What was asked and what came of it, where the time went, each attempt with its diff, its checks,
    prompts and answers, with a search through all of them. The file needs no server and loads
    nothing.

    Args:
        run: Workflow id or task id of the run, or any beginning or end of one that fits no other
            run; @last is the newest.
        workflow_id: Another way to name the run.
        output: The file, which is replaced if it is a report; - for stdout. [default:
            forge-report-TASK.html in this directory]
        redact: Replace keys, tokens and passwords of known forms by pseudonyms, after the hook of
            FORGE_REDACT, and shorten paths: your home directory to ~, the repository's to its
            name. What has no such form, a person's name for instance, stays.
        json: Print one JSON document that says what was written.
    """
    name = require_run_name("report", run, workflow_id)
    from forge_cli.actions.share.report import make_report  # noqa: PLC0415 - imports the page's engine

    store, shape = Store(), OutputFormat.choose(json=json)
    return make_report(store, find_run(store, name), output, shape, redact=redact)

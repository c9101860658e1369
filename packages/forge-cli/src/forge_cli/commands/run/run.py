"""``forge run`` and ``forge resume``: run a task on a git repository, or resume it."""

from typing import Annotated

from cyclopts import Parameter

from forge_cli.config.files import load_task_defaults
from forge_cli.exit_codes import ExitCode
from forge_cli.options.names import OptionalOpenRun, require_run_name
from forge_cli.options.run.call_settings import CallOptions
from forge_cli.options.run.run import (
    BudgetOptions,
    CheckOptions,
    ContextOptions,
    LimitOptions,
    ModelOptions,
    OutputOptions,
    RunOptions,
    TaskOptions,
)
from forge_cli.options.types import FULL, Switch


def run(
    description: str | None = None,
    *,
    task: TaskOptions | None = None,
    models: ModelOptions | None = None,
    calls: CallOptions | None = None,
    checks: CheckOptions | None = None,
    context: ContextOptions | None = None,
    budget: BudgetOptions | None = None,
    output: OutputOptions | None = None,
) -> ExitCode:
    """Run a task on a git repository and report the outcome.

    The work is done on its own branch and in its own worktree: your checkout is left alone.

    Args:
        description: What to do, in plain words.
        task: What is to be done.
        models: Who works.
        calls: How the models are asked.
        checks: What the files must pass.
        context: What the model is shown.
        budget: What it may spend.
        output: What is printed.
    """
    from forge_cli.actions.run.run import run_task  # noqa: PLC0415 - imports Temporal

    task, checks = task or TaskOptions(), checks or CheckOptions()
    options = RunOptions(
        description=description,
        task=task,
        models=models or ModelOptions(),
        calls=calls or CallOptions(),
        checks=checks,
        context=context or ContextOptions(),
        budget=budget or BudgetOptions(),
        output=output or OutputOptions(),
        defaults=load_task_defaults(task.repo, run_checks=checks.run_checks),
    )
    return run_task(options)


def resume(
    run: OptionalOpenRun = None,
    /,
    *,
    workflow_id: OptionalOpenRun = None,
    budget: LimitOptions | None = None,
    temporal_address: Annotated[str | None, Parameter(env_var="FORGE_TEMPORAL_ADDRESS")] = None,
    full: Annotated[bool, FULL] = False,
    json: Switch = False,
) -> ExitCode:
    """Resume an interrupted run, or one that has stopped at its budget.

    No finished work is repeated, and no answer that has arrived is requested again. A run of a
    configured Temporal server continues at its worker; this command then follows it. A run that
    has used up its budget goes on only with a new limit above what it has spent.

    Args:
        run: Workflow id or task id of the run, or any beginning or end of one that fits no other
            run; @last is the newest.
        workflow_id: Another way to name the run.
        budget: New limits of what the run may spend in all.
        temporal_address: Temporal server as HOST:PORT. [default: the configured one, else an
            embedded one]
        full: Print every model call in full when the run has ended.
        json: Print one JSON document on stdout, everything else on stderr.
    """
    name = require_run_name("resume", run, workflow_id)
    from forge_cli.actions.run.run import resume_run  # noqa: PLC0415 - imports Temporal

    output = OutputOptions(temporal_address=temporal_address, full=full, json=json)
    return resume_run(name, budget or LimitOptions(), output)

"""``forge run``: do a task on a git repository."""

from forge_cli.config.files import load_task_defaults
from forge_cli.exit_codes import ExitCode
from forge_cli.options.run import (
    CheckOptions,
    ContextOptions,
    ModelOptions,
    OutputOptions,
    RunOptions,
    TaskOptions,
)


def run(
    description: str | None = None,
    *,
    task: TaskOptions | None = None,
    models: ModelOptions | None = None,
    checks: CheckOptions | None = None,
    context: ContextOptions | None = None,
    output: OutputOptions | None = None,
) -> ExitCode:
    """Run a task on a git repository and report what became of it.

    The work is done on a branch and in a worktree of its own: your checkout is left alone.

    Args:
        description: What to do, in plain words.
        task: What is to be done.
        models: Who works.
        checks: What the files must pass.
        context: What the model is shown.
        output: What is printed.
    """
    from forge_cli.actions.run import run_task  # noqa: PLC0415 - imports Temporal

    task = task or TaskOptions()
    options = RunOptions(
        description=description,
        task=task,
        models=models or ModelOptions(),
        checks=checks or CheckOptions(),
        context=context or ContextOptions(),
        output=output or OutputOptions(),
        defaults=load_task_defaults(task.repo),
    )
    return run_task(options)

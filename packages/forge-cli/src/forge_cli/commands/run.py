"""``forge run``: submit a task, follow it, report."""

import asyncio
import os
import secrets
import sys

from forge_core.errors import ModelNotConfigured
from forge_core.git.repository import is_dirty
from forge_core.models.ids import build_workflow_id
from forge_core.models.result import TaskResult
from forge_core.models.task import ForgeTaskInput
from forge_core.submission import RunSettings, resolve_run
from forge_core.tracing import init_tracing, shutdown_tracing

from forge_cli.commands.run_options import (
    CheckOptions,
    ContextOptions,
    ModelOptions,
    OutputOptions,
    TaskOptions,
)
from forge_cli.execution import Submission, execute_run, submit_run
from forge_cli.task_file import build_task


def run(
    description: str | None = None,
    *,
    task: TaskOptions = TaskOptions(),
    models: ModelOptions = ModelOptions(),
    checks: CheckOptions = CheckOptions(),
    context: ContextOptions = ContextOptions(),
    output: OutputOptions = OutputOptions(),
) -> None:
    """Run a task on a git repository and report what became of it.

    The work is done on a branch and in a worktree of its own; your checkout is left alone.

    Args:
        description: What to do, in plain words.
    """

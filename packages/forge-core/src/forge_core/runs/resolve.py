"""From a task to a started run: resolve it on its repository, submit it to Temporal."""

from dataclasses import dataclass
from pathlib import Path

from forge_core.context.assemble import get_room
from forge_core.errors import RefusedPath, UsageError
from forge_core.files.paths import parse_path
from forge_core.git.contents.partial_clone import prefetch
from forge_core.git.repository import (
    check_task_id_free,
    find_repository,
    has_file,
    resolve_commit,
)
from forge_core.git.submodules import MODULES
from forge_core.git.worktree import worktrees_directory
from forge_core.llm.model_name import anchor_model
from forge_core.llm.providers import check_model
from forge_core.models.call.settings import UNSET, CallSettings
from forge_core.models.task import ForgeTaskInput, TaskDefinition
from forge_core.runs.limits import check_prices
from forge_core.runs.targets import check_targets
from forge_core.validation.probe import check_validation


@dataclass(frozen=True, slots=True)
class RunSettings:
    """How a task is to be run, besides what it is."""

    model: str
    planner_model: str
    plan: bool = False
    max_attempts: int = 2
    max_step_attempts: int = 2
    max_sub_task_attempts: int = 2
    settings: CallSettings = UNSET
    """How the model that writes files is asked."""
    planner_settings: CallSettings = UNSET
    """How the planner's model is asked."""
    planner_chars_per_token: float | None = None
    """As measured for the planner's model; None for those of the task."""


def resolve_run(task: TaskDefinition, repo: Path, settings: RunSettings) -> ForgeTaskInput:
    """Resolve a task on a repository; nothing is changed there.

    Raises:
        RepositoryError: `repo` is no git repository, lacks the base branch, or has something else
            in the place of the worktrees.
        TaskIdTaken: Another run has the task's id.
        ModelNotConfigured: A model cannot be called as it is configured.
        UsageError: A file of the task is no path inside the repository, a target file can never
            be written, a context file is missing, a check cannot run, or answers are to be longer
            than the budget.
    """
    task = _reserve_answers(task, settings)
    root = find_repository(repo)
    base_commit = resolve_commit(root, task.base_branch)
    check_task_id_free(root, task.task_id)
    worktrees_directory(root)
    for path in (*task.target_files, *task.context_files):
        _check_path(path)
    room = None if settings.plan else int(get_room(task.context) * task.context.chars_per_token)
    prefetch(root, base_commit, (*task.target_files, *task.context_files, MODULES))
    check_targets(root, base_commit, task.target_files, room)
    for path in task.context_files:
        if not has_file(root, base_commit, path):
            raise UsageError(f"context file {path!r} is not in commit {base_commit[:12]}")
    models = sorted({settings.model, settings.planner_model} if settings.plan else {settings.model})
    for model in models:
        check_model(model)
    check_prices(models, task.budget.limits, task.budget.terms)
    check_validation(root, base_commit, task.validation, task.target_files)
    return ForgeTaskInput(
        task=task,
        repo_root=str(root),
        base_commit=base_commit,
        plan=settings.plan,
        model=anchor_model(settings.model, str(Path.cwd())),
        planner_model=anchor_model(settings.planner_model, str(Path.cwd())),
        max_attempts=settings.max_attempts,
        max_step_attempts=settings.max_step_attempts,
        max_sub_task_attempts=settings.max_sub_task_attempts,
        settings=settings.settings,
        planner_settings=settings.planner_settings,
        planner_chars_per_token=settings.planner_chars_per_token,
    )


def _reserve_answers(task: TaskDefinition, settings: RunSettings) -> TaskDefinition:
    """Return a task whose budget reserves what the model that writes may answer.

    Raises:
        UsageError: The budget has no room for that, or for what the planner may answer.
    """
    context = task.context
    planner = settings.planner_settings.max_output_tokens if settings.plan else None
    for tokens in (settings.settings.max_output_tokens, planner):
        if tokens is not None and tokens >= context.token_budget:
            raise UsageError(
                f"token_budget {context.token_budget} must be larger than "
                f"max_output_tokens {tokens}"
            )
    reserve = settings.settings.max_output_tokens
    if reserve is None:
        return task
    return task.model_copy(
        update={"context": context.model_copy(update={"output_reserve": reserve})}
    )


def _check_path(path: str) -> None:
    try:
        parse_path(path)
    except RefusedPath as error:
        raise UsageError(f"not a path inside the repository: {error}") from error

"""The unit of work: a single-step task, a planned step or a sub-task, all alike."""

from itertools import chain

from forge_core.models.call.llm import FileEdit, FileOutput, FileRename
from forge_core.models.call.settings import UNSET, CallSettings
from forge_core.models.frozen import FrozenModel
from forge_core.models.plan import Plan, PlanStep, SubTask
from forge_core.models.result import ValidationResult
from forge_core.models.task import ForgeTaskInput, TaskDefinition, ValidationConfig


class WorkUnit(FrozenModel):
    """What attempts are made at until one is accepted or all have failed."""

    task: TaskDefinition
    """The whole task, of which this may be a part."""
    workflow_id: str
    """The root workflow's id."""
    root_run_id: str | None = None
    """The root workflow's run, of a sub-task; None in what an older Forge started."""
    model: str
    """`provider:name` of the model that writes files."""
    settings: CallSettings = UNSET
    """How that model is asked."""
    max_attempts: int
    step_id: str | None = None
    sub_task_id: str | None = None
    step_attempt: int | None = None
    """Attempt of the step around a sub-task."""
    description: str
    """What this unit is to produce."""
    target_files: tuple[str, ...] = ()
    context_files: tuple[str, ...] = ()
    base_commit: str = ""
    """Hash of the commit that the run started from; what differs, earlier steps wrote."""
    plan: Plan | None = None
    """The plan that this unit belongs to."""

    @property
    def label(self) -> str:
        """The name of the unit within its task, for commit subjects and errors."""
        parts = [part for part in (self.step_id, self.sub_task_id) if part]
        return "/".join(parts) or self.task.task_id

    @property
    def validation(self) -> ValidationConfig:
        """What judges its files; commands judge sub-tasks with their step, once it is whole."""
        config = self.task.validation
        if self.sub_task_id is None:
            return config
        return config.model_copy(update={"checks": (), "skipped_checks": ()})

    @property
    def judged_targets(self) -> tuple[str, ...] | None:
        """The files that its answer must change; None for a sub-task.

        Those of sub-tasks are judged with their step, once all parts are brought together.
        """
        return None if self.sub_task_id is not None else self.target_files


class AttemptFailure(FrozenModel):
    """What the next attempt needs to know of the one that failed."""

    attempt: int
    error: str | None = None
    failed_checks: tuple[ValidationResult, ...] = ()
    files: tuple[FileOutput, ...] = ()
    """What the failed attempt wrote, as far as it is small enough to be shown again."""
    edits: tuple[FileEdit, ...] = ()
    deletions: tuple[str, ...] = ()
    renames: tuple[FileRename, ...] = ()

    @property
    def paths(self) -> tuple[str, ...]:
        """The files that the failed attempt changed or was about to change."""
        written = (file.file_path for file in self.files)
        edited = (edit.file_path for edit in self.edits)
        renamed = (rename.file_path for rename in self.renames)
        return (*written, *edited, *renamed, *self.deletions)


def build_task_unit(work: ForgeTaskInput, workflow_id: str) -> WorkUnit:
    """Build the unit of a task without a plan."""
    return WorkUnit(
        task=work.task,
        workflow_id=workflow_id,
        model=work.model,
        settings=work.settings,
        max_attempts=work.max_attempts,
        description=work.task.description,
        target_files=work.task.target_files,
        context_files=work.task.context_files,
        base_commit=work.base_commit,
    )


def build_step_unit(work: ForgeTaskInput, workflow_id: str, plan: Plan, step: PlanStep) -> WorkUnit:
    """Build the unit of one planned step."""
    return WorkUnit(
        task=work.task,
        workflow_id=workflow_id,
        model=work.model,
        settings=work.settings,
        max_attempts=work.max_step_attempts,
        step_id=step.step_id,
        description=step.description,
        target_files=_merge(step.target_files, *(part.target_files for part in step.sub_tasks)),
        context_files=_merge(work.task.context_files, step.context_files),
        base_commit=work.base_commit,
        plan=plan,
    )


def build_sub_task_unit(
    step: WorkUnit,
    step_attempt: int,
    sub_task: SubTask,
    max_attempts: int,
    root_run_id: str | None = None,
) -> WorkUnit:
    """Build the unit of one sub-task in one attempt of its step.

    Tests run on the gathered whole only: a part may need its siblings to pass them.
    """
    checks = step.task.validation.model_copy(update={"run_tests": False})
    return step.model_copy(
        update={
            "task": step.task.model_copy(update={"validation": checks}),
            "root_run_id": root_run_id,
            "max_attempts": max_attempts,
            "sub_task_id": sub_task.sub_task_id,
            "step_attempt": step_attempt,
            "description": sub_task.description,
            "target_files": sub_task.target_files,
            "context_files": _merge(step.context_files, sub_task.context_files),
        }
    )


def _merge(*lists: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(chain(*lists)))

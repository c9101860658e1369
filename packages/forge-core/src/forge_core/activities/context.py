"""Activities that read the worktree and assemble prompts."""

from collections.abc import Iterable
from pathlib import Path

from temporalio import activity
from temporalio.exceptions import ApplicationError

from forge_core.context.assemble import build_overview, build_prompt
from forge_core.context.budget import BudgetExceeded
from forge_core.context.listing import FileEntry
from forge_core.context.sections import Section
from forge_core.files.read import UnreadableFile, list_files, read_text
from forge_core.models.activity import AssembleContextInput, AssemblePlannerInput
from forge_core.models.context import AssembledContext
from forge_core.models.task import ContextConfig, TaskDefinition
from forge_core.prompts.instructions import PLANNER, WRITER, build_instructions
from forge_core.prompts.sections import (
    Materials,
    SourceFile,
    build_planner_sections,
    build_unit_sections,
)
from forge_core.span_attributes import context_attributes
from forge_core.tracing import activity_span


@activity.defn
def assemble_planner_context(work: AssemblePlannerInput) -> AssembledContext:
    """Assemble the prompts that ask for a plan."""
    task = work.task
    context = AssembledContext(
        task_id=task.task_id,
        workflow_id=work.workflow_id,
        system_prompt=_instruct(PLANNER, task),
        user_prompt="",
        max_tokens=task.context.output_reserve,
    )
    with activity_span("forge.assemble_context", context_attributes(context)) as span:
        materials = _read_materials(Path(work.worktree), task.target_files, task.context_files)
        listing = build_overview(materials.files, task.context)
        sections = build_planner_sections(task, materials, listing)
        context = _fill_prompts(context, sections, task.context, len(materials.files))
        span.set_attributes(context_attributes(context))
    return context


@activity.defn
def assemble_context(work: AssembleContextInput) -> AssembledContext:
    """Assemble the prompts of one attempt at a unit of work."""
    unit = work.unit
    config = unit.task.context
    context = AssembledContext(
        task_id=unit.task.task_id,
        step_id=unit.step_id,
        sub_task_id=unit.sub_task_id,
        workflow_id=unit.workflow_id,
        attempt=work.attempt,
        step_attempt=unit.step_attempt,
        system_prompt=_instruct(WRITER, unit.task),
        user_prompt="",
        max_tokens=config.output_reserve,
    )
    with activity_span("forge.assemble_context", context_attributes(context)) as span:
        materials = _read_materials(Path(work.worktree), unit.target_files, unit.context_files)
        listing = build_overview(materials.files, config)
        sections = build_unit_sections(unit, materials, listing, work.failure)
        context = _fill_prompts(context, sections, config, len(materials.files))
        span.set_attributes(context_attributes(context))
    return context


def _instruct(role: str, task: TaskDefinition) -> str:
    return build_instructions(role, allow_protected_files=task.validation.allow_protected_files)


def _fill_prompts(
    context: AssembledContext, sections: list[Section], config: ContextConfig, discovered: int
) -> AssembledContext:
    try:
        prompt = build_prompt(context.system_prompt, sections, config, files_discovered=discovered)
    except BudgetExceeded as error:
        raise ApplicationError(str(error), type="BudgetExceeded", non_retryable=True) from error
    return context.model_copy(
        update={
            "user_prompt": prompt.user_prompt,
            "context_stats": prompt.stats,
            "manifest": prompt.manifest,
        }
    )


def _read_materials(
    worktree: Path, targets: Iterable[str], context_files: Iterable[str]
) -> Materials:
    shown = tuple(dict.fromkeys(targets))
    return Materials(
        files=tuple(FileEntry(path, size) for path, size in list_files(worktree)),
        targets=tuple(_read_source(worktree, path) for path in shown),
        context_files=tuple(
            _read_source(worktree, path)
            for path in dict.fromkeys(context_files)
            if path not in shown
        ),
    )


def _read_source(worktree: Path, path: str) -> SourceFile:
    try:
        return SourceFile(path, read_text(worktree, path))
    except UnreadableFile as error:
        return SourceFile(path, None, str(error))

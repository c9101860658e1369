"""Activities that read the worktree and assemble prompts."""

from pathlib import Path

from temporalio import activity
from temporalio.exceptions import ApplicationError

from forge_core.context.assemble import Coverage, build_prompt
from forge_core.context.budget import BudgetExceeded
from forge_core.context.sections import Section
from forge_core.models.activity import AssembleContextInput, AssemblePlannerInput
from forge_core.models.context import AssembledContext
from forge_core.models.task import ContextConfig, TaskDefinition
from forge_core.prompts.instructions import PLANNER, WRITER, build_instructions
from forge_core.prompts.sections import build_planner_sections, build_unit_sections
from forge_core.sources.cache import SourceCache, find_cache_path
from forge_core.sources.materials import Wanted, gather
from forge_core.span_attributes import context_attributes
from forge_core.tracing import activity_span

UNKNOWN_BASE = "HEAD"
"""What the map shows where an input of an older version names no base commit."""


@activity.defn
def assemble_planner_context(work: AssemblePlannerInput) -> AssembledContext:
    """Assemble the prompts that ask for a plan."""
    task = work.task
    config = task.context
    if work.chars_per_token is not None:
        config = config.model_copy(update={"chars_per_token": work.chars_per_token})
    context = AssembledContext(
        task_id=task.task_id,
        workflow_id=work.workflow_id,
        system_prompt="",
        user_prompt="",
        max_tokens=config.output_reserve,
    )
    wanted = Wanted(
        worktree=Path(work.worktree),
        base_commit=work.base_commit or UNKNOWN_BASE,
        config=config,
        task_targets=task.target_files,
        task_description=task.description,
        targets=task.target_files,
        description=task.description,
        context_files=task.context_files,
        interfaces_only=True,
    )
    with activity_span("forge.assemble_context", context_attributes(context)) as span:
        materials, coverage = gather(wanted, SourceCache(find_cache_path()))
        sections = build_planner_sections(_instruct(PLANNER, task), task, materials)
        context = _fill_prompts(context, sections, config, coverage)
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
        system_prompt="",
        user_prompt="",
        max_tokens=config.output_reserve,
    )
    wanted = Wanted(
        worktree=Path(work.worktree),
        base_commit=unit.base_commit or UNKNOWN_BASE,
        config=config,
        task_targets=unit.task.target_files,
        task_description=unit.task.description,
        targets=unit.target_files,
        description=unit.description,
        context_files=unit.context_files,
    )
    with activity_span("forge.assemble_context", context_attributes(context)) as span:
        materials, coverage = gather(wanted, SourceCache(find_cache_path()))
        sections = build_unit_sections(_instruct(WRITER, unit.task), unit, materials, work.failure)
        context = _fill_prompts(context, sections, config, coverage)
        span.set_attributes(context_attributes(context))
    return context


def _instruct(role: str, task: TaskDefinition) -> str:
    return build_instructions(role, allow_protected_files=task.validation.allow_protected_files)


def _fill_prompts(
    context: AssembledContext,
    sections: list[Section],
    config: ContextConfig,
    coverage: Coverage,
) -> AssembledContext:
    try:
        prompt = build_prompt(sections, config, coverage)
    except BudgetExceeded as error:
        raise ApplicationError(str(error), type="BudgetExceeded", non_retryable=True) from error
    return context.model_copy(
        update={
            "system_prompt": prompt.system_prompt,
            "user_prompt": prompt.user_prompt,
            "context_stats": prompt.stats,
            "manifest": prompt.manifest,
        }
    )

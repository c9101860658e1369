"""Activities that read the worktree and assemble prompts."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

from temporalio import activity
from temporalio.exceptions import ApplicationError

from forge_core.context.assemble import Coverage, build_prompt
from forge_core.context.budget import BudgetExceeded
from forge_core.context.sections import Section
from forge_core.models.activity import AssembleContextInput, AssemblePlannerInput
from forge_core.models.call.context import AssembledContext
from forge_core.models.task import ContextConfig, TaskDefinition
from forge_core.prompts.instructions import PLANNER, WRITER, build_instructions
from forge_core.prompts.sections import Materials, build_planner_sections, build_unit_sections
from forge_core.sources.cache import SourceCache, find_cache_path
from forge_core.sources.gather import ContextRequest, gather
from forge_core.tracing.attributes import context_attributes
from forge_core.tracing.setup import activity_span

UNKNOWN_BASE = "HEAD"
"""What the map shows where an input of an older version names no base commit."""


@activity.defn
def assemble_planner_context(work: AssemblePlannerInput) -> AssembledContext:
    """Assemble the prompts that ask for a plan."""
    task = work.task
    config = task.context
    if work.chars_per_token is not None:
        config = config.model_copy(update={"chars_per_token": work.chars_per_token})
    if work.max_output_tokens is not None:
        config = config.model_copy(update={"output_reserve": work.max_output_tokens})
    context = AssembledContext(
        task_id=task.task_id,
        workflow_id=work.workflow_id,
        system_prompt="",
        user_prompt="",
        max_tokens=config.output_reserve,
    )
    request = replace(
        _build_request(task, work.worktree, work.base_commit), config=config, interfaces_only=True
    )
    instructions = _instruct(PLANNER, task)
    return _assemble(context, request, partial(build_planner_sections, instructions, task))


@activity.defn
def assemble_context(work: AssembleContextInput) -> AssembledContext:
    """Assemble the prompts of one attempt at a unit of work."""
    unit = work.unit
    context = AssembledContext(
        task_id=unit.task.task_id,
        step_id=unit.step_id,
        sub_task_id=unit.sub_task_id,
        workflow_id=unit.workflow_id,
        root_run_id=unit.root_run_id,
        attempt=work.attempt,
        step_attempt=unit.step_attempt,
        system_prompt="",
        user_prompt="",
        max_tokens=unit.task.context.output_reserve,
    )
    request = replace(
        _build_request(unit.task, work.worktree, unit.base_commit),
        targets=unit.target_files,
        description=unit.description,
        context_files=unit.context_files,
        refused_files=() if work.failure is None else work.failure.paths,
    )
    instructions = _instruct(WRITER, unit.task)
    return _assemble(
        context,
        request,
        lambda materials: build_unit_sections(instructions, unit, materials, work.failure),
    )


def _build_request(task: TaskDefinition, worktree: str, base_commit: str) -> ContextRequest:
    return ContextRequest(
        worktree=Path(worktree),
        base_commit=base_commit or UNKNOWN_BASE,
        config=task.context,
        task_targets=task.target_files,
        task_description=task.description,
        targets=task.target_files,
        description=task.description,
        context_files=task.context_files,
    )


def _assemble(
    context: AssembledContext,
    request: ContextRequest,
    build_sections: Callable[[Materials], list[Section]],
) -> AssembledContext:
    """Gather what a prompt is to show, and build it."""
    with activity_span("forge.assemble_context", context_attributes(context)) as span:
        materials, coverage = gather(request, SourceCache(find_cache_path()))
        context = _fill_prompts(context, build_sections(materials), request.config, coverage)
        span.set_attributes(context_attributes(context))
    return context


def _instruct(role: str, task: TaskDefinition) -> str:
    return build_instructions(
        role,
        allow_protected_files=task.validation.allow_protected_files,
        context_rounds=task.context.context_rounds,
    )


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
            "spare_chars": prompt.spare_chars,
        }
    )

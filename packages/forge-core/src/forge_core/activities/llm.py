"""The activities that ask a model: for files, and for a plan."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path

from temporalio import activity

from forge_core.activities.files import build_policy, plan_changes
from forge_core.activities.model_call import perform_call
from forge_core.edits.change_set import UnfitChanges
from forge_core.llm.calls import execute_llm_call, execute_planner_call
from forge_core.models.activity import CallLLMInput, CallPlannerInput
from forge_core.models.llm import LLMCallResult, LLMResponse, PlanCallResult


@activity.defn
async def call_llm(work: CallLLMInput) -> LLMCallResult:
    """Ask the model for what one attempt changes; what does not fit the files is asked again."""
    check = None if work.worktree is None else partial(check_changes, work.worktree, work.head)
    execute = partial(execute_llm_call, check=check)
    return await perform_call("forge.call_llm", "llm", work.context, work.model, execute)


def check_changes(worktree: str, head: str, response: LLMResponse) -> Sequence[str]:
    """Say why an answer does not fit the files of the commit that the attempt starts from."""
    try:
        plan_changes(Path(worktree), head, response)
    except UnfitChanges as unfit:
        return unfit.problems
    return ()


@activity.defn
async def call_planner(work: CallPlannerInput) -> PlanCallResult:
    """Ask the planner for the steps of a task."""
    rules = work.validation
    policy = None if rules is None else build_policy(work.target_files, rules)
    execute = partial(execute_planner_call, policy=policy)
    return await perform_call(
        "forge.call_planner", "planner", work.context, work.planner_model, execute
    )

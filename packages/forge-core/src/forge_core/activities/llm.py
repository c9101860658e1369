"""The activities that ask a model: for files, and for a plan."""

from functools import partial
from pathlib import Path

from temporalio import activity

from forge_core.activities.files import ChangeOrigin, build_policy
from forge_core.activities.model_call import ModelCall, perform_call
from forge_core.activities.review import ChangeReviewer
from forge_core.llm.calls import execute_llm_call, execute_planner_call
from forge_core.models.activity import CallLLMInput, CallPlannerInput
from forge_core.models.llm import LLMCallResult, PlanCallResult


@activity.defn
async def call_llm(work: CallLLMInput) -> LLMCallResult:
    """Ask the model for what one attempt changes; what does not fit the files is asked again."""
    review = None
    if work.worktree is not None:
        origin = ChangeOrigin(Path(work.worktree), work.head, work.target_files)
        review = ChangeReviewer(origin, work.context.spare_chars).review
    execute = partial(execute_llm_call, review=review, settings=work.settings)
    call = ModelCall("llm", work.context, work.model, work)
    return await perform_call("forge.call_llm", call, execute)


@activity.defn
async def call_planner(work: CallPlannerInput) -> PlanCallResult:
    """Ask the planner for the steps of a task."""
    rules = work.validation
    policy = None if rules is None else build_policy(work.target_files, rules)
    execute = partial(execute_planner_call, policy=policy, settings=work.settings)
    call = ModelCall("planner", work.context, work.planner_model, work)
    return await perform_call("forge.call_planner", call, execute)

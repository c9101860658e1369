"""The activities that ask a model: for files, and for a plan."""

from functools import partial
from pathlib import Path

from temporalio import activity

from forge_core.activities.files import ChangeOrigin, build_policy
from forge_core.activities.model_call import ModelCall, perform_call
from forge_core.activities.plan_review import PlanReviewer
from forge_core.activities.review import ChangeReviewer
from forge_core.files.protection import ANY_FILE
from forge_core.llm.calls import CallTerms, execute_llm_call, execute_planner_call
from forge_core.llm.context_rounds import ContextRounds
from forge_core.models.activity import CallLLMInput, CallPlannerInput
from forge_core.models.call.llm import LLMCallResult, PlanCallResult
from forge_core.sources.on_demand import ContextReader, Room


@activity.defn
async def call_llm(work: CallLLMInput) -> LLMCallResult:
    """Ask the model for what one attempt changes; what does not fit the files is asked again."""
    review = None
    room = Room(work.context.spare_chars)
    if work.worktree is not None:
        origin = ChangeOrigin(Path(work.worktree), work.head, work.target_files)
        rules = work.validation
        policy = ANY_FILE if rules is None else build_policy(work.target_files, rules)
        review = ChangeReviewer(origin, room, policy).review
    terms = CallTerms(work.settings, _build_rounds(work, room))
    execute = partial(execute_llm_call, review=review, terms=terms)
    call = ModelCall("llm", work.context, work.model, work)
    return await perform_call("forge.call_llm", call, execute)


@activity.defn
async def call_planner(work: CallPlannerInput) -> PlanCallResult:
    """Ask the planner for the steps of a task."""
    review = None
    if work.validation is not None:
        policy = build_policy(work.target_files, work.validation)
        worktree = None if work.worktree is None else Path(work.worktree)
        review = PlanReviewer(policy, worktree, work.head).review
    rounds = _build_rounds(work, Room(work.context.spare_chars))
    terms = CallTerms(work.settings, rounds)
    execute = partial(execute_planner_call, review=review, terms=terms)
    call = ModelCall("planner", work.context, work.planner_model, work)
    return await perform_call("forge.call_planner", call, execute)


def _build_rounds(work: CallLLMInput | CallPlannerInput, room: Room) -> ContextRounds | None:
    if work.worktree is None or not work.context_rounds:
        return None
    reader = ContextReader(Path(work.worktree), work.head, room, work.target_files)
    return ContextRounds(work.context_rounds, reader.give)

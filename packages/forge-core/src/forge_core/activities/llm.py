"""The activity that asks a model for files."""

from temporalio import activity

from forge_core.activities.model_call import perform_call
from forge_core.llm.calls import execute_llm_call
from forge_core.models.activity import CallLLMInput
from forge_core.models.llm import LLMCallResult


@activity.defn
async def call_llm(work: CallLLMInput) -> LLMCallResult:
    """Ask the model for the files of one attempt."""
    return await perform_call("forge.call_llm", "llm", work.context, work.model, execute_llm_call)

"""What nobody expected inside a call is on record as an error, not as a request under way."""

import os

import pytest
from forge_core.activities.model_call import ModelCall, perform_call
from forge_core.llm.arrival import Arrival
from forge_core.llm.calls import CallObserver
from forge_core.llm.errors import NOT_SENT
from forge_core.llm.request import ModelAnswer, ModelRequest, RequestLabels
from forge_core.models.activity import CallInput
from forge_core.models.call.context import AssembledContext
from forge_core.models.call.llm import LLMCallResult, LLMResponse
from forge_obs import get_interactions, open_reader
from temporalio.testing import ActivityEnvironment

REQUEST = ModelRequest("openai:m", "system", "user", LLMResponse, 100, RequestLabels("llm"))
CONTEXT = AssembledContext(
    task_id="task",
    workflow_id="forge-task-01234567",
    attempt=1,
    system_prompt="You write files.",
    user_prompt="Write a.",
)


@pytest.mark.parametrize(
    ("notes", "error_type", "error"),
    [
        ((NOT_SENT,), "not_sent", "OverflowError: odd; the request was not sent"),
        ((), "unexpected", "OverflowError: odd"),
    ],
)
async def test_unexpected_exception_says_whether_the_request_went_out(
    notes: tuple[str, ...], error_type: str, error: str
) -> None:
    async def send(_: ModelRequest, __: Arrival | None = None, /) -> ModelAnswer:
        odd = OverflowError("odd")
        for note in notes:
            odd.add_note(note)
        raise odd

    async def execute(_: AssembledContext, __: str, observer: CallObserver) -> LLMCallResult:
        await observer.obtain(0, REQUEST, send)
        raise AssertionError("nothing was obtained")

    async def call() -> LLMCallResult:
        asked = ModelCall("llm", CONTEXT, "openai:m", CallInput())
        return await perform_call("forge.call_llm", asked, execute)

    with pytest.raises(OverflowError):
        await ActivityEnvironment().run(call)

    engine = open_reader(os.environ["FORGE_DB_PATH"])
    assert engine is not None
    [row] = get_interactions(engine, task_id="task")
    assert (row.status, row.error_type, row.error) == ("error", error_type, error)

"""Record the calls of an activity of your own Temporal worker (`pip install temporalio`)."""

from forge_obs import observe
from temporalio import activity


@activity.defn
def ask(question: str) -> str:
    """Ask a model; an attempt that is paid for again is a row of its own."""
    info = activity.info()
    with observe(
        task_id=info.workflow_type or "ask",
        model="m",
        user_prompt=question,
        workflow_id=info.workflow_id,
        run_id=info.workflow_run_id,
        activity_id=info.activity_id,
        activity_attempt=info.attempt,
    ) as call:
        answer = "4"  # what your client gives
        call.answer(answer, usage={"prompt_tokens": 9, "completion_tokens": 1})
    return answer

"""Record the calls of an activity of your own Temporal worker (`pip install temporalio`)."""

from forge_obs import LLMStats, record
from temporalio import activity


@activity.defn
def ask(question: str) -> str:
    """Ask a model; an attempt that is paid for again is a row of its own."""
    info = activity.info()
    record(
        "interaction",
        task_id=info.workflow_type or "ask",
        role="llm",
        system_prompt="",
        user_prompt=question,
        response="4",  # what your client gives
        stats=LLMStats(model_name="m-2026", input_tokens=9, output_tokens=1, latency_ms=412.0),
        workflow_id=info.workflow_id,
        run_id=info.workflow_run_id,
        activity_id=info.activity_id,
        activity_attempt=info.attempt,
    )
    return "4"

"""Results of activities that Temporal can take, whatever a model or a repository put into them."""

from typing import Any

from pydantic import BaseModel
from temporalio import activity

from forge_core.temporal_client.payload_size import ensure_transferable
from forge_core.worker.interceptors.around import AroundActivity, Proceed

NAMES = {
    "assemble_context": "the assembled context",
    "assemble_planner_context": "the assembled context",
    "call_llm": "the model's answer",
    "call_planner": "the model's answer",
    "validate_output": "the results of the checks",
}
"""What the results are called that can be large."""


class ResultInterceptor(AroundActivity):
    """Makes every result encodable and refuses one that is too large, before it is reported.

    Args:
        limit_bytes: Largest result.
    """

    def __init__(self, limit_bytes: int) -> None:
        self._limit_bytes = limit_bytes

    async def execute(self, proceed: Proceed) -> Any:  # noqa: ANN401
        """Check the result."""
        result = await proceed()
        if not isinstance(result, BaseModel):
            return result
        kind = activity.info().activity_type
        return ensure_transferable(result, NAMES.get(kind, f"what {kind} gives"), self._limit_bytes)

"""Results of activities that Temporal can take, whatever a model or a repository put into them."""

from typing import Any

from pydantic import BaseModel
from temporalio import activity
from temporalio.worker import ActivityInboundInterceptor, ExecuteActivityInput, Interceptor

from forge_core.temporal_client.payload_size import ensure_transferable

NAMES = {
    "assemble_context": "the assembled context",
    "assemble_planner_context": "the assembled context",
    "call_llm": "the model's answer",
    "call_planner": "the model's answer",
    "validate_output": "the results of the checks",
}
"""What the results are called that can be large."""


class ResultInterceptor(Interceptor):
    """Makes every result encodable and refuses one that is too large, before it is reported.

    Args:
        limit_bytes: Largest result.
    """

    def __init__(self, limit_bytes: int) -> None:
        self._limit_bytes = limit_bytes

    def intercept_activity(self, next: ActivityInboundInterceptor) -> ActivityInboundInterceptor:  # noqa: A002 - as the base has it
        """Put the check around the activity."""
        return _Checking(next, self._limit_bytes)


class _Checking(ActivityInboundInterceptor):
    def __init__(self, next: ActivityInboundInterceptor, limit_bytes: int) -> None:  # noqa: A002
        super().__init__(next)
        self._limit_bytes = limit_bytes

    async def execute_activity(self, input: ExecuteActivityInput) -> Any:  # noqa: A002, ANN401
        result = await super().execute_activity(input)
        if not isinstance(result, BaseModel):
            return result
        kind = activity.info().activity_type
        return ensure_transferable(result, NAMES.get(kind, f"what {kind} gives"), self._limit_bytes)

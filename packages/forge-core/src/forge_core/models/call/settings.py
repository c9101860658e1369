"""How a model is asked: what a user may set of the requests of one model or role.

Every field is optional: what nobody sets is left to the provider, and is not part of a request.
"""

from typing import Any, Literal

from pydantic import BaseModel, Field

from forge_core.models.call.dialect import OutputMode, ToolChoice
from forge_core.models.frozen import USER_INPUT

ReasoningEffort = Literal["none", "minimal", "low", "medium", "high", "xhigh", "max"]
"""How long a model may think before it answers; a provider takes the nearest that it has."""

ServiceTier = Literal["auto", "default", "flex", "priority"]
"""Which of a provider's queues and prices a request has."""

TIMEOUT_S = 600.0
"""Seconds of waiting for an answer after which a request fails where nobody says otherwise."""

STALL_TIMEOUT_S = 120.0
"""Seconds without a byte after which a stream has stalled where nobody says otherwise."""


class CallSettings(BaseModel):
    """Settings of the requests to one model in one role."""

    model_config = USER_INPUT

    temperature: float | None = Field(default=None, ge=0, le=2, allow_inf_nan=False)
    """How freely the model chooses its words, 0 for least; many that reason take none."""
    reasoning_effort: ReasoningEffort | None = None
    """How long the model thinks before it answers; `none` for not at all."""
    max_output_tokens: int | None = Field(default=None, ge=1)
    """Largest answer, in tokens, its reasoning included; takes the place of `output_reserve`."""
    timeout_s: float | None = Field(default=None, gt=0, le=86_400, allow_inf_nan=False)
    """Seconds after which a request fails; where it is not set, one whose answer comes goes on."""
    service_tier: ServiceTier | None = None
    """Queue and price of the provider: `flex` is cheap and slow, `priority` the opposite."""

    output_mode: OutputMode | None = None
    """How the answer is asked for: by a `tool`, a `json_schema` of the text, or `prompted`."""
    tool_choice: ToolChoice | None = None
    """How firmly the tool is asked for: `required`, `named` or `auto`."""
    strict: bool | None = None
    """Have the server hold the answer to its schema."""
    parallel_tool_calls: bool | None = None
    """Allow several calls of the tool in one answer."""
    stream: bool | None = None
    """Have the answer sent as it is written; `false` for all at once."""
    stall_timeout_s: float | None = Field(default=None, gt=0, le=86_400, allow_inf_nan=False)
    """Seconds without a byte after which an answer that has begun is given up."""

    @property
    def effective_timeout_s(self) -> float:
        """Seconds of waiting after which a request fails, set or not."""
        return TIMEOUT_S if self.timeout_s is None else self.timeout_s

    @property
    def effective_stall_timeout_s(self) -> float:
        """Seconds without a byte after which a stream has stalled, set or not."""
        return STALL_TIMEOUT_S if self.stall_timeout_s is None else self.stall_timeout_s

    def list_set(self) -> dict[str, Any]:
        """Return the settings that have a value, by their names."""
        return self.model_dump(exclude_none=True)


UNSET = CallSettings()
"""Nothing is set: every request is as the provider has it."""

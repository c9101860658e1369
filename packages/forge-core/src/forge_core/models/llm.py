"""What a model answers and what one call of it cost."""

from typing import Literal

from forge_obs import LLMStats
from pydantic import BaseModel, ConfigDict, Field

from forge_core.models.plan import Plan

Origin = Literal["provider", "scripted", "replay"]
"""Who answered: a provider over the network, a script, a recording."""


class FileOutput(BaseModel):
    """One file of an answer, whole."""

    model_config = ConfigDict(frozen=True)

    file_path: str = Field(description="Path relative to the repository's root.")
    content: str = Field(description="The complete new content of the file.")


class LLMResponse(BaseModel):
    """The files to write and a short explanation."""

    model_config = ConfigDict(frozen=True)

    files: tuple[FileOutput, ...] = Field(description="Every file to create or replace.")
    explanation: str = Field(default="", description="What was done and why, in a few sentences.")


class CallUsage(BaseModel):
    """Where an answer came from and what it took; shared by every kind of call."""

    model_config = ConfigDict(frozen=True)

    model_name: str
    """The model that answered, as the provider names it."""
    input_tokens: int = 0
    """Tokens of the request, cached ones included."""
    output_tokens: int = 0
    """Tokens of the answer, reasoning included."""
    latency_ms: float = 0.0
    """Wall time of the request in milliseconds."""
    cache_read_tokens: int = 0
    cache_write_tokens: int = 0
    reasoning_tokens: int = 0
    finish_reason: str | None = None
    origin: Origin = "provider"


class LLMCallResult(CallUsage):
    """An accepted answer with files."""

    task_id: str
    response: LLMResponse


class PlanCallResult(CallUsage):
    """An accepted plan."""

    task_id: str
    plan: Plan


def build_llm_stats(result: CallUsage) -> LLMStats:
    """Reduce a call to the figures that travel in a Temporal result."""
    return LLMStats(
        model_name=result.model_name,
        input_tokens=result.input_tokens,
        output_tokens=result.output_tokens,
        latency_ms=result.latency_ms,
        cache_read_tokens=result.cache_read_tokens,
        cache_write_tokens=result.cache_write_tokens,
        reasoning_tokens=result.reasoning_tokens,
    )

"""The figures of one model call that travel in a Temporal payload.

See D39.
"""

from pydantic import BaseModel, ConfigDict


class LLMStats(BaseModel):
    """Model, tokens and latency of one call, without any text.

    Unknown keys are ignored and no range is enforced: a payload that another version wrote, or a
    provider that reports nonsense, must not make a finished call unreadable.
    """

    # Built at first use: building loads pydantic's plugins, a third of what the import costs.
    model_config = ConfigDict(
        frozen=True, extra="ignore", protected_namespaces=(), defer_build=True
    )

    model_name: str
    """The model that answered, as the provider names it."""
    input_tokens: int
    """Tokens of the request, cached ones included."""
    output_tokens: int
    """Tokens of the answer, reasoning included."""
    latency_ms: float
    """Wall time of the request in milliseconds, retries excluded."""
    cache_read_tokens: int = 0
    """Input tokens that the provider served from its cache."""
    cache_write_tokens: int = 0
    """Input tokens that the provider put into its cache."""
    reasoning_tokens: int = 0
    """Output tokens that the model spent on reasoning."""

"""Metrics of the requests to models, by the GenAI conventions: one point for each request."""

from dataclasses import dataclass

from opentelemetry.metrics import Meter

from forge_core.tracing.attributes import (
    ERROR_TYPE,
    OPERATION_NAME,
    PROVIDER_NAME,
    REQUEST_MODEL,
    RESPONSE_MODEL,
    Attributes,
)

TOKEN_USAGE = "gen_ai.client.token.usage"  # noqa: S105 - no password
OPERATION_DURATION = "gen_ai.client.operation.duration"
TIME_TO_FIRST_CHUNK = "gen_ai.client.operation.time_to_first_chunk"
TOKEN_TYPE = "gen_ai.token.type"  # noqa: S105 - no password

TOKEN_BUCKETS = [4**power for power in range(14)]
"""Upper bounds of the conventions, from 1 to 67,108,864 tokens."""

DURATION_BUCKETS = [0.01 * 2**power for power in range(14)]
"""Upper bounds of the conventions, from 10 ms to 81.92 s."""


@dataclass(frozen=True, slots=True)
class RequestFigures:
    """What one request took."""

    provider: str
    """By the conventions' name."""
    request_model: str
    duration_s: float
    response_model: str | None = None
    error_type: str | None = None
    """Why no answer came; None where one did, whatever Forge makes of it."""
    input_tokens: int | None = None
    """None where nobody reported them."""
    output_tokens: int | None = None
    first_token_s: float | None = None
    """From sending the request to the first token; None where the answer came whole."""


class RequestMeter:
    """The instruments by which requests are measured."""

    def __init__(self, meter: Meter) -> None:
        self._tokens = meter.create_histogram(
            TOKEN_USAGE,
            unit="{token}",
            description="Number of input and output tokens used.",
            explicit_bucket_boundaries_advisory=TOKEN_BUCKETS,
        )
        self._duration = meter.create_histogram(
            OPERATION_DURATION,
            unit="s",
            description="GenAI operation duration.",
            explicit_bucket_boundaries_advisory=DURATION_BUCKETS,
        )
        self._first_chunk = meter.create_histogram(
            TIME_TO_FIRST_CHUNK,
            unit="s",
            description="Time from sending the request to the first chunk of a streamed response.",
            explicit_bucket_boundaries_advisory=DURATION_BUCKETS,
        )

    def record(self, figures: RequestFigures) -> None:
        """Add a request to the metrics."""
        common = _describe(figures)
        failed = {} if figures.error_type is None else {ERROR_TYPE: figures.error_type}
        self._duration.record(figures.duration_s, {**common, **failed})
        tokens = {"input": figures.input_tokens, "output": figures.output_tokens}
        for kind, count in tokens.items():
            if count is not None:
                self._tokens.record(count, {**common, TOKEN_TYPE: kind})
        if figures.first_token_s is not None:
            self._first_chunk.record(figures.first_token_s, common)


def _describe(figures: RequestFigures) -> Attributes:
    answered = {} if figures.response_model is None else {RESPONSE_MODEL: figures.response_model}
    return {
        OPERATION_NAME: "chat",
        PROVIDER_NAME: figures.provider,
        REQUEST_MODEL: figures.request_model,
        **answered,
    }

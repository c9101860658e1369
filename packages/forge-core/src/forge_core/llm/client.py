"""Requests over the network; the only module that knows pydantic-ai.

Its import takes seconds, so `forge_core.llm.calls` imports it when a model is called.
"""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import httpx2
from pydantic_ai import ModelRequest as Message
from pydantic_ai import ToolDefinition, exceptions
from pydantic_ai.direct import model_request
from pydantic_ai.messages import ModelResponse
from pydantic_ai.models import Model, ModelRequestParameters
from pydantic_ai.models.anthropic import AnthropicModel
from pydantic_ai.models.ollama import OllamaModel
from pydantic_ai.models.openai import OpenAIChatModel, OpenAIResponsesModel
from pydantic_ai.providers.anthropic import AnthropicProvider
from pydantic_ai.providers.ollama import OllamaProvider
from pydantic_ai.providers.openai import OpenAIProvider
from pydantic_ai.settings import CacheConfig, ModelSettings

from forge_core.llm.errors import FailureKind, ModelFailure
from forge_core.llm.providers import OLLAMA_URL, split_model
from forge_core.llm.request import ModelAnswer, ModelRequest
from forge_core.models.llm import CallUsage

CONNECT_TIMEOUT_S = 10.0
"""Seconds within which a connection must stand."""

FAILURES: tuple[tuple[type[Exception], FailureKind], ...] = (
    (exceptions.ModelQuotaExceededError, "quota"),
    (exceptions.ModelRateLimitError, "rate_limited"),
    (exceptions.ModelUnavailableError, "overloaded"),
    (exceptions.ModelServerError, "server_error"),
    (exceptions.ModelRequestTimeout, "timeout"),
    (exceptions.ModelTimeoutError, "timeout"),
    (exceptions.ModelConnectionError, "connection"),
    (exceptions.ModelContextWindowExceededError, "context_too_long"),
    (exceptions.ModelAuthenticationError, "authentication"),
    (exceptions.ModelNotFoundError, "not_found"),
    (exceptions.ModelRequestRejectedError, "rejected"),
    (exceptions.UserError, "not_configured"),
    (exceptions.ModelHTTPError, "rejected"),
    (exceptions.ModelAPIError, "malformed_response"),
    (exceptions.UnexpectedModelBehavior, "malformed_response"),
)
"""What the library raises and what that is to us; the first that fits counts."""


@dataclass(slots=True)
class _Exchange:
    """What is known of a request while it is under way."""

    request: ModelRequest
    started: float = field(default_factory=time.perf_counter)
    body: str = ""
    """The last response's body."""

    async def keep_body(self, response: httpx2.Response) -> None:
        self.body = (await response.aread()).decode("utf-8", "backslashreplace")

    def answer(self, text: str, response: ModelResponse | None = None) -> ModelAnswer:
        latency_ms = (time.perf_counter() - self.started) * 1000
        if response is None:
            name = split_model(self.request.model)[1]
            return ModelAnswer(text, CallUsage(model_name=name, latency_ms=latency_ms))
        usage = response.usage
        return ModelAnswer(
            text,
            CallUsage(
                model_name=response.model_name or split_model(self.request.model)[1],
                input_tokens=usage.input_tokens or 0,
                output_tokens=usage.output_tokens or 0,
                latency_ms=latency_ms,
                cache_read_tokens=usage.cache_read_tokens or 0,
                cache_write_tokens=usage.cache_write_tokens or 0,
                reasoning_tokens=usage.output_reasoning_tokens or 0,
                finish_reason=response.finish_reason,
            ),
        )


async def request_over_network(request: ModelRequest) -> ModelAnswer:
    """Send one request to its provider and return what came back.

    Raises:
        ModelFailure: There is no whole answer.
    """
    exchange = _Exchange(request)
    timeout = httpx2.Timeout(request.timeout_s, connect=CONNECT_TIMEOUT_S)
    hooks = {"response": [exchange.keep_body]}
    async with httpx2.AsyncClient(timeout=timeout, event_hooks=hooks) as http:
        with _as_model_failure(exchange):
            response = await model_request(
                _build_model(request.model, http),
                [Message.user_text_prompt(request.user_prompt, instructions=request.system_prompt)],
                model_settings=_build_settings(request),
                model_request_parameters=_build_parameters(request),
            )
    answer = exchange.answer(_read_text(response), response)
    if response.finish_reason == "length":
        raise ModelFailure(
            "truncated",
            f"the answer was cut off at {request.max_tokens} tokens: raise output_reserve in the "
            "task's context or ask for less",
            answer=answer,
        )
    return answer


def _read_text(response: ModelResponse) -> str:
    calls = response.tool_calls
    return calls[0].args_as_json_str() if calls else (response.text or "")


def _build_model(spec: str, http: httpx2.AsyncClient) -> Model:
    provider, name = split_model(spec)
    if provider == "anthropic":
        return AnthropicModel(name, provider=AnthropicProvider(http_client=http))
    if provider == "ollama":
        url = os.environ.get("OLLAMA_BASE_URL") or OLLAMA_URL
        return OllamaModel(name, provider=OllamaProvider(base_url=url, http_client=http))
    openai = OpenAIProvider(http_client=http)
    if provider == "openai":
        return OpenAIResponsesModel(name, provider=openai)
    return OpenAIChatModel(name, provider=openai)


def _build_settings(request: ModelRequest) -> ModelSettings:
    return ModelSettings(
        max_tokens=request.max_tokens,
        timeout=request.timeout_s,
        request_timeout=request.timeout_s,
        max_retries=0,
        cache=CacheConfig(messages=False),
    )


def _build_parameters(request: ModelRequest) -> ModelRequestParameters:
    tool = ToolDefinition(
        name=request.tool_name,
        description=request.output.__doc__ or "",
        kind="output",
        parameters_json_schema=request.output.model_json_schema(),
    )
    return ModelRequestParameters(output_mode="tool", output_tools=[tool], allow_text_output=False)


@contextmanager
def _as_model_failure(exchange: _Exchange) -> Iterator[None]:
    try:
        yield
    except tuple(kind for kind, _ in FAILURES) as error:
        kind = next(kind for type_, kind in FAILURES if isinstance(error, type_))
        message = _explain(kind, error, exchange.request)
        raise ModelFailure(
            kind,
            message,
            retry_after_s=getattr(error, "retry_after", None),
            answer=exchange.answer(exchange.body),
        ) from error


def _explain(kind: FailureKind, error: Exception, request: ModelRequest) -> str:
    status = getattr(error, "status_code", None)
    what = f"{request.model}: {kind.replace('_', ' ')}"
    return f"{what} (HTTP {status}): {error}" if status else f"{what}: {error}"

"""Requests over the network; the only module that knows pydantic-ai.

Its import takes seconds, so `forge_core.llm.calls` imports it when a model is called. The library
is used below its agents, one HTTP request for one call: nothing is sent again, and nothing is
added to the prompts.

See D43.
"""

import json
import re
import ssl
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from typing import Any

import httpx2
from pydantic_ai import ModelRequest as Message
from pydantic_ai import ToolDefinition, exceptions
from pydantic_ai.direct import model_request
from pydantic_ai.messages import ModelResponse, SystemPromptPart, UserPromptPart
from pydantic_ai.models import Model, ModelRequestParameters
from pydantic_ai.models.anthropic import AnthropicModel
from pydantic_ai.models.ollama import OllamaModel
from pydantic_ai.models.openai import OpenAIChatModel, OpenAIResponsesModel
from pydantic_ai.profiles import ModelProfile
from pydantic_ai.profiles.openai import OpenAIModelProfile
from pydantic_ai.providers.anthropic import AnthropicProvider
from pydantic_ai.providers.ollama import OllamaProvider
from pydantic_ai.providers.openai import OpenAIProvider
from pydantic_ai.settings import CacheConfig, ModelSettings

from forge_core.llm.errors import NOT_SENT, FailureKind, ModelFailure, explain_failure
from forge_core.llm.merge_calls import merge_calls
from forge_core.llm.model_name import PROVIDERS, split_model
from forge_core.llm.providers import read_access
from forge_core.llm.request import ModelAnswer, ModelRequest
from forge_core.models.llm import CallUsage

CONNECT_TIMEOUT_S = 10.0
"""Seconds within which a connection must stand."""

NO_KEY = "none"
"""Sent to a server of one's own where no key is set; the libraries refuse an empty one."""

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
    (exceptions.ModelHTTPError, "rejected"),
    (exceptions.ModelAPIError, "malformed_response"),
    (exceptions.ContentFilterError, "refused"),
    (exceptions.UnexpectedModelBehavior, "malformed_response"),
    (exceptions.UserError, "not_configured"),
    (httpx2.InvalidURL, "not_configured"),
    # A body that is JSON but nothing else that was promised fails wherever it is taken apart.
    (AssertionError, "malformed_response"),
    (AttributeError, "malformed_response"),
    (LookupError, "malformed_response"),
    (ImportError, "not_configured"),  # a proxy of a kind that needs another package
    (OSError, "not_configured"),  # certificates that SSL_CERT_FILE names and nobody has
    (RuntimeError, "malformed_response"),
    (TypeError, "malformed_response"),
    (ValueError, "malformed_response"),
)
"""What the library raises and what that is to us; the first that fits counts."""

STATUSES: dict[int, FailureKind] = {
    **dict.fromkeys(range(300, 400), "rejected"),  # redirects are not followed, with keys and all
    408: "timeout",
    413: "context_too_long",
}
"""HTTP statuses to which the library gives no class of their own."""

ALWAYS_SERIAL = re.compile(r"(?:.*/)?o\d")
"""Names of models that call one tool at a time, and refuse to be asked for it."""

VERBATIM = ModelProfile(may_tokenize_special_tokens_in_content=False)
"""Send prompts as they are: no joiners inside what looks like a chat template's token."""

OLLAMA = OpenAIModelProfile(
    may_tokenize_special_tokens_in_content=False,
    openai_chat_supports_max_completion_tokens=False,
)
"""As `VERBATIM`; Ollama limits the answer by `max_tokens` and ignores the newer name."""


@dataclass(slots=True)
class _Exchange:
    """What is known of a request while it is under way."""

    request: ModelRequest
    sent_at: float = 0.0
    latency_ms: float = 0.0
    """From sending the request to the last byte of its response."""
    status: int | None = None
    """HTTP status of the response, if that is not success."""
    body: str | None = None
    """The response's body, once there is one."""

    async def start_clock(self, request: httpx2.Request) -> None:  # noqa: ARG002 - a hook
        """Note that the request goes out."""
        self.sent_at = time.perf_counter()

    async def keep_response(self, response: httpx2.Response) -> None:
        """Read the whole response and keep it, before anybody takes it apart."""
        self.status = None if response.is_success else response.status_code
        body = (await response.aread()).decode("utf-8", "backslashreplace")
        self.body = body if response.is_success else _hide_key(body, self.request.model)
        self.latency_ms = (time.perf_counter() - self.sent_at) * 1000

    @property
    def hooks(self) -> dict[str, list[Callable[..., Any]]]:
        """What the HTTP client is to call, and when."""
        return {"request": [self.start_clock], "response": [self.keep_response]}

    def describe(self, response: ModelResponse) -> ModelAnswer:
        """Reduce a whole response to its text and figures."""
        usage = response.usage
        text = _read_text(response)
        return ModelAnswer(
            text=(self.body or "") if text is None else text,
            is_empty=text is None,
            usage=CallUsage(
                model_name=response.model_name or split_model(self.request.model)[1],
                input_tokens=usage.input_tokens or 0,
                output_tokens=usage.output_tokens or 0,
                latency_ms=self.latency_ms,
                cache_read_tokens=usage.cache_read_tokens or 0,
                cache_write_tokens=usage.cache_write_tokens or 0,
                reasoning_tokens=usage.output_reasoning_tokens or 0,
                finish_reason=response.finish_reason,
            ),
        )

    def describe_wreck(self) -> ModelAnswer | None:
        """Return what came back of a failed request; None where nothing did."""
        if self.body is None:
            return None
        name = split_model(self.request.model)[1]
        return ModelAnswer(self.body, CallUsage(model_name=name, latency_ms=self.latency_ms))


async def request_over_network(request: ModelRequest) -> ModelAnswer:
    """Send one request to a provider and return what came back, whole or cut off.

    Each request has an HTTP client of its own, closed with it: a call takes seconds, a connection
    milliseconds, and no state outlives the event loop.

    Raises:
        ModelFailure: There is no answer.
    """
    exchange = _Exchange(request)
    with _as_model_failure(exchange):
        async with httpx2.AsyncClient(verify=_tls_context(), event_hooks=exchange.hooks) as http:
            response = await model_request(
                _build_model(request.model, http),
                [_build_message(request)],
                model_settings=_build_settings(request),
                model_request_parameters=_build_parameters(request),
            )
            return exchange.describe(response)


def _hide_key(body: str, spec: str) -> str:
    """Remove the key from a refusal: some servers quote the one that they refuse."""
    key = read_access(PROVIDERS[split_model(spec)[0]]).key
    return body.replace(key, "[key]") if key else body


@cache
def _tls_context() -> ssl.SSLContext:
    """Load the certificates once; it takes tens of milliseconds."""
    return httpx2.create_ssl_context()


def _read_text(response: ModelResponse) -> str | None:
    """Return the tool's arguments as they were sent, else the text; None where there is neither.

    Arguments that were sent as an object, as Anthropic does, and those of several calls become
    compact JSON.
    """
    arguments = [
        call.args
        if isinstance(call.args, str)
        else json.dumps(call.args, ensure_ascii=False, separators=(",", ":"))
        for call in response.tool_calls
    ]
    return merge_calls(arguments) if arguments else response.text


def _build_model(spec: str, http: httpx2.AsyncClient) -> Model:
    provider, name = split_model(spec)
    access = read_access(PROVIDERS[provider])
    key = access.key or NO_KEY
    if provider == "anthropic":
        anthropic = AnthropicProvider(api_key=key, base_url=access.url, http_client=http)
        return AnthropicModel(name, provider=anthropic, profile=VERBATIM)
    if provider == "ollama":
        ollama = OllamaProvider(api_key=key, base_url=access.url, http_client=http)
        return OllamaModel(name, provider=ollama, profile=OLLAMA)
    openai = OpenAIProvider(api_key=key, base_url=access.url, http_client=http)
    if provider == "openai":
        return OpenAIResponsesModel(name, provider=openai, profile=VERBATIM)
    return OpenAIChatModel(name, provider=openai, profile=VERBATIM)


def _build_message(request: ModelRequest) -> Message:
    # Not as instructions, which lose the blanks at their ends on the way to OpenAI.
    return Message([SystemPromptPart(request.system_prompt), UserPromptPart(request.user_prompt)])


def _build_settings(request: ModelRequest) -> ModelSettings:
    settings = ModelSettings(
        max_tokens=request.max_tokens,
        timeout=httpx2.Timeout(request.timeout_s, connect=CONNECT_TIMEOUT_S),
        request_timeout=request.timeout_s,
        max_retries=0,
        # Every user prompt is sent once: only instructions and tool are worth caching.
        cache=CacheConfig(messages=False),
    )
    provider, name = split_model(request.model)
    if provider != "ollama" and not ALWAYS_SERIAL.match(name):
        settings["parallel_tool_calls"] = False
    return settings


def _build_parameters(request: ModelRequest) -> ModelRequestParameters:
    tool = ToolDefinition(
        name=request.tool_name,
        description=request.output.__doc__ or "",
        kind="output",
        parameters_json_schema=request.output.model_json_schema(mode="serialization"),
    )
    return ModelRequestParameters(output_mode="tool", output_tools=[tool], allow_text_output=False)


@contextmanager
def _as_model_failure(exchange: _Exchange) -> Iterator[None]:
    try:
        yield
    except tuple(kind for kind, _ in FAILURES) as error:
        kind = STATUSES.get(exchange.status or 0) or _classify(error)
        if exchange.body is None and kind == "malformed_response":
            kind = "rejected"  # the request itself cannot be sent
        raise ModelFailure(
            kind,
            explain_failure(exchange.request, kind, exchange.status, exchange.body, error),
            retry_after_s=getattr(error, "retry_after", None),
            answer=exchange.describe_wreck(),
        ) from error
    except Exception as error:
        if not exchange.sent_at:
            error.add_note(NOT_SENT)
        raise


def _classify(error: Exception) -> FailureKind:
    return next(kind for type_, kind in FAILURES if isinstance(error, type_))

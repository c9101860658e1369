"""What is seen of a request while it is under way: its clock, status and body."""

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import httpx2
from pydantic_ai.messages import ModelResponse

from forge_core.llm.merge_calls import merge_calls
from forge_core.llm.model_name import PROVIDERS, split_model
from forge_core.llm.providers import list_keys
from forge_core.llm.request import ModelAnswer, ModelRequest
from forge_core.models.llm import CallUsage


@dataclass(slots=True)
class Exchange:
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


def _hide_key(body: str, spec: str) -> str:
    """Remove the key from a refusal: some servers quote the one that they refuse."""
    for key in list_keys(PROVIDERS[split_model(spec)[0]]):
        body = body.replace(key, "[key]")
    return body


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

"""Reducing what the library made of a response to an answer of ours."""

import json
import re

from pydantic_ai.messages import (
    ModelResponse,
    ModelResponseStreamEvent,
    PartDeltaEvent,
    PartStartEvent,
    ThinkingPart,
)

from forge_core.llm.merge_calls import drop_cut_repeat, merge_calls
from forge_core.llm.model_name import split_model
from forge_core.llm.network.exchange import Exchange
from forge_core.llm.request import ModelAnswer
from forge_core.models.call.llm import CallUsage

SEAM = re.compile(r"\}\s*\{")
"""Where the arguments of one call end and those of another begin, if it is not in a text."""


def build_answer(exchange: Exchange, response: ModelResponse) -> ModelAnswer:
    """Reduce a response to its text and figures."""
    usage = response.usage
    calls = _list_arguments(response)
    is_cut = response.finish_reason == "length"
    whole = drop_cut_repeat(calls) if is_cut else calls
    text = merge_calls(whole) if whole else response.text
    return ModelAnswer(
        text=(exchange.body or "") if text is None else text,
        is_empty=text is None,
        reasoning="\n\n".join(_list_thoughts(response)),
        is_cut_repeat=len(whole) < len(calls),
        cut_call=len(calls) if is_cut and len(calls) == len(whole) > 1 else 0,
        usage=CallUsage(
            model_name=response.model_name or split_model(exchange.request.model)[1],
            input_tokens=usage.input_tokens or 0,
            output_tokens=usage.output_tokens or 0,
            latency_ms=exchange.latency_ms,
            first_token_ms=exchange.first_token_ms,
            cache_read_tokens=usage.cache_read_tokens or 0,
            cache_write_tokens=usage.cache_write_tokens or 0,
            reasoning_tokens=usage.output_reasoning_tokens or 0,
            finish_reason=response.finish_reason,
        ),
        reported=exchange.reported,
    )


def build_wreck(exchange: Exchange, partial: ModelResponse | None = None) -> ModelAnswer | None:
    """Return what came back of a failed request; None where nothing did.

    Args:
        exchange: The request.
        partial: What the library has read of a stream.
    """
    if partial is not None and partial.parts:
        return build_answer(exchange, partial)
    if exchange.body is None:
        return None
    name = split_model(exchange.request.model)[1]
    usage = CallUsage(
        model_name=name, latency_ms=exchange.latency_ms, first_token_ms=exchange.first_token_ms
    )
    return ModelAnswer(exchange.body, usage, is_empty=True, reported=exchange.reported)


def is_silent(response: ModelResponse) -> bool:
    """Return whether nothing of a response can be an answer."""
    calls = _list_arguments(response)
    return not any(map(str.strip, calls)) if calls else not (response.text or "").strip()


def count_seamed(response: ModelResponse) -> int:
    """Return how many calls there are if one may be several joined; 0 if none looks like it."""
    calls = _list_arguments(response)
    return len(calls) if any(map(SEAM.search, calls)) else 0


def count_chars(event: ModelResponseStreamEvent) -> int:
    """Return how many characters of an answer an event of a stream brings."""
    if isinstance(event, PartStartEvent):
        piece: object = event.part
    elif isinstance(event, PartDeltaEvent):
        piece = event.delta
    else:
        return 0
    names = ("content", "args", "content_delta", "args_delta")
    return sum(_measure(getattr(piece, name, None)) for name in names)


def _measure(said: object) -> int:
    if isinstance(said, str):
        return len(said)
    return len(json.dumps(said)) if isinstance(said, dict) and said else 0


def _list_thoughts(response: ModelResponse) -> list[str]:
    parts = (part for part in response.parts if isinstance(part, ThinkingPart))
    return [part.content for part in parts if part.content.strip()]


def _list_arguments(response: ModelResponse) -> list[str]:
    """List the arguments of each call of the tool, as they were sent.

    Those that were sent as an object, as Anthropic does, become compact JSON.
    """
    return [
        call.args
        if isinstance(call.args, str)
        else json.dumps(call.args, ensure_ascii=False, separators=(",", ":"))
        for call in response.tool_calls
    ]

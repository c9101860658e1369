"""Which spans are requests to a model. Pure.

Spans of agents, workflows, chains and tools carry the sums of the requests within them, so that
none of them may become a row, whatever figures it has. See D94.
"""

from collections.abc import Mapping
from typing import Final

from forge_obs.otel.spans import Attributes, SpanData

LLM: Final = "llm"
"""Role of a request whose agent nobody names."""

EMBEDDING: Final = "embedding"
"""Role of a request for embeddings."""

DETAILS: Final = "gen_ai.client.inference.operation.details"
"""The event that tells of a request what its span may not."""

_OPERATIONS: Final[Mapping[str, str]] = {
    "chat": LLM,
    "chat.completions": LLM,
    "chat.streaming_completions": LLM,
    "text_completion": LLM,
    "text.completions": LLM,
    "generate_content": LLM,
    "completion": LLM,
    "acompletion": LLM,
    "responses": LLM,
    "aresponses": LLM,
    "anthropic_messages": LLM,
    "embeddings": EMBEDDING,
    "embedding": EMBEDDING,
    "aembedding": EMBEDDING,
}
"""Roles by `gen_ai.operation.name`, which some call by names of their own."""

_KINDS: Final[Mapping[str, str]] = {"LLM": LLM, "EMBEDDING": EMBEDDING}
"""Roles by `openinference.span.kind`."""

_TYPES: Final[Mapping[str, str]] = {"chat": LLM, "completion": LLM, "embedding": EMBEDDING}
"""Roles by Traceloop's `llm.request.type`."""

_INNER: Final[Mapping[str, str]] = {
    ".doGenerate": LLM,
    ".doStream": LLM,
    ".doEmbed": EMBEDDING,
}
"""Roles by how the operation of Vercel's AI SDK ends."""


def is_request(span: SpanData) -> bool:
    """Return whether a span is a request to a model, by the attributes that it has so far."""
    return find_role(span.attributes) is not None


def find_role(attributes: Attributes) -> str | None:
    """Return what a request is for, `llm` or `embedding`; None for what is no request.

    Who says plainly what a span is counts first. One that says nothing, as instrumentations did
    before there was a name for operations, is a request where it names a model and whose it is.
    """
    kind = attributes.get("openinference.span.kind")
    if isinstance(kind, str):
        return _KINDS.get(kind.upper())
    operation = attributes.get("ai.operationId")
    if isinstance(operation, str):
        return next((role for end, role in _INNER.items() if operation.endswith(end)), None)
    operation = attributes.get("gen_ai.operation.name")
    if isinstance(operation, str):
        return _OPERATIONS.get(operation.lower())
    if attributes.get("traceloop.span.kind") is not None:
        return None
    kind = attributes.get("llm.request.type")
    if isinstance(kind, str) and kind != "unknown":
        return _TYPES.get(kind)
    return LLM if _is_old_request(attributes) else None


def _is_old_request(attributes: Attributes) -> bool:
    if "gen_ai.request.model" not in attributes:
        return False
    return ("gen_ai.system" in attributes or "gen_ai.provider.name" in attributes) and not (
        "gen_ai.agent.name" in attributes or "gen_ai.tool.name" in attributes
    )

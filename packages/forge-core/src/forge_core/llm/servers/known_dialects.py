"""The dialects that this process has learnt, so that a refusal is met once and not in every call.

A process that dies has learnt for nothing: the next one asks in the first form again. A refusal
costs no tokens.
"""

import json
import logging
import re
from dataclasses import replace

from forge_core.errors import ModelNotConfigured
from forge_core.llm.model_name import PROVIDERS, SCRIPTED, split_model
from forge_core.llm.providers import read_access
from forge_core.llm.request import ModelRequest
from forge_core.llm.servers.answer_schema import build_schema
from forge_core.llm.servers.dialects import describe_change, find_next_dialect
from forge_core.models.call.dialect import LIMITS, Dialect

STRICT = frozenset(
    {"azure", "azure-responses", "gateway/openai", "gateway/openai-chat", "openai", "openai-chat"}
    | {"openai-responses", "vllm"}
)
"""Providers that hold an answer to its schema only if they are asked to."""

LOGGER = logging.getLogger("forge.models")

ALWAYS_SERIAL = re.compile(r"(?:.*/)?o\d")
"""Names of models that call one tool at a time, and refuse to be asked for it."""

FORM = """

# Form of the answer

Answer with one JSON object that fits this JSON Schema, and with nothing else: no text before or \
after it, no code fence.

{schema}
"""
"""What is said below the instructions where a server can be told of a schema by words only."""

_Key = tuple[str, str, Dialect]
_KNOWN: dict[_Key, Dialect] = {}


def put_in_dialect(request: ModelRequest) -> ModelRequest:
    """Return a request in the form that its server is known to take, else in the first one."""
    try:
        if split_model(request.model)[0] == SCRIPTED:
            return request
    except ModelNotConfigured:
        return request  # whoever sends it says so
    first = build_first_dialect(request)
    dialect = _KNOWN.get(_key(request, first), first)
    if dialect.output_mode != "prompted":
        return replace(request, dialect=dialect)
    words = FORM.format(schema=json.dumps(build_schema(request.output)))
    system_prompt = request.system_prompt.rstrip("\n") + words
    return replace(request, dialect=dialect, system_prompt=system_prompt, form_words=words)


def learn_dialect(request: ModelRequest, refused: str | None, words: str) -> str | None:
    """Remember what a server refused; return in which other form it is asked again, if in any.

    Args:
        request: What was asked, in its dialect.
        refused: The parameter that its server refused, if it is one.
        words: What the server said.
    """
    if refused is None or request.dialect is None:
        return None
    key = _key(request, build_first_dialect(request))
    after = _KNOWN.get(key, request.dialect)
    if after == request.dialect:  # no other request has learnt meanwhile
        following = find_next_dialect(request.dialect, refused, words)
        if following is None:
            return None
        after = _KNOWN[key] = following
        form = describe_change(request.dialect, after)
        LOGGER.warning("%s does not take %s: asked %s from now on", request.model, refused, form)
    return describe_change(request.dialect, after)


def build_first_dialect(request: ModelRequest) -> Dialect:
    """Return the form in which a provider is asked first."""
    provider, name = split_model(request.model)
    is_ollama = provider == "ollama"
    parallel = None if is_ollama or ALWAYS_SERIAL.match(name) else False
    settings = request.settings
    return Dialect(
        output_mode=settings.output_mode or "tool",
        tool_choice=settings.tool_choice or "required",
        strict=provider in STRICT if settings.strict is None else settings.strict,
        parallel_tool_calls=_choose(settings.parallel_tool_calls, parallel),
        stream=settings.stream is not False,
        limit=LIMITS[1] if is_ollama else LIMITS[0],
    )


def _choose(wish: bool | None, default: bool | None) -> bool | None:
    return default if wish is None else wish


def _key(request: ModelRequest, first: Dialect) -> _Key:
    provider, _ = split_model(request.model)
    return request.model, read_access(PROVIDERS[provider]).url, first

"""What a span tells besides contents, as keywords of `record("interaction")`. Pure."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Final

import orjson

from forge_obs.model.conversation.answers import read_answer
from forge_obs.model.conversation.parts import open_json
from forge_obs.otel.conventions import names
from forge_obs.otel.conventions.attributes import LONGEST_TEXT, SpanFacts
from forge_obs.otel.spans import Source, SpanData

UNKNOWN_TASK: Final = "unknown"
"""Task of a program that does not say who it is."""

_UNKNOWN_SERVICE: Final = "unknown_service"

MOST_PARAMS: Final = 60
MOST_PARAM_BYTES: Final = 8_000

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)

_PROVIDERS: Final[Mapping[str, str]] = {
    "aws.bedrock": "bedrock",
    "aws_bedrock": "bedrock",
    "amazon-bedrock": "bedrock",
    "amazon_bedrock": "bedrock",
    "aws": "bedrock",
    "az.ai.inference": "azure",
    "az.ai.openai": "azure",
    "azure.ai.inference": "azure",
    "azure.ai.openai": "azure",
    "azure-openai": "azure",
    "azure_openai": "azure",
    "gcp.gemini": "google",
    "gcp.gen_ai": "google",
    "gcp.vertex_ai": "google",
    "gemini": "google",
    "google_genai": "google",
    "google_vertexai": "google",
    "google-vertex": "google",
    "vertex_ai": "google",
    "vertexai": "google",
    "mistral_ai": "mistral",
    "mistralai": "mistral",
    "together_ai": "together",
    "togetherai": "together",
    "x_ai": "xai",
}
"""Words of others for providers, as they stand before the colon of a requested model."""

_KNOWN_PROVIDERS: Final = frozenset(
    {"anthropic", "azure", "bedrock", "cerebras", "cohere", "deepseek", "fireworks", "google"}
    | {"groq", "huggingface", "mistral", "moonshotai", "ollama", "openai", "openrouter"}
    | {"perplexity", "together", "xai"}
)
"""Providers that may stand there."""


def name_task(source: Source) -> str:
    """Return the task that a program's calls belong to: the name of the service that it is."""
    service = source.resource.get("service.name")
    if not isinstance(service, str):
        return UNKNOWN_TASK
    name = service.removeprefix(f"{_UNKNOWN_SERVICE}:")
    return name[:LONGEST_TEXT] if name and name != _UNKNOWN_SERVICE else UNKNOWN_TASK


def read_models(facts: SpanFacts, params: Mapping[str, object]) -> dict[str, object]:
    """Read the model that answered and the requested one, `provider:name` if that is known."""
    texts = facts.texts
    requested = texts.get("request_model") or params.get("model") or texts.get("model_name")
    answered = texts.get("model_name")
    provider = find_provider(texts.get("provider"))
    if not isinstance(requested, str):
        return {"model_name": answered}
    known = requested.startswith(f"{provider}:") or provider is None
    return {
        "request_model": requested if known else f"{provider}:{requested}",
        "model_name": answered or requested,
    }


def strip_route(facts: SpanFacts) -> None:
    """Strip the provider that LiteLLM wants before a model's name, and the provider does not."""
    for column in ("request_model", "model_name"):
        name = facts.texts.get(column)
        route, slash, rest = (name or "").partition("/")
        if slash and rest and find_provider(route) == find_provider(facts.texts.get("provider")):
            facts.texts[column] = rest


def find_provider(word: str | None) -> str | None:
    """Return a provider by the word that stands before the colon of a model; None for others."""
    if not word:
        return None
    for name in (word.lower(), word.lower().partition(".")[0]):
        known = _PROVIDERS.get(name, name)
        if known in _KNOWN_PROVIDERS:
            return known
    return None


def read_params(facts: SpanFacts) -> dict[str, object]:
    """Read the parameters of a request, the model among them where it stands there."""
    params: dict[str, object] = {}
    given = facts.all_params
    if isinstance(given, str) and given[:1] == "{":
        given = open_json(given)
    if isinstance(given, Mapping):
        params |= {str(name): value for name, value in given.items() if value is not None}
    params |= {name: value for name, value in facts.params.items() if value is not None}
    return params


def keep_params(params: Mapping[str, object]) -> dict[str, object] | None:
    """Return the parameters that are kept: none that has a column of its own, and few in all."""
    kept = {
        name: _open_param(value)
        for name, value in list(params.items())[:MOST_PARAMS]
        if name not in names.NO_PARAMS
    }
    if not kept:
        return None
    try:
        if len(orjson.dumps(kept)) <= MOST_PARAM_BYTES:
            return kept
    except TypeError:
        pass
    return {name: value for name, value in kept.items() if _is_short(value)} or None


def _open_param(value: object) -> object:
    """Open what is written as JSON, and a flag that LiteLLM writes as Python does."""
    if not isinstance(value, str):
        return value
    return open_json(value) if value[:1] == "{" else _FLAGS.get(value, value)


_FLAGS: Final = {"True": True, "False": False}


def _is_short(value: object) -> bool:
    if isinstance(value, str):
        return len(value) <= LONGEST_TEXT
    return isinstance(value, int | float) and -(2**63) <= value < 2**63


def read_finish(facts: SpanFacts, content: Mapping[str, object]) -> str | None:
    """Return why the model stopped; several answers may differ."""
    reasons = facts.finish_reasons
    if isinstance(reasons, str) and reasons[:1] == "[":
        reasons = open_json(reasons)
    if isinstance(reasons, str):
        reasons = [reasons]
    if not isinstance(reasons, list | tuple) or not reasons:
        told = content.get("output")
        messages = told if isinstance(told, list) else []
        reasons = [m.get("finish_reason") for m in messages[:100] if isinstance(m, Mapping)]
    known = dict.fromkeys(r for r in list(reasons)[:100] if isinstance(r, str) and r)
    return ", ".join(known)[:LONGEST_TEXT] or facts.texts.get("finish_reason")


def read_usage_report(facts: SpanFacts) -> object:
    """Return the counts as they were reported, with LiteLLM's whole report where there is one."""
    text = facts.usage_text
    if isinstance(text, str) and text[:1] == "{" and len(text) < 4_000:
        report = open_json(text.replace("'", '"').replace("None", "null"))
        if isinstance(report, dict) and report:
            return report
    return facts.usage or None


def find_response_id(facts: SpanFacts) -> str | None:
    """Find the provider's id of an answer in the answer itself, which OpenInference keeps."""
    answer = facts.content.get("output.value")
    if not isinstance(answer, str):
        return None
    if answer.startswith(_LANGCHAIN):
        return read_answer(_open_langchain(open_json(answer))).response_id
    match = _ID.match(answer)
    return None if match is None else match[1]


_LANGCHAIN: Final = '{"generations": [[{'


def _open_langchain(answer: object) -> object:
    """Return the first message of an answer of LangChain as its serialiser writes it down."""
    for name in ("generations", 0, 0, "message", "kwargs"):
        if isinstance(answer, list) and isinstance(name, int):
            answer = next(iter(answer), None)
        else:
            answer = answer.get(name) if isinstance(answer, dict) else None
    return answer


_ID: Final = re.compile(r'\{"id": ?"([^"\\]{1,200})"')
"""How the JSON of an answer begins that has one."""


def read_times(span: SpanData) -> dict[str, object]:
    """Read when a request began and how long it took."""
    times: dict[str, object] = {"created_at": read_moment(span.start_ns)}
    if span.end_ns is not None and span.end_ns >= span.start_ns:
        times["latency_ms"] = (span.end_ns - span.start_ns) / 1e6
    return times


def read_moment(time_ns: int) -> datetime | None:
    """Return a moment that is given in nanoseconds since 1970; None where there is none."""
    if time_ns <= 0:
        return None
    try:
        return _EPOCH + timedelta(microseconds=time_ns // 1000)
    except OverflowError:
        return None


MOST_AHEAD: Final = timedelta(minutes=5)
"""How far ahead a clock may be that says when a request began."""


LONGEST_LATENCY: Final = timedelta(days=7)
"""How long a request may take; the clock of one that took longer is wrong."""


def doubt_clock(fields: Mapping[str, object], now: datetime) -> Mapping[str, object]:
    """Return the same keywords, or others without a time that cannot be.

    Args:
        fields: Keywords of `record("interaction")`.
        now: The time of arrival.
    """
    began, latency_ms = fields.get("created_at"), fields.get("latency_ms")
    said: list[str] = []
    doubted: dict[str, object] = {}
    if isinstance(began, datetime) and began - now > MOST_AHEAD:
        doubted["created_at"] = None
        said.append("created_at: in the future, the time of arrival instead")
    if isinstance(latency_ms, float) and latency_ms > LONGEST_LATENCY / timedelta(milliseconds=1):
        doubted["latency_ms"] = None
        said.append("latency_ms: longer than a week, not kept")
    if not said:
        return fields
    notes = fields.get("notes")
    return {**fields, **doubted, "notes": "; ".join([*([str(notes)] if notes else []), *said])}


def read_first_token(facts: SpanFacts, span: SpanData) -> float | None:
    """Return when the answer began, in milliseconds after the request."""
    if facts.first_token_ms is not None:
        return facts.first_token_ms
    times = [event.time_ns for event in span.events if event.name in names.FIRST_PIECES]
    first = min(times, default=0)
    last = first if span.end_ns is None else span.end_ns
    return (first - span.start_ns) / 1e6 if times and span.start_ns <= first <= last else None

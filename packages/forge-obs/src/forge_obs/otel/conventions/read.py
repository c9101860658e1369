"""A request to a model, read from its span or from events of it. Pure.

See D94.
"""

from collections.abc import Mapping, Sequence
from itertools import islice
from typing import Final

from forge_obs.otel.conventions import columns
from forge_obs.otel.conventions.attributes import SpanFacts, sort_attributes
from forge_obs.otel.conventions.content import MOST_MESSAGES, Event, read_content
from forge_obs.otel.conventions.failure import read_failure
from forge_obs.otel.conventions.leftovers import collect_leftovers
from forge_obs.otel.conventions.message_events import CHOICE, CONTENT_EVENTS
from forge_obs.otel.conventions.requests import DETAILS, EMBEDDING, LLM, find_role
from forge_obs.otel.spans import Attributes, LogEvent, SpanData

_LITELLM: Final = "litellm"
"""What is in the scopes of those that instrument LiteLLM."""

_READ_EVENTS: Final = CONTENT_EVENTS | {DETAILS}


def read_request(span: SpanData, events: Sequence[LogEvent] = ()) -> dict[str, object] | None:
    """Read a request to a model; None for a span that is none.

    Args:
        span: Open or ended; an open one is `started`.
        events: Log records that belong to it, where they are at hand.

    Returns:
        Keywords of `record("interaction")`, all but the `entry_id`.
    """
    role = find_role(span.attributes)
    if role is None:
        return None
    facts = sort_attributes(span.attributes)
    told = _list_told(span, events) if span.events or events else []
    for name, attributes, body in told:
        if name == DETAILS:
            _sort_details(facts, attributes, body)
    if _LITELLM in span.source.scope:
        columns.strip_route(facts)
    fields = _read(facts, told, role)
    fields |= columns.read_times(span)
    fields |= {
        "task_id": columns.name_task(span.source),
        "trace_id": span.trace_id,
        "span_id": span.span_id,
        "parent_span_id": span.parent_span_id,
        "first_token_ms": columns.read_first_token(facts, span),
        "extra": collect_leftovers(facts, span.source, span.name),
    }
    if span.end_ns is None:
        return fields | {"status": "started"}
    return fields | (read_failure(facts, span) or {})


def _list_told(span: SpanData, events: Sequence[LogEvent]) -> list[Event]:
    inner = islice((e for e in span.events if e.name in _READ_EVENTS), MOST_MESSAGES)
    told: list[Event] = [(event.name, event.attributes, None) for event in inner]
    return told + [(event.name, event.attributes, event.body) for event in events]


def read_event(event: LogEvent) -> dict[str, object] | None:
    """Read what an event tells of a request; None for an event of something else."""
    return read_events([event])


def read_events(events: Sequence[LogEvent]) -> dict[str, object] | None:
    """Read what events of one span tell of a request; None where none does.

    Returns:
        Keywords of `record("interaction")`, all but the `entry_id`. `status` is `started` where
        no event tells of an answer, so that it never changes a row that is finished.
    """
    known = list(islice((e for e in events if e.name in _READ_EVENTS), MOST_MESSAGES))
    if not known:
        return None
    first = known[0]
    facts = SpanFacts()
    for event in known:
        if event.name == DETAILS:
            _sort_details(facts, event.attributes, event.body)
    role = find_role(known[-1].attributes) if first.name == DETAILS else LLM
    if role is None:
        return None
    for event in known:
        if event.name != DETAILS:
            sort_attributes(_list_plain(event.attributes), facts)
    fields = _read(facts, [(e.name, e.attributes, e.body) for e in known], role)
    fields |= {
        "task_id": columns.name_task(first.source),
        "trace_id": first.trace_id,
        "span_id": first.span_id,
        "created_at": columns.read_moment(first.time_ns),
    }
    if not any(event.name in {DETAILS, CHOICE} for event in known):
        return fields | {"status": "started"}
    unfinished = SpanData(first.trace_id, first.span_id, None, "", first.time_ns)
    return fields | (read_failure(facts, unfinished) or {})


def _sort_details(facts: SpanFacts, attributes: Attributes, body: object) -> None:
    sort_attributes(attributes, facts)
    if isinstance(body, Mapping):  # where earlier versions had it
        sort_attributes(body, facts)


def _list_plain(attributes: Attributes) -> Attributes:
    """List what an event of a message says of the request; the message has names of its own."""
    return {name: v for name, v in attributes.items() if name in {"gen_ai.system", "session.id"}}


def _read(facts: SpanFacts, events: Sequence[Event], role: str) -> dict[str, object]:
    notes: list[str] = []
    texts = facts.texts
    params = columns.read_params(facts)
    content = read_content(facts, events, notes)
    if role == EMBEDDING:
        content.pop("output", None)  # vectors
    fields: dict[str, object] = columns.read_models(facts, params)
    if content:
        fields["messages"] = content
    else:
        fields |= {"system_prompt": "", "user_prompt": ""}
    return fields | {
        "role": role if role == EMBEDDING else texts.get("agent", role),
        "status": "ok",
        "usage": columns.read_usage_report(facts),
        "stated_cost_usd": facts.cost_usd,
        "finish_reason": columns.read_finish(facts, content),
        "params": columns.keep_params(params),
        "response_id": texts.get("response_id") or columns.find_response_id(facts),
        "request_id": texts.get("request_id"),
        "session_id": texts.get("session_id"),
        "service_tier": texts.get("service_tier"),
        "notes": "; ".join(dict.fromkeys(notes)) or None,
    }


def complete(inner: dict[str, object], outer: Mapping[str, object]) -> dict[str, object]:
    """Complete what the innermost of nested requests tells by what the one around it does.

    The inner one is what was sent: its figures, times and ids count. What only the outer one knows
    is added: contents, session, who asked and for what.
    """
    fields = dict(inner)
    for name, value in outer.items():
        own = fields.get(name)
        if name in _OWN or value is None or value == "":
            continue
        if name == "messages":
            fields[name] = _complete_messages(_mapping(own), _mapping(value))
        elif name == "params":
            fields[name] = {**_mapping(value), **_mapping(own)}
        elif own is None or own == "" or (name == "role" and own == LLM):
            fields[name] = value
    if fields.get("messages"):  # which prompts are taken from that are not given
        for name in ("system_prompt", "user_prompt"):
            if not fields.get(name):
                fields.pop(name, None)
    return fields


def _complete_messages(
    inner: Mapping[str, object], outer: Mapping[str, object]
) -> Mapping[str, object]:
    """Add the parts that the inner request lacks; its instructions may stand in its input."""
    messages = inner.get("input")
    said = messages if isinstance(messages, list) else []
    if any(_mapping(message).get("role") in _INSTRUCTING for message in said):
        outer = {name: part for name, part in outer.items() if name != "system"}
    return {**outer, **inner}


_INSTRUCTING: Final = ("system", "developer")
"""Roles of messages that are instructions."""


_OWN: Final = frozenset(
    {"created_at", "extra", "latency_ms", "span_id", "status", "trace_id", "error", "error_type"}
)
"""What is each span's own."""


def _mapping(value: object) -> Mapping[str, object]:
    return value if isinstance(value, Mapping) else {}

"""What was asked and answered, found wherever a convention puts it. Pure.

Each reader gives `system`, `input`, `output` and `tools` as far as it knows them, in shapes that
`forge_obs.model.conversation` reads. What was asked is taken from the first reader that knows it,
and so is what was answered.
"""

from collections.abc import Callable, Mapping, Sequence
from itertools import islice
from typing import Final, TypeAlias

from forge_obs.model.conversation.answers import read_answer
from forge_obs.model.conversation.parts import open_json
from forge_obs.otel.conventions.attributes import SpanFacts
from forge_obs.otel.conventions.message_events import open_messages, read_listed, read_messages
from forge_obs.otel.conventions.names import CONTENT
from forge_obs.otel.conventions.numbered import read_openinference, read_traceloop

Content: TypeAlias = dict[str, object]
Event: TypeAlias = tuple[str, Mapping[str, object], object]
"""Name, attributes and body."""

MOST_MESSAGES: Final = 10_000
"""How many messages of a request are read."""


def read_content(facts: SpanFacts, events: Sequence[Event], notes: list[str]) -> Content:
    """Read what was asked and answered.

    Args:
        facts: What the attributes tell.
        events: Those of the span, and log records that belong to it.
        notes: Gets what could not be read.

    Returns:
        `system`, `input`, `output` and `tools`; nothing where contents were not captured.
    """
    content: Content = {}
    is_plain = not (events or facts.numbered or _OTHERS & facts.content.keys())
    for read in _READERS[:1] if is_plain else _READERS:
        _take(content, read(facts, events, notes))
        if content.keys() >= _ALL:
            break
    if "tools" not in content and _PARAMETERS in facts.content:
        content["tools"] = _read_request_parameters(facts, notes)
    if not content.keys() >= {"input", "output"}:
        _take(content, _read_values(facts))
    return {name: _bound(value, notes) for name, value in content.items() if value}


_PRESENT: Final = {
    "system": "gen_ai.system_instructions",
    "input": "gen_ai.input.messages",
    "output": "gen_ai.output.messages",
    "tools": "gen_ai.tool.definitions",
}

_OTHERS: Final = CONTENT - set(_PRESENT.values())
"""Attributes of other forms than OpenTelemetry's present one."""

_ALL: Final = frozenset({"input", "output", "tools"})


def _take(content: Content, told: Content) -> None:
    """Take what is not known yet; what the system says belongs to what was asked."""
    if not told:
        return
    if "input" not in content and (told.get("system") or _says_something(told.get("input"))):
        content["input"] = told.get("input")
        content["system"] = told.get("system")
    if "output" not in content and _says_something(told.get("output")):
        content["output"] = told["output"]
    if told.get("tools"):
        content.setdefault("tools", told["tools"])


def _says_something(value: object) -> bool:
    """Return whether there is a message with something in it, or text."""
    if not isinstance(value, list):
        return bool(value)
    return any(
        item.get("parts")
        or item.get("content")
        or item.get("tool_calls")
        or item.get("function_call")
        if isinstance(item, Mapping)
        else item
        for item in islice(value, MOST_MESSAGES)
    )


def _bound(value: object, notes: list[str]) -> object:
    if isinstance(value, list) and len(value) > MOST_MESSAGES:
        notes.append("messages: too many, cut")
        return value[:MOST_MESSAGES]
    return value


def _open(name: str, value: object, notes: list[str]) -> object:
    """Open what is JSON text, or a list of such; what is cut short stays text."""
    if isinstance(value, str):
        if value[:1] not in _JSON_STARTS:
            return value
        opened = open_json(value)
        if isinstance(opened, str) and value[:1] != '"':
            notes.append(f"{name}: no JSON, kept as text")
        return opened
    if isinstance(value, list | tuple):
        return [
            _open(name, item, notes) if isinstance(item, str) else item
            for item in islice(value, MOST_MESSAGES + 1)
        ]
    return value


_JSON_STARTS: Final = frozenset({"[", "{", '"'})


def _read_attributes(facts: SpanFacts, _events: Sequence[Event], notes: list[str]) -> Content:
    """Read the present form of OpenTelemetry."""
    content = facts.content
    told: Content = {}
    for key, name in _PRESENT.items():
        if name in content:
            told[key] = _open(name, content[name], notes)
    if isinstance(told.get("output"), Mapping):  # an answer in JSON
        told["output"] = open_messages(content[_PRESENT["output"]])
    return told


def _read_numbered(facts: SpanFacts, _events: Sequence[Event], _notes: list[str]) -> Content:
    """Read OpenInference's and Traceloop's messages in pieces."""
    if not facts.numbered:
        return {}
    flat = read_traceloop(facts.numbered)
    told = read_openinference(facts.numbered)
    return {key: told[key] or flat[key] for key in told}


def _read_vercel(facts: SpanFacts, _events: Sequence[Event], notes: list[str]) -> Content:
    content = facts.content
    told: Content = {}
    for name in ("ai.prompt.messages", "ai.prompt", "ai.values", "ai.value"):
        if name not in content:
            continue
        opened = _open(name, content[name], notes)
        if isinstance(opened, Mapping):
            told["system"] = opened.get("system")
            opened = opened.get("messages", opened.get("prompt"))
        told["input"] = opened
        break
    if "ai.prompt.tools" in content:
        told["tools"] = _open("ai.prompt.tools", content["ai.prompt.tools"], notes)
    parts: list[object] = []
    if content.get("ai.response.reasoning"):
        parts.append({"type": "reasoning", "content": content["ai.response.reasoning"]})
    texts = (content.get(name) for name in ("ai.response.text", "ai.response.object"))
    parts += [{"type": "text", "text": text} for text in texts if text]
    calls = _open("ai.response.toolCalls", content.get("ai.response.toolCalls"), notes)
    if isinstance(calls, list):
        parts += [{**call, "type": "tool-call"} for call in calls if isinstance(call, Mapping)]
    if parts:
        told["output"] = [{"role": "assistant", "content": parts}]
    return told


def _read_whole(facts: SpanFacts, _events: Sequence[Event], _notes: list[str]) -> Content:
    """Read one attribute of all that was asked, and one of what was answered."""
    content = facts.content
    told: Content = {}
    for key, names in _WHOLE.items():
        name = next((name for name in names if content.get(name)), None)
        if name is not None:
            told[key] = open_messages(content[name])
    tools = next(
        (content[name] for name in ("llm.tools", "llm.request.functions") if content.get(name)),
        None,
    )
    if tools is not None:
        told["tools"] = _open("tools", tools, [])
    return told


_WHOLE: Final = {
    "input": ("gen_ai.prompt", "llm.prompts", "inputs", "embedding.text"),
    "output": ("gen_ai.completion", "llm.completions"),
}


def _read_events(facts: SpanFacts, events: Sequence[Event], _notes: list[str]) -> Content:
    """Read messages that came as events, one each."""
    told = read_messages(events) if events else {}
    if not told.get("input") and not told.get("output") and "events" in facts.content:
        return read_listed(facts.content["events"])
    return told


_PARAMETERS: Final = "model_request_parameters"


def _read_request_parameters(facts: SpanFacts, notes: list[str]) -> object:
    """Read the tools of a request as pydantic-ai's own parameters have them."""
    opened = _open(_PARAMETERS, facts.content[_PARAMETERS], notes)
    lists = [opened.get(n) for n in _TOOL_LISTS] if isinstance(opened, Mapping) else []
    return [tool for tools in lists if isinstance(tools, list) for tool in tools]


_TOOL_LISTS: Final = ("function_tools", "output_tools")


def _read_values(facts: SpanFacts) -> Content:
    """Read what OpenInference keeps of a request and its answer as they were, for want of more."""
    content = facts.content
    told: Content = {}
    asked = content.get("input.value")
    if isinstance(asked, str) and asked:
        opened = open_json(asked) if asked[:1] in _JSON_STARTS else asked
        if isinstance(opened, Mapping):
            told |= {name: opened[name] for name in ("system", "tools") if opened.get(name)}
            told["input"] = next((opened[n] for n in _INPUTS if opened.get(n)), asked)
        else:
            told["input"] = opened
    answered = content.get("output.value")
    if isinstance(answered, str) and answered:
        opened = open_json(answered) if answered[:1] == "{" else answered
        told["output"] = answered
        if isinstance(opened, Mapping):
            output = list(read_answer(opened).output)
            told["output"] = output or ([] if _ANSWERS & opened.keys() else answered)
    return told


_ANSWERS: Final = frozenset({"candidates", "choices", "content", "data", "generations", "output"})
"""Names by which an answer is known, though it may be empty."""

_INPUTS: Final = ("messages", "input", "contents", "prompt", "prompts")

_READERS: Final[Sequence[Callable[[SpanFacts, Sequence[Event], list[str]], Content]]] = (
    _read_attributes,
    _read_numbered,
    _read_vercel,
    _read_events,
    _read_whole,
)
"""Where what was asked and answered is looked for, the best first."""

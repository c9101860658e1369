"""The messages of a call that is more than two prompts, read tolerantly from its JSON; pure."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from forge_cli.views.json_text import load_object


@dataclass(frozen=True, slots=True)
class Part:
    """One part of a message."""

    kind: str
    """`text`, `reasoning`, `tool_call`, `tool_call_response` or what else was recorded."""
    title: str
    """What it is, where that is more than text; else empty."""
    text: str


@dataclass(frozen=True, slots=True)
class Message:
    """What somebody said."""

    role: str
    parts: tuple[Part, ...]


@dataclass(frozen=True, slots=True)
class Conversation:
    """The messages of a call."""

    asked: tuple[Message, ...] = ()
    answered: tuple[Message, ...] = ()
    tools: tuple[str, ...] = ()
    """Names of the tools that the model could call."""

    @property
    def calls(self) -> tuple[Part, ...]:
        """The tools that the answer calls."""
        return tuple(p for m in self.answered for p in m.parts if p.kind == "tool_call")


def read_conversation(messages_json: str | None) -> Conversation:
    """Read the messages of a call; what has another shape is left out."""
    document = load_object(messages_json)
    names: dict[str, str] = {}
    return Conversation(
        tuple(_read_messages(document.get("input"), names)),
        tuple(_read_messages(document.get("output"), names)),
        tuple(_list_tools(document.get("tools"))),
    )


def _read_messages(messages: Any, names: dict[str, str]) -> Iterator[Message]:  # noqa: ANN401
    for message in messages if isinstance(messages, list) else ():
        if isinstance(message, dict):
            parts = message.get("parts")
            listed = [part for part in parts if isinstance(part, dict)] if parts else []
            read = tuple(_read_part(part, names) for part in listed)
            yield Message(str(message.get("role") or "unknown"), read)


def _read_part(part: Mapping[str, Any], names: dict[str, str]) -> Part:
    """Read a part; `names` holds those of the tools that were called so far, by the call's id."""
    kind, identity = str(part.get("type") or "unknown"), str(part.get("id"))
    if kind == "tool_call":
        name = names[identity] = str(part.get("name"))
        return Part(kind, f"calls {name}", _to_text(part.get("arguments")))
    if kind == "tool_call_response":
        return Part(kind, f"{names.get(identity, 'a tool')} gave", _to_text(part.get("response")))
    content = part.get("content")
    if isinstance(content, str):
        return Part(kind, "" if kind == "text" else kind, content)
    rest = {key: value for key, value in part.items() if key != "type"}
    return Part(kind, kind, _to_text(rest))


def _to_text(value: object) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, indent=2)


def _list_tools(tools: Any) -> Iterator[str]:  # noqa: ANN401
    for tool in tools if isinstance(tools, list) else ():
        if isinstance(tool, dict):
            inner = tool.get("function")
            named = tool.get("name") or (inner.get("name") if isinstance(inner, dict) else None)
            yield str(named or tool.get("type") or "unknown")

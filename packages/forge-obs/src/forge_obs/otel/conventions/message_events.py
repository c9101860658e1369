"""Messages that are events of a span, one each, as older versions of OpenTelemetry have them. Pure.

They came as events of the span, as log records, and from pydantic-ai as one attribute that lists
them.
"""

from collections.abc import Iterable, Mapping
from typing import Final

from forge_obs.model.conversation.parts import open_json

_ROLES: Final = {
    "gen_ai.system.message": "system",
    "gen_ai.user.message": "user",
    "gen_ai.assistant.message": "assistant",
    "gen_ai.tool.message": "tool",
}

CHOICE: Final = "gen_ai.choice"

MESSAGE_EVENTS: Final = frozenset({*_ROLES, CHOICE})
"""Names of events that are a message."""

_WHOLE: Final = {
    "gen_ai.content.prompt": ("input", "gen_ai.prompt"),
    "gen_ai.content.completion": ("output", "gen_ai.completion"),
}
"""Events that hold all that was asked or answered: what it is, and the attribute that it is in."""

CONTENT_EVENTS: Final = MESSAGE_EVENTS | _WHOLE.keys()
"""Names of events that hold something of what was asked or answered."""

_BODY_NAMES: Final = frozenset({"role", "content", "message", "tool_calls", "id", "index"})
_BODIES: Final = ("gen_ai.event.content", "event.body", "body")


def read_messages(events: Iterable[tuple[str, Mapping[str, object], object]]) -> dict[str, object]:
    """Read what events tell.

    Args:
        events: Name, attributes and body of each, in their order.
    """
    content: dict[str, list[object]] = {"input": [], "output": []}
    for name, attributes, body in events:
        if name in _WHOLE:
            key, attribute = _WHOLE[name]
            whole = open_messages(attributes.get(attribute, body))
            content[key] += whole if isinstance(whole, list) else [whole] * (whole is not None)
            continue
        told = _find_body(attributes, body)
        if name == CHOICE:
            content["output"].append(_read_choice(told))
        elif name in _ROLES:
            content["input"].append(_read_message(told, _ROLES[name]))
    return {key: [m for m in messages if m is not None] for key, messages in content.items()}


def read_listed(value: object) -> dict[str, object]:
    """Read what pydantic-ai listed in one attribute."""
    listed = _open(value)
    events = (
        [item for item in listed if isinstance(item, Mapping)] if isinstance(listed, list) else []
    )
    return read_messages((str(item.get("event.name", "")), {}, item) for item in events)


def open_messages(value: object) -> object:
    """Open messages that are JSON text; any other text is a message, an answer in JSON too."""
    if not isinstance(value, str) or value[:1] not in {"[", "{", '"'}:
        return value
    opened = open_json(value)
    if isinstance(opened, Mapping):
        return value if _WHOSE.isdisjoint(opened) else opened
    if isinstance(opened, list):
        is_told = all(map(_is_message, opened[:100]))
        return opened if is_told and opened else value
    return opened if isinstance(opened, str) else value


def _is_message(item: object) -> bool:
    if isinstance(item, Mapping):
        return not _MESSAGE_NAMES.isdisjoint(item)
    return isinstance(item, str)


_WHOSE: Final = frozenset({"role", "parts", "part_kind"})
_MESSAGE_NAMES: Final = _WHOSE | {"content", "text", "tool_calls"}


def _open(value: object) -> object:
    return open_json(value) if isinstance(value, str) and value[:1] in {"[", "{"} else value


def _find_body(attributes: Mapping[str, object], body: object) -> Mapping[str, object]:
    """Return what an event says: its body, the attribute that stands for that, or all of them."""
    for value in (body, *(attributes.get(name) for name in _BODIES)):
        opened = _open(value)
        if isinstance(opened, Mapping) and not _BODY_NAMES.isdisjoint(opened):
            return opened
        if isinstance(value, str) and value:
            return {"content": value}
    return attributes


def _read_message(told: Mapping[str, object], role: str) -> object:
    """Read a message; one without content tells nothing where contents are not captured."""
    message = {
        name: _open(told[name]) if name == "tool_calls" else told[name]
        for name in ("content", "tool_calls", "name")
        if told.get(name) is not None
    }
    if not message:
        return None
    spoken = told.get("role")
    message["role"] = spoken if isinstance(spoken, str) and spoken else role
    if role == "tool":
        message["tool_call_id"] = told.get("id", told.get("tool_call_id"))
    return message


def _read_choice(told: Mapping[str, object]) -> object:
    """Read an answer, whose message stands within it or in its place."""
    inner = _open(told.get("message"))
    members = inner if isinstance(inner, Mapping) else told
    if isinstance(inner, str):
        members = {"content": inner}
    message = _read_message(members, "assistant")
    finish = told.get("finish_reason")
    if isinstance(message, dict) and isinstance(finish, str):
        message["finish_reason"] = finish
    return message

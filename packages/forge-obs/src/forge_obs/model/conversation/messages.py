"""Messages and tools of a call, whoever's client they were made for. Pure.

See D81.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import takewhile
from typing import Final, TypeGuard

import orjson

from forge_obs.model.conversation.media import Media
from forge_obs.model.conversation.parts import Members, Part, Writer, is_plain_text
from forge_obs.model.conversation.shapes import is_pair, list_messages
from forge_obs.model.foreign import Unfolding, read_members

MOST_VALUES: Final = 50_000
"""How many values the messages of one call may hold."""

LONGEST_TEXT: Final = 4_000_000
"""How long one text of them may be, in characters."""

_ROLES: Final = {
    "model": "assistant",
    "ai": "assistant",
    "human": "user",
    "function": "tool",
    "response": "assistant",
    "request": "user",
}
"""Words of others for the roles of the conventions."""

_PART_ROLES: Final = {
    "system-prompt": "system",
    "tool-return": "tool",
    "function_call_output": "tool",
    "function_call": "assistant",
    "reasoning": "assistant",
    "user-prompt": "user",
}
"""Whose a message is that says so by its type, or by that of its parts."""

_MESSAGE_TYPES: Final = frozenset(
    {"message", "human", "ai", "system", "user", "assistant", "tool", "function"}
)

_INPUTS: Final = ("input", "messages", "contents")
_SYSTEMS: Final = ("system", "instructions", "system_instruction", "systemInstruction")
_SYSTEM_ROLES: Final = frozenset({"system", "developer"})
_ANSWERING_ROLES: Final = _SYSTEM_ROLES | {"assistant"}

Message = dict[str, object]


@dataclass(frozen=True, slots=True)
class Conversation:
    """The messages of one call.

    Attributes:
        document: `input`, `output` and `tools`, as far as they are known; plain JSON.
        notes: What was left out.
    """

    document: dict[str, object]
    notes: tuple[str, ...] = ()

    @property
    def system_prompt(self) -> str:
        """What the system says, as an operator reads it."""
        messages = (m for m in self._messages("input") if m.get("role") in _SYSTEM_ROLES)
        return "\n\n".join(filter(None, map(_join_texts, messages)))

    @property
    def user_prompt(self) -> str:
        """What was asked last: the text after the model's last word, else the last text."""
        asked: list[str] = []
        for message in reversed(self._messages("input")):
            if message.get("role") == "assistant" and any(asked):
                break
            if message.get("role") not in _ANSWERING_ROLES:
                asked.append(_join_texts(message))
        return "\n\n".join(filter(None, reversed(asked)))

    @property
    def response(self) -> str | None:
        """What the model answered; None where no text is known."""
        return "\n\n".join(filter(None, map(_join_texts, self._messages("output")))) or None

    def _messages(self, name: str) -> list[Message]:
        messages = self.document.get(name)
        return messages if isinstance(messages, list) else []


_MEDIA: Final = Media()


def read_conversation(value: object, *, keeps_media: bool = False) -> Conversation:
    """Read messages in the words of OpenAI, Anthropic, Gemini, Bedrock, LangChain or OpenTelemetry.

    Args:
        value: A list of messages, the text of one, or a mapping of them: `input` (or `messages`,
            `contents`), `system` (or `instructions`), `output` and `tools`, such as the keywords of
            a request are.
        keeps_media: Whether the bytes of images and sound are kept, not their hash alone.
    """
    media = Media(is_kept=True) if keeps_media else _MEDIA
    unfolding = Unfolding(MOST_VALUES, LONGEST_TEXT, media.seal, media.seal_url)
    writer = Writer(media, unfolding)
    if isinstance(value, str | bytes):
        value = _open_text(value)
    members = read_members(value)
    if members is None or "role" in members:
        members = {"input": value}
    document: dict[str, object] = {}
    told = [read_message(m, writer, "system") for m in _list(_find(members, _SYSTEMS))]
    asked = _find(members, _INPUTS)
    if told or asked is not None:
        messages = _read_messages(asked, writer, "user")
        document["input"] = [_as_system(message) for message in told] + messages
    if members.get("output") is not None:
        document["output"] = _read_messages(members["output"], writer, "assistant")
    if members.get("tools") is not None:
        tools = takewhile(lambda _: unfolding.take(), _list_tools(members["tools"]))
        document["tools"] = [_read_tool(tool, writer) for tool in tools]
    cut = ("messages: too long, cut",) if unfolding.was_cut else ()
    nothing = () if document else ("messages: not understood",)
    return Conversation(document, cut + nothing)


def _open_text(text: str | bytes) -> object:
    """Parse messages that are given as JSON; any other text is the only message."""
    try:
        value: object = orjson.loads(text)
    except orjson.JSONDecodeError:
        return text
    return value if isinstance(value, list | dict) else text


def _find(members: Members, names: Iterable[str]) -> object:
    for name in names:
        value = members.get(name)
        if value is not None:
            return value
    return None


def _list(value: object) -> list[object]:
    """Take what may be one message, the parts of one, or several, for a list of messages."""
    if value is None:
        return []
    if not isinstance(value, list | tuple):
        return [value]
    value = value[:MOST_VALUES]
    if type(value) is list and value and all(map(is_plain_text, value)):
        return [{"role": "system", "parts": [part]} for part in value]
    parts = [read_members(item) for item in value]
    is_content = any(p is not None and not _is_message(p) for p in parts)
    return [{"content": value}] if is_content else list(value)


def _is_message(members: Members) -> bool:
    return bool({"role", "kind", "content", "parts"} & members.keys()) and "text" not in members


def _as_system(message: Message) -> Message:
    return message | {"role": "system"}


def _read_messages(value: object, writer: Writer, role: str) -> list[Message]:
    if type(value) is list and _are_written(value, writer.unfolding):
        return value
    is_list = isinstance(value, list) or (isinstance(value, tuple) and not is_pair(value))
    items: list[object] = list(value) if is_list else [value] * (value is not None)  # type: ignore[call-overload]
    taken = takewhile(lambda _: writer.unfolding.take(), list_messages(items))
    return [read_message(item, writer, role) for item in taken]


def read_message(value: object, writer: Writer, role: str) -> Message:
    """Read one message.

    Args:
        value: The message.
        writer: Writes its parts.
        role: Whose it is, where it does not say.
    """
    if _is_written(value, writer.unfolding):
        return value
    members = value if type(value) is dict else read_members(value)
    if members is None:
        return {"role": role, "parts": writer.read_parts(value)}
    if _is_own(members):
        return _copy_own(members, writer)
    message: Message = {"role": _read_role(members, role)}
    is_said = "role" in members or str(members.get("type")) in _MESSAGE_TYPES
    if is_said and isinstance(members.get("name"), str) and message["role"] != "tool":
        message["name"] = writer.plain(members["name"])
    message["parts"] = list(_read_parts(members, writer, str(message["role"])))
    finish = members.get("finish_reason", members.get("stop_reason"))
    if finish is not None:
        message["finish_reason"] = writer.plain(finish)
    return message


def _are_written(messages: list[object], unfolding: Unfolding) -> TypeGuard[list[Message]]:
    """Tell whether all messages are text alone, as they would be written here to the letter."""
    left = unfolding.left
    for message in messages:
        unfolding.left -= 1
        if not _is_written(message, unfolding):
            unfolding.left = left
            return False
    return True


def _is_written(value: object, unfolding: Unfolding) -> TypeGuard[Message]:
    """Tell whether a message is text alone, and as it would be written here to the letter."""
    if type(value) is not dict or not _WRITTEN_NAMES.issuperset(value):
        return False
    role, parts, reason = value.get("role"), value.get("parts"), value.get("finish_reason", "")
    if type(role) is not str or role not in _OWN_ROLES or type(parts) is not list:
        return False
    if type(reason) is not str or not reason.isascii() or len(parts) >= unfolding.left:
        return False
    for part in parts:
        if not is_plain_text(part) or not unfolding.is_plain(part["content"]):
            return False
    unfolding.left -= len(parts) + 1
    return True


def _is_own(members: Members) -> bool:
    """Tell whether a message is in the form that is written here, or is one text of a chat's."""
    role = members.get("role")
    if type(role) is not str or role not in _OWN_ROLES:
        return False
    if type(members.get("parts")) is list:
        return _OWN_NAMES.issuperset(members)
    is_text = type(members.get("content")) is str and role != "tool"
    return is_text and _CHAT_NAMES.issuperset(members)


def _copy_own(members: Members, writer: Writer) -> Message:
    role = members["role"]
    message: Message = {"role": role}
    if isinstance(members.get("name"), str) and role != "tool":
        message["name"] = writer.plain(members["name"])
    message["parts"] = writer.read_parts(members.get("parts", members.get("content")) or None)
    if members.get("finish_reason") is not None:
        message["finish_reason"] = writer.plain(members["finish_reason"])
    return message


_OWN_ROLES: Final = frozenset({"system", "user", "assistant", "tool"})
_WRITTEN_NAMES: Final = frozenset({"role", "parts", "finish_reason"})
_OWN_NAMES: Final = frozenset({"role", "parts", "name", "finish_reason"})
_CHAT_NAMES: Final = frozenset({"role", "content", "name", "finish_reason"})


def _read_role(members: Members, role: str) -> str:
    for name in ("role", "kind", "type"):
        word = members.get(name)
        word = getattr(word, "value", word)
        if isinstance(word, str) and word not in {"message", ""}:
            known = _ROLES.get(word) or _PART_ROLES.get(word)
            known = known or _find_speaker(word)
            if known or name == "role" or word in {"system", "user", "assistant", "tool"}:
                return _by_parts(members) or known or word[:100]
    return role


def _find_speaker(kind: str) -> str | None:
    """Return whose an item of OpenAI's responses is: what is called and what it gave."""
    if kind.endswith("_call"):
        return "assistant"
    return "tool" if kind.endswith("_call_output") else None


def _by_parts(members: Members) -> str | None:
    """Return whose a request of pydantic-ai is, which tells only by its parts."""
    parts = members.get("parts")
    if not isinstance(parts, list | tuple) or not parts:
        return None
    kinds = [(read_members(part) or {}).get("part_kind") for part in parts]
    roles = {_PART_ROLES[kind] for kind in kinds if isinstance(kind, str) and kind in _PART_ROLES}
    return roles.pop() if len(roles) == 1 else None


def _is_part(members: Members) -> bool:
    """Tell whether what stands among messages is a part of one, as OpenAI's responses have it."""
    kind = members.get("type")
    named = isinstance(kind, str) and kind not in _MESSAGE_TYPES
    if members.get("text") is not None and members.get("content") is None:
        named = True  # a part of Gemini's, without a message
    return named and not {"role", "kind", "parts"} & members.keys()


def _read_parts(members: Members, writer: Writer, role: str) -> Iterable[Part]:
    if _is_part(members):
        yield from writer.read_parts([members])
        return
    if role == "tool" and "parts" not in members and not _holds_results(members):
        identity = _find(members, ("tool_call_id", "call_id", "id", "name"))
        yield writer.write_result(identity, _find(members, ("content", "output")))
        return
    for name in ("reasoning_content", "reasoning"):
        if isinstance(members.get(name), str) and members[name]:
            yield writer.write_text(members[name], "reasoning")
    content = _find(members, ("parts", "content"))
    if content != "":
        yield from writer.read_parts(content)
    audio = read_members(members.get("audio"))
    if audio is not None:
        yield from writer.read_spoken(audio)
    if members.get("refusal"):
        yield writer.write_text(members["refusal"], "refusal")
    for call in _list_calls(members):
        yield from writer.read_parts(call)


def _holds_results(members: Members) -> bool:
    """Tell whether the results of tools stand in a message as parts of their own."""
    content = members.get("content")
    items = content[:MOST_VALUES] if isinstance(content, list | tuple) else []
    return any(
        "toolResult" in inner or inner.get("type") in {"tool_result", "tool-result"}
        for item in items
        if (inner := read_members(item))
    )


def _list_calls(members: Members) -> list[object]:
    calls = members.get("tool_calls")
    told = members.get("content")
    told = told[:MOST_VALUES] if isinstance(told, list | tuple) else ()
    parts = [read_members(part) for part in told]
    told_ids = {part["id"] for part in parts if part and isinstance(part.get("id"), str)}
    listed = [
        call
        for call in (calls[:MOST_VALUES] if isinstance(calls, list | tuple) else [])
        if not _has_id(call, told_ids)
    ]
    legacy = members.get("function_call")
    has_own = "content" in members or "role" in members
    return listed + ([{"type": "function", "function": legacy}] if legacy and has_own else [])


def _has_id(call: object, ids: set[object]) -> bool:
    identity = (read_members(call) or {}).get("id")
    return isinstance(identity, str) and identity in ids


def _list_tools(value: object) -> list[object]:
    """List the tools of a request; those of Gemini and Bedrock stand in a list within."""
    members = read_members(value)
    tools = members.get("tools", [value]) if members is not None else value
    listed: list[object] = []
    for tool in tools if isinstance(tools, list | tuple) else []:
        inner = read_members(tool) or {}
        declared = _find(inner, ("function_declarations", "functionDeclarations"))
        listed += declared if isinstance(declared, list | tuple) else [tool]
    return listed


def _read_tool(value: object, writer: Writer) -> Part:
    """Read the definition of a tool."""
    members = read_members(value)
    if members is None:
        return {"type": "function", "name": writer.plain(value)}
    inner = read_members(_find(members, ("function", "toolSpec"))) or members
    kind = members.get("type")
    schema = _find(inner, ("parameters", "input_schema", "inputSchema", "parameters_json_schema"))
    nested = read_members(schema)
    if nested is not None and set(nested) == {"json"}:
        schema = nested["json"]
    tool: Part = {"type": kind if isinstance(kind, str) and kind != "custom" else "function"}
    named = {"name": inner.get("name"), "description": inner.get("description")}
    tool |= {name: writer.plain(text) for name, text in named.items() if text is not None}
    return tool | ({"parameters": writer.plain(schema)} if schema is not None else {})


def _join_texts(message: Mapping[str, object]) -> str:
    parts = message.get("parts")
    if not isinstance(parts, list):
        return ""
    if len(parts) == 1:
        return _text_of(parts[0])
    return "\n\n".join(filter(None, map(_text_of, parts)))


def _text_of(part: object) -> str:
    if not isinstance(part, dict):
        return ""
    if part.get("type") in {"text", "refusal"} and isinstance(part.get("content"), str):
        return str(part["content"])
    if part.get("type") == "tool_call_response" and isinstance(part.get("response"), str):
        return str(part["response"])
    return ""

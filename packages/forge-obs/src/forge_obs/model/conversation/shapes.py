"""Messages in shapes of their own, brought into the one that most clients share. Pure.

LangChain takes pairs, writes messages down under `data`, and names chunks of a stream by their
class. One request of pydantic-ai holds what the system, the user and several tools say.

See D81.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Final, TypeGuard

from forge_obs.model.foreign import read_members

_PAIRED: Final = frozenset(
    {"system", "developer", "human", "user", "ai", "assistant", "tool", "function"}
)
_WRITTEN_DOWN: Final = frozenset({"system", "human", "ai", "tool", "function", "chat"})
_CHUNK: Final = "MessageChunk"
_ROLES: Final = {"system-prompt": "system", "tool-return": "tool"}


def list_messages(values: Iterable[object]) -> Iterator[object]:
    """List messages, each in the shape of a chat's, or as it is where that is known."""
    told: set[str] = set()
    for value in values:
        if type(value) is dict and "kind" not in value and "type" not in value:
            yield value
            continue
        pair = {"role": value[0], "content": value[1]} if is_pair(value) else None
        members = value if type(value) is dict else pair or read_members(value)
        if members is None:
            yield value
        elif members.get("kind") == "request" and isinstance(members.get("parts"), list | tuple):
            yield from _split_request(members, told)
        else:
            yield pair or _open_langchain(members) or value


def is_pair(value: object) -> TypeGuard[tuple[str, object]]:
    """Tell whether a message is a role and what is said, as LangChain takes it."""
    if type(value) is not tuple or len(value) != 2:
        return False
    return type(value[0]) is str and value[0] in _PAIRED


def _open_langchain(members: Mapping[str, object]) -> Mapping[str, object] | None:
    kind = members.get("type")
    if not isinstance(kind, str):
        return None
    inner = read_members(members.get("data"))
    if kind in _WRITTEN_DOWN and inner is not None:
        members = {**inner, "type": kind}
    elif kind.endswith(_CHUNK):
        members = {**members, "type": kind.removesuffix(_CHUNK).lower()}
    more = read_members(members.get("additional_kwargs")) or {}
    invalid = members.get("invalid_tool_calls")
    if "additional_kwargs" not in members and not invalid:
        return None
    calls = [*_list(members.get("tool_calls")), *_list(invalid)]
    thought = more.get("reasoning_content")
    return {
        **members,
        "tool_calls": calls,
        **({"reasoning_content": thought} if isinstance(thought, str) else {}),
    }


def _list(value: object) -> list[object]:
    return list(value) if isinstance(value, list | tuple) else []


def _split_request(members: Mapping[str, object], told: set[str]) -> Iterator[Mapping[str, object]]:
    """Give a message for each part; instructions are repeated by every request of a run."""
    instructions = members.get("instructions")
    if isinstance(instructions, str) and instructions and instructions not in told:
        told.add(instructions)
        yield {"role": "system", "content": instructions}
    for part in _list(members["parts"]):
        inner = read_members(part) or {}
        kind = inner.get("part_kind")
        role = _ROLES.get(kind, "user") if isinstance(kind, str) else "user"
        if kind == "retry-prompt" and inner.get("tool_name"):
            role = "tool"
        content = inner.get("content")
        if role == "tool":
            yield {"role": role, "tool_call_id": inner.get("tool_call_id"), "content": content}
        else:
            yield {"role": role, "content": content if "content" in inner else part}

"""The whole answer of a client, or a piece of a stream, read for its text and figures. Pure.

What is looked for is where OpenAI (chat, responses, embeddings), Anthropic, Gemini, Bedrock,
Ollama, LangChain and pydantic-ai put it. What is not found stays unknown.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Final

import orjson

from forge_obs.model.conversation.media import Media
from forge_obs.model.conversation.messages import (
    LONGEST_TEXT,
    MOST_VALUES,
    Conversation,
    Message,
    read_message,
)
from forge_obs.model.conversation.parts import Members, Writer
from forge_obs.model.foreign import DEEPEST, Unfolding, read_members

_USAGES: Final = ("usage", "usage_metadata", "usageMetadata", "token_usage")
_FINISHES: Final = ("finish_reason", "finishReason", "stop_reason", "stopReason", "done_reason")
_MODELS: Final = ("model", "model_version", "modelVersion", "model_name", "model_id")
_CHUNK: Final = "MessageChunk"
_IDS: Final = ("id", "response_id", "responseId", "provider_response_id")


@dataclass(frozen=True, slots=True)
class Answer:
    """What an answer says of itself; None where it does not.

    Attributes:
        text: What the model wrote; where it only called tools, the calls as JSON.
        usage: As reported, of whatever class.
        output: The messages, as they are written in `messages_json`.
    """

    text: str | None = None
    usage: object = None
    model_name: str | None = None
    response_id: str | None = None
    request_id: str | None = None
    finish_reason: str | None = None
    service_tier: str | None = None
    output: tuple[Message, ...] = ()


def read_answer(value: object, *, keeps_media: bool = False, depth: int = 0) -> Answer:
    """Read what a client returned: the object of any SDK, its dictionary, or plain text.

    Args:
        value: The answer.
        keeps_media: Whether the bytes of images and sound are kept, not their hash alone.
        depth: Within how many answers this one was found.
    """
    if isinstance(value, str):
        return Answer(text=value)
    members = read_members(value)
    if members is None:
        return Answer()
    generated = _find_generated(members)
    if generated is not None and depth < DEEPEST:
        answer = read_answer(generated, keeps_media=keeps_media, depth=depth + 1)
        told = read_members(members.get("llm_output")) or {}
        usage = answer.usage or told.get("token_usage") or told.get("usage")
        return replace(answer, usage=usage, model_name=answer.model_name or _name_model(told))
    media = Media(keeps_media)
    writer = Writer(media, Unfolding(MOST_VALUES, LONGEST_TEXT, media.seal, media.seal_url))
    output = tuple(message for message in _read_output(members, writer) if message["parts"])
    finish = _find_text(_list_holders(members), _FINISHES)
    metadata = read_members(members.get("response_metadata")) or {}
    own_usage = members if "prompt_eval_count" in members else None
    return Answer(
        text=_join(output),
        usage=next((members[n] for n in _USAGES if members.get(n) is not None), own_usage),
        model_name=_name_model(members, metadata),
        response_id=_find_id(members, metadata),
        request_id=_find_request_id(value, members),
        finish_reason=finish,
        service_tier=_find_text([members, metadata], ("service_tier", "serviceTier")),
        output=output,
    )


def _find_generated(members: Members) -> object:
    """Find the message in what a model of LangChain returns to its callbacks; None elsewhere."""
    generations = members.get("generations")
    while isinstance(generations, list | tuple):
        generations = generations[0] if generations else None
    generation = read_members(generations) or {}
    return generation.get("message", generation.get("text"))


def _name_model(*holders: Members) -> str | None:
    return _find_text(holders, _MODELS)


def _find_id(members: Members, metadata: Members) -> str | None:
    """Find the provider's id of an answer, which LangChain keeps beside one of its own."""
    own = _find_text([members], _IDS)
    if own is not None and not own.startswith(("run-", "run--", "lc_run-")):
        return own
    return _find_text([metadata], _IDS)


def _find_request_id(value: object, members: Members) -> str | None:
    """Find the id that the provider's support asks for; SDKs keep it in a private attribute."""
    own = value if isinstance(value, dict) else vars(value) if hasattr(value, "__dict__") else {}
    identity = own.get("_request_id")
    metadata = read_members(members.get("ResponseMetadata")) or {}
    request_id = identity or metadata.get("RequestId")
    return request_id if isinstance(request_id, str) else None


def _read_output(members: Members, writer: Writer) -> Iterable[Message]:
    choices = members.get("choices", members.get("candidates"))
    if isinstance(choices, list | tuple):
        for choice in choices:
            yield _read_choice(read_members(choice) or {}, writer)
        return
    images = _list_images(members)
    if images:
        yield {"role": "assistant", "parts": writer.read_parts(images)}
        return
    output = members.get("output")
    if isinstance(output, str):
        yield read_message(output, writer, "assistant")
        return
    if isinstance(output, list | tuple):  # OpenAI responses
        for item in output:
            yield read_message(item, writer, "assistant")
        return
    bedrock = read_members(output) or {}
    inner = bedrock.get("message", members.get("message"))
    if inner is not None and not isinstance(inner, str):
        yield read_message(inner, writer, "assistant")
    elif isinstance(members.get("response"), str):  # Ollama
        yield read_message(members["response"], writer, "assistant")
    elif "content" in members or "parts" in members:
        yield read_message({**members, "role": "assistant"}, writer, "assistant")


def _list_images(members: Members) -> list[object]:
    """List the images that OpenAI's endpoint for them gives."""
    data = members.get("data")
    items = [read_members(item) or {} for item in data] if isinstance(data, list) else []
    return [
        {"type": "image", "base64": item.get("b64_json"), "url": item.get("url")}
        for item in items
        if item.get("b64_json") or (item.get("url") and "revised_prompt" in item)
    ]


def _read_choice(choice: Members, writer: Writer) -> Message:
    content = choice.get("message", choice.get("content", choice.get("text")))
    message = read_message(content, writer, "assistant")
    finish = _find_text([choice], _FINISHES)
    return message | ({"finish_reason": finish} if finish else {})


def _list_holders(members: Members) -> list[Members]:
    """List where a reason to finish may stand."""
    holders = [members]
    for name in ("choices", "candidates"):
        items = members.get(name)
        if isinstance(items, list | tuple):
            holders += [inner for item in items if (inner := read_members(item)) is not None]
    details = read_members(members.get("incomplete_details"))
    if details is not None:
        holders.append({"finish_reason": details.get("reason")})
    metadata = read_members(members.get("response_metadata"))
    return holders if metadata is None else [*holders, metadata]


def _find_text(holders: Iterable[Members], names: Iterable[str]) -> str | None:
    for holder in holders:
        for name in names:
            value = holder.get(name)
            value = getattr(value, "value", value)
            if isinstance(value, str) and value:
                return value[:500]
    return None


def _join(output: tuple[Message, ...]) -> str | None:
    text = Conversation({"output": list(output)}).response
    if text is not None:
        return text
    calls = [
        {"name": part.get("name"), "arguments": part.get("arguments")}
        for message in output
        for part in message["parts"]  # type: ignore[attr-defined]
        if part.get("type") == "tool_call"
    ]
    return orjson.dumps(calls).decode() if calls else None


@dataclass(frozen=True, slots=True)
class Piece:
    """What a piece of a stream brings."""

    text: str = ""
    usage: object = None
    model_name: str | None = None
    response_id: str | None = None
    finish_reason: str | None = None


def read_piece(value: object) -> Piece:
    """Read a piece of a stream: text, or the chunk or event of an SDK."""
    if isinstance(value, str):
        return Piece(value)
    members = read_members(value) or {}
    whole = next(
        (
            inner
            for name in ("message", "response")
            if (inner := read_members(members.get(name))) is not None
        ),
        {},
    )
    holders = [members, *_list_holders(members), whole]
    delta = read_members(members.get("delta"))
    if delta is not None:
        holders.append(delta)
    usages = (
        holder[name]
        for holder in (members, whole)
        for name in _USAGES
        if holder.get(name) is not None
    )
    own = members if "prompt_eval_count" in members else None
    return Piece(
        text=_read_delta(members, delta),
        usage=next(usages, own),
        model_name=_find_text([members, whole], _MODELS),
        response_id=_find_text([whole, members], _IDS),
        finish_reason=_find_text(holders, _FINISHES),
    )


def _read_delta(members: Members, delta: Members | None) -> str:
    if isinstance(members.get("delta"), str):  # an event of OpenAI's responses
        return str(members["delta"]) if members.get("type") == "response.output_text.delta" else ""
    if delta is not None:
        return _text(delta.get("text")) or _text(delta.get("content"))
    texts: list[str] = []
    for name in ("choices", "candidates"):
        items = members.get(name)
        for item in items if isinstance(items, list | tuple) else []:
            choice = read_members(item) or {}
            inner = read_members(choice.get("delta", choice.get("content"))) or choice
            texts.append(_text(inner.get("content")) or _text(inner.get("text")))
            parts = inner.get("parts")
            listed = parts if isinstance(parts, list | tuple) else []
            texts += [_text((read_members(part) or {}).get("text")) for part in listed]
    message = read_members(members.get("message")) or {}
    is_message = str(members.get("type", _CHUNK)).endswith(_CHUNK)
    if not texts and is_message:
        texts.append(_join_blocks(members.get("content")))
        texts.append(_text(message.get("content")) or _text(members.get("response")))
        texts.append(_text(members.get("text")) or _text(members.get("content")))
    return "".join(texts)


def _join_blocks(content: object) -> str:
    """Join the text of a chunk of LangChain that comes in blocks."""
    blocks = content if isinstance(content, list | tuple) else []
    members = (read_members(block) or {} for block in blocks)
    return "".join(_text(block.get("text")) for block in members if block.get("type") == "text")


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""

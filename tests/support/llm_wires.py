"""The wire formats that the loopback model server speaks, as pure functions of values.

Requests are reduced to what a test asks about; replies are rendered as the provider would, whole or
as server-sent events: OpenAI chat completions, OpenAI responses, Anthropic messages.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

Wire: TypeAlias = Literal["chat", "responses", "messages"]
Finish: TypeAlias = Literal["stop", "length", "content_filter"]
Document: TypeAlias = dict[str, Any]

PATHS: Mapping[str, Wire] = {
    "/v1/chat/completions": "chat",
    "/v1/responses": "responses",
    "/v1/messages": "messages",
}


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens of one call; `input_tokens` includes cached ones, whatever the wire does."""

    input_tokens: int = 100
    output_tokens: int = 20
    cache_read_tokens: int = 0
    cache_write_tokens: int = 0
    reasoning_tokens: int = 0


@dataclass(frozen=True, slots=True)
class Content:
    """What a model says: arguments of the tool that was offered, or text."""

    value: str
    """JSON text of the arguments, or the text."""
    is_text: bool = False
    more: tuple[str, ...] = ()
    """JSON texts of the arguments of further calls of the tool."""


@dataclass(frozen=True, slots=True)
class Prompts:
    """What a request asks, and of whom."""

    model: str
    system: str
    user: str
    tool: str | None


def read_prompts(wire: Wire, request: Document) -> Prompts:
    """Reduce a request to its prompts, byte for byte as they stand in it."""
    if wire == "messages":
        system = _read_text(request.get("system"))
        return Prompts(
            request["model"], system, _read_role(request["messages"], "user"), _tool(request)
        )
    messages = request["messages"] if wire == "chat" else request["input"]
    if isinstance(messages, str):
        messages = [{"role": "user", "content": messages}]
    instructions = request.get("instructions") or ""
    system = instructions + _read_role(messages, "system") + _read_role(messages, "developer")
    return Prompts(request["model"], system, _read_role(messages, "user"), _tool(request))


def _read_role(messages: list[Document], role: str) -> str:
    return "".join(_read_text(part["content"]) for part in messages if part.get("role") == role)


def _read_text(content: object) -> str:
    if isinstance(content, list):
        return "".join(block["text"] for block in content)
    return content if isinstance(content, str) else ""


def _tool(request: Document) -> str | None:
    tools = request.get("tools") or []
    if not tools:
        return None
    name: str = tools[0].get("function", tools[0])["name"]
    return name


def received_text(wire: Wire, content: Content) -> str:
    """Tell what a client receives of an answer, as text.

    Anthropic sends arguments as a JSON object; their text is that object in compact JSON.
    """
    if wire == "messages" and not content.is_text:
        return json.dumps(json.loads(content.value), ensure_ascii=False, separators=(",", ":"))
    return content.value


def render_answer(
    wire: Wire, prompts: Prompts, content: Content, finish: Finish, usage: Usage | None
) -> Document:
    """Render a successful reply."""
    if wire == "chat":
        return _render_chat(prompts, content, finish, usage)
    if wire == "responses":
        return _render_responses(prompts, content, finish, usage)
    return _render_messages(prompts, content, finish, usage)


PIECE = 40
"""Characters of one event of a streamed answer."""


def render_stream(wire: Wire, document: Document) -> list[bytes]:
    """Render a successful reply as the events of a stream, the last being its end."""
    if wire == "chat":
        return [*map(_event, _stream_chat(document)), b"data: [DONE]\n\n"]
    events = _stream_responses(document) if wire == "responses" else _stream_messages(document)
    numbered = ({**event, "sequence_number": number} for number, event in enumerate(events))
    return [b"event: %s\n" % event["type"].encode() + _event(event) for event in numbered]


def _event(document: Document) -> bytes:
    return b"data: " + json.dumps(document).encode() + b"\n\n"


def _cut(text: str) -> list[str]:
    return [text[start : start + PIECE] for start in range(0, len(text), PIECE)]


def _stream_chat(document: Document) -> list[Document]:
    [choice] = document["choices"]
    message = choice["message"]
    head = {name: document[name] for name in ("id", "created", "model")}
    head |= {"object": "chat.completion.chunk"}

    def chunk(delta: Document, finish: str | None = None) -> Document:
        return {**head, "choices": [{"index": 0, "delta": delta, "finish_reason": finish}]}

    chunks = [chunk({"role": "assistant", "content": None})]
    chunks += [chunk({"content": piece}) for piece in _cut(message["content"] or "")]
    for number, call in enumerate(message.get("tool_calls", ())):
        function = call["function"]
        begun = {"index": number, "id": call["id"], "type": "function"}
        chunks.append(chunk({"tool_calls": [{**begun, "function": {**function, "arguments": ""}}]}))
        chunks += [
            chunk({"tool_calls": [{"index": number, "function": {"arguments": piece}}]})
            for piece in _cut(function["arguments"])
        ]
    chunks.append(chunk({}, choice["finish_reason"]))
    if document["usage"] is not None:
        chunks.append({**head, "choices": [], "usage": document["usage"]})
    return chunks


def _stream_responses(document: Document) -> list[Document]:
    begun = {**document, "status": "in_progress", "output": [], "usage": None}
    events: list[Document] = [{"type": "response.created", "response": begun}]
    for index, item in enumerate(document["output"]):
        place = {"output_index": index, "item_id": item["id"]}
        is_call = item["type"] == "function_call"
        nothing: Document = {"arguments": ""} if is_call else {"content": []}
        empty = {**item, "status": "in_progress", **nothing}
        events.append({"type": "response.output_item.added", "output_index": index, "item": empty})
        if is_call:
            kind, text = "response.function_call_arguments", item["arguments"]
            done = {"arguments": text, "name": item["name"]}
        else:
            kind, text = "response.output_text", item["content"][0]["text"]
            place |= {"content_index": 0, "logprobs": []}
            done = {"text": text}
        events += [{"type": f"{kind}.delta", **place, "delta": piece} for piece in _cut(text)]
        events.append({"type": f"{kind}.done", **place, **done})
        events.append({"type": "response.output_item.done", "output_index": index, "item": item})
    events.append({"type": f"response.{document['status']}", "response": document})
    return events


def _stream_messages(document: Document) -> list[Document]:
    usage = document["usage"]
    begun = {**document, "content": [], "stop_reason": None, "usage": {**usage, "output_tokens": 1}}
    events: list[Document] = [{"type": "message_start", "message": begun}, {"type": "ping"}]
    for index, block in enumerate(document["content"]):
        is_call = block["type"] == "tool_use"
        text = (
            json.dumps(block["input"], ensure_ascii=False, separators=(",", ":"))
            if is_call
            else block["text"]
        )
        empty = {**block, **({"input": {}} if is_call else {"text": ""})}
        events.append({"type": "content_block_start", "index": index, "content_block": empty})
        kind, name = ("input_json_delta", "partial_json") if is_call else ("text_delta", "text")
        events += [
            {"type": "content_block_delta", "index": index, "delta": {"type": kind, name: piece}}
            for piece in _cut(text)
        ]
        events.append({"type": "content_block_stop", "index": index})
    stop = {"stop_reason": document["stop_reason"], "stop_sequence": None}
    events.append({"type": "message_delta", "delta": stop, "usage": usage})
    events.append({"type": "message_stop"})
    return events


def render_error(wire: Wire, kind: str, message: str) -> Document:
    """Render an error body; `kind` is the provider's own word for it."""
    if wire == "messages":
        return {"type": "error", "error": {"type": kind, "message": message}}
    return {"error": {"message": message, "type": kind, "code": kind, "param": None}}


def _render_chat(
    prompts: Prompts, content: Content, finish: Finish, usage: Usage | None
) -> Document:
    calls = [
        {
            "id": f"call_{number}",
            "type": "function",
            "function": {"name": prompts.tool, "arguments": value},
        }
        for number, value in enumerate((content.value, *content.more), start=1)
    ]
    message: Document = {"role": "assistant", "content": content.value if content.is_text else None}
    if not content.is_text:
        message["tool_calls"] = calls
    stop = "stop" if content.is_text else "tool_calls"
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1,
        "model": answering_model(prompts.model),
        "choices": [
            {"index": 0, "message": message, "finish_reason": stop if finish == "stop" else finish}
        ],
        "usage": None if usage is None else _chat_usage(usage),
    }


def _chat_usage(usage: Usage) -> Document:
    return {
        "prompt_tokens": usage.input_tokens,
        "completion_tokens": usage.output_tokens,
        "total_tokens": usage.input_tokens + usage.output_tokens,
        "prompt_tokens_details": {
            "cached_tokens": usage.cache_read_tokens,
            "cache_write_tokens": usage.cache_write_tokens,
        },
        "completion_tokens_details": {"reasoning_tokens": usage.reasoning_tokens},
    }


def _render_responses(
    prompts: Prompts, content: Content, finish: Finish, usage: Usage | None
) -> Document:
    text = {"type": "output_text", "text": content.value, "annotations": []}
    said = {"type": "message", "id": "msg_1", "role": "assistant", "content": [text]}
    call = {"type": "function_call", "name": prompts.tool}
    calls = [
        {**call, "id": f"fc_{number}", "call_id": f"call_{number}", "arguments": value}
        for number, value in enumerate((content.value, *content.more), start=1)
    ]
    output = [said] if content.is_text else calls
    reason = {"length": "max_output_tokens"}.get(finish, finish)
    return {
        "id": "resp_1",
        "object": "response",
        "created_at": 1,
        "model": answering_model(prompts.model),
        "status": "completed" if finish == "stop" else "incomplete",
        "incomplete_details": None if finish == "stop" else {"reason": reason},
        "output": [{**part, "status": "completed"} for part in output],
        "parallel_tool_calls": True,
        "tool_choice": "auto",
        "tools": [],
        "usage": None if usage is None else _responses_usage(usage),
    }


def _responses_usage(usage: Usage) -> Document:
    return {
        "input_tokens": usage.input_tokens,
        "input_tokens_details": {
            "cached_tokens": usage.cache_read_tokens,
            "cache_write_tokens": usage.cache_write_tokens,
        },
        "output_tokens": usage.output_tokens,
        "output_tokens_details": {"reasoning_tokens": usage.reasoning_tokens},
        "total_tokens": usage.input_tokens + usage.output_tokens,
    }


def _render_messages(
    prompts: Prompts, content: Content, finish: Finish, usage: Usage | None
) -> Document:
    if content.is_text:
        blocks: list[Document] = [{"type": "text", "text": content.value}]
    else:
        arguments = map(json.loads, (content.value, *content.more))
        call = {"type": "tool_use", "name": prompts.tool}
        blocks = [
            {**call, "id": f"toolu_{number}", "input": value}
            for number, value in enumerate(arguments, start=1)
        ]
    stop = "end_turn" if content.is_text else "tool_use"
    reasons = {"stop": stop, "length": "max_tokens", "content_filter": "refusal"}
    return {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": answering_model(prompts.model),
        "content": blocks,
        "stop_reason": reasons[finish],
        "stop_sequence": None,
        "usage": _messages_usage(usage or Usage(0, 0)),
    }


def _messages_usage(usage: Usage) -> Document:
    cached = usage.cache_read_tokens + usage.cache_write_tokens
    return {
        "input_tokens": usage.input_tokens - cached,
        "output_tokens": usage.output_tokens,
        "cache_read_input_tokens": usage.cache_read_tokens,
        "cache_creation_input_tokens": usage.cache_write_tokens,
        "output_tokens_details": {"thinking_tokens": usage.reasoning_tokens},
    }


def answering_model(requested: str) -> str:
    """Name the model that answers: providers tell the dated one."""
    return f"{requested}-20260101"

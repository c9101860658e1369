"""The wire formats of the other providers, as pure functions of values.

Each is rendered whole or as a stream, as the request asks for: Google's Gemini, AWS Bedrock's
Converse with its binary events, Cohere's chat, and chat completions as the many others speak it.
"""

import json
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

Document = dict[str, Any]

INPUT_TOKENS, OUTPUT_TOKENS, REASONING_TOKENS = 100, 20, 7


@dataclass(frozen=True, slots=True)
class Answer:
    """What a model says: arguments of the tool that was offered, and what it thought before."""

    arguments: str
    reasoning: str = ""
    is_cut: bool = False
    """Whether the connection is closed when the first half has been sent."""


@dataclass(frozen=True, slots=True)
class Response:
    """A response's body and its type."""

    body: bytes
    content_type: str = "application/json"


def render(path: str, request: Document, answer: Answer) -> Response:
    """Render an answer as the interface at a path does."""
    response = _render(path, request, answer)
    half = response.body[: len(response.body) // 2]
    return replace(response, body=half) if answer.is_cut else response


def _render(path: str, request: Document, answer: Answer) -> Response:
    if path.endswith((":generateContent", ":streamGenerateContent?alt=sse")):
        return _render_google(request, answer, stream="stream" in path)
    if path.endswith("/converse"):
        return Response(_dump(_build_converse(request, answer)))
    if path.endswith("/converse-stream"):
        body = b"".join(_list_converse_events(request, answer))
        return Response(body, "application/vnd.amazon.eventstream")
    if path.endswith("/v2/chat"):
        return _render_cohere(request, answer)
    return _render_chat(request, answer)


def _dump(document: object) -> bytes:
    return json.dumps(document).encode()


def _send_events(documents: list[Document], end: bytes = b"") -> Response:
    body = b"".join(b"data: %s\n\n" % _dump(document) for document in documents) + end
    return Response(body, "text/event-stream")


def _render_google(request: Document, answer: Answer, *, stream: bool) -> Response:
    name = request["tools"][0]["functionDeclarations"][0]["name"]
    thought = [{"text": answer.reasoning, "thought": True}] if answer.reasoning else []
    call = {"functionCall": {"name": name, "args": json.loads(answer.arguments)}}
    usage = {
        "promptTokenCount": INPUT_TOKENS,
        "candidatesTokenCount": OUTPUT_TOKENS - REASONING_TOKENS,
        "thoughtsTokenCount": REASONING_TOKENS,
        "totalTokenCount": INPUT_TOKENS + OUTPUT_TOKENS,
    }

    def build(parts: list[Document], **more: Any) -> Document:
        candidate = {"content": {"role": "model", "parts": parts}, "index": 0, **more}
        return {
            "candidates": [candidate],
            "modelVersion": "gemini-dated",
            "responseId": "g-1",
            "usageMetadata": usage,
        }

    if not stream:
        return Response(_dump(build([*thought, call], finishReason="STOP")))
    first = [build(thought)] if thought else []
    return _send_events([*first, build([call], finishReason="STOP")])


def _render_chat(request: Document, answer: Answer) -> Response:
    name = request["tools"][0]["function"]["name"]
    function = {"name": name, "arguments": answer.arguments}
    call = {"id": "call_1", "index": 0, "type": "function", "function": function}
    said = {"role": "assistant", "content": None if not request.get("stream") else ""}
    if answer.reasoning:
        said["reasoning"] = answer.reasoning
    usage = {
        "prompt_tokens": INPUT_TOKENS,
        "completion_tokens": OUTPUT_TOKENS,
        "total_tokens": INPUT_TOKENS + OUTPUT_TOKENS,
        "completion_tokens_details": {"reasoning_tokens": REASONING_TOKENS},
    }
    # `provider` and `native_finish_reason` are OpenRouter's.
    base = {
        "id": "chat-1",
        "created": 1,
        "model": f"{request['model']}-dated",
        "provider": "Somebody",
    }
    choice = {"index": 0, "logprobs": None, "native_finish_reason": None}
    if not request.get("stream"):
        whole = {**choice, "message": {**said, "tool_calls": [call]}, "finish_reason": "tool_calls"}
        document = {**base, "object": "chat.completion", "choices": [whole], "usage": usage}
        return Response(_dump(document))
    deltas: list[Document] = [
        {**choice, "delta": said, "finish_reason": None},
        {**choice, "delta": {"tool_calls": [call]}, "finish_reason": None},
        {**choice, "delta": {}, "finish_reason": "tool_calls"},
    ]
    chunk = {**base, "object": "chat.completion.chunk", "system_fingerprint": None}
    chunks = [{**chunk, "choices": [delta]} for delta in deltas]
    chunks[-1] |= {"usage": usage, "x_groq": {"id": "req_1", "usage": usage}}
    return _send_events(chunks, b"data: [DONE]\n\n")


def _build_converse(request: Document, answer: Answer) -> Document:
    name = request["toolConfig"]["tools"][0]["toolSpec"]["name"]
    thought = {"reasoningContent": {"reasoningText": {"text": answer.reasoning, "signature": "s"}}}
    use = {"toolUseId": "tool_1", "name": name, "input": json.loads(answer.arguments)}
    content = [*([thought] if answer.reasoning else []), {"toolUse": use}]
    return {
        "output": {"message": {"role": "assistant", "content": content}},
        "stopReason": "tool_use",
        "usage": _count_converse(),
        "metrics": {"latencyMs": 5},
    }


def _count_converse() -> Document:
    return {
        "inputTokens": INPUT_TOKENS,
        "outputTokens": OUTPUT_TOKENS,
        "totalTokens": INPUT_TOKENS + OUTPUT_TOKENS,
    }


def _list_converse_events(request: Document, answer: Answer) -> Iterator[bytes]:
    name = request["toolConfig"]["tools"][0]["toolSpec"]["name"]
    yield _frame("messageStart", {"role": "assistant"})
    if answer.reasoning:
        thought = {"reasoningContent": {"text": answer.reasoning}}
        yield _frame("contentBlockDelta", {"contentBlockIndex": 0, "delta": thought})
        yield _frame("contentBlockStop", {"contentBlockIndex": 0})
    start = {"toolUse": {"toolUseId": "tool_1", "name": name}}
    yield _frame("contentBlockStart", {"contentBlockIndex": 1, "start": start})
    delta = {"toolUse": {"input": answer.arguments}}
    yield _frame("contentBlockDelta", {"contentBlockIndex": 1, "delta": delta})
    yield _frame("contentBlockStop", {"contentBlockIndex": 1})
    yield _frame("messageStop", {"stopReason": "tool_use"})
    yield _frame("metadata", {"usage": _count_converse(), "metrics": {"latencyMs": 5}})


def _frame(kind: str, payload: Document) -> bytes:
    """Encode an event of AWS's binary streams: lengths, checksums and typed headers around it."""
    headers = b"".join(
        struct.pack(">B", len(name)) + name + b"\x07" + struct.pack(">H", len(value)) + value
        for name, value in (
            (b":event-type", kind.encode()),
            (b":content-type", b"application/json"),
            (b":message-type", b"event"),
        )
    )
    body = _dump(payload)
    prelude = struct.pack(">II", 16 + len(headers) + len(body), len(headers))
    message = prelude + struct.pack(">I", zlib.crc32(prelude)) + headers + body
    return message + struct.pack(">I", zlib.crc32(message))


def _render_cohere(request: Document, answer: Answer) -> Response:
    name = request["tools"][0]["function"]["name"]
    call = {
        "id": "call_1",
        "type": "function",
        "function": {"name": name, "arguments": answer.arguments},
    }
    tokens = {"input_tokens": INPUT_TOKENS, "output_tokens": OUTPUT_TOKENS}
    usage = {"billed_units": tokens, "tokens": tokens}
    if not request.get("stream"):
        message = {"role": "assistant", "tool_calls": [call]}
        return Response(
            _dump({"id": "c", "finish_reason": "TOOL_CALL", "message": message, "usage": usage})
        )
    begun = {**call, "function": {"name": name, "arguments": ""}}
    piece = {"function": {"arguments": answer.arguments}}
    events: list[Document] = [
        {"type": "message-start", "id": "c", "delta": {"message": {"role": "assistant"}}},
        {"type": "tool-call-start", "index": 0, "delta": {"message": {"tool_calls": begun}}},
        {"type": "tool-call-delta", "index": 0, "delta": {"message": {"tool_calls": piece}}},
        {"type": "tool-call-end", "index": 0},
        {"type": "message-end", "delta": {"finish_reason": "TOOL_CALL", "usage": usage}},
    ]
    return _send_events(events)

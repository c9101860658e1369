"""Messages whose pieces are attributes of their own, each with its number. Pure.

OpenInference writes `llm.input_messages.0.message.content`, Traceloop and older versions of
OpenTelemetry `gen_ai.prompt.0.content`. What is given has been put into trees by number.
"""

from collections.abc import Mapping
from typing import Final

from forge_obs.model.conversation.parts import open_json
from forge_obs.otel.conventions.attributes import Tree, list_items

_PARTS: Final = frozenset(
    {"document", "file", "image", "image_url", "input_text", "reasoning", "text", "thinking"}
    | {"tool_call", "tool_result", "tool_use"}
)
"""Types of parts by which text is told to be the JSON of a list of them."""


def read_openinference(numbered: Tree) -> dict[str, object]:
    """Read `llm.input_messages`, `llm.output_messages`, `llm.tools` and what stands for them."""
    content: dict[str, object] = {
        "input": [_read_message(item) for item in list_items(numbered.get("llm.input_messages"))],
        "output": [_read_message(item) for item in list_items(numbered.get("llm.output_messages"))],
        "tools": [_read_tool(item) for item in list_items(numbered.get("llm.tools"))],
    }
    if not content["input"]:
        asked = [_find(item, "prompt", "text") for item in list_items(numbered.get("llm.prompts"))]
        asked += [
            _find(item, "embedding", "text")
            for item in list_items(numbered.get("embedding.embeddings"))
        ]
        content["input"] = [text for text in asked if text is not None]
    if not content["output"]:
        told = [
            _find(item, "completion", "text") for item in list_items(numbered.get("llm.choices"))
        ]
        content["output"] = [text for text in told if text is not None]
    return content


def read_traceloop(numbered: Tree) -> dict[str, object]:
    """Read `gen_ai.prompt`, `gen_ai.completion` and `llm.request.functions`."""
    return {
        "input": [_read_flat(m, "user") for m in list_items(numbered.get("gen_ai.prompt"))],
        "output": [
            _read_flat(m, "assistant") for m in list_items(numbered.get("gen_ai.completion"))
        ],
        "tools": [_read_tool(item) for item in list_items(numbered.get("llm.request.functions"))],
    }


def _find(value: object, *path: str) -> object:
    for name in path:
        value = value.get(name) if isinstance(value, Mapping) else None
    return value


def _read_message(item: object) -> object:
    """Read a message of OpenInference."""
    inner = _find(item, "message")
    if not isinstance(inner, Mapping):
        return item
    contents = [_read_content(part) for part in list_items(inner.get("contents"))]
    message: dict[str, object] = {
        "role": inner.get("role", "user"),
        "content": contents or inner.get("content"),
        "tool_calls": [_find(call, "tool_call") for call in list_items(inner.get("tool_calls"))],
    }
    for name in ("name", "tool_call_id"):
        if inner.get(name) is not None:
            message[name] = inner[name]
    if inner.get("function_call_name") is not None:
        arguments = inner.get("function_call_arguments_json")
        message["function_call"] = {"name": inner["function_call_name"], "arguments": arguments}
    return message


def _read_content(part: object) -> object:
    """Read a part of a message of OpenInference; what has a name of its own comes without it."""
    if not isinstance(part, Mapping):
        return part
    content = part.get("message_content", part)
    content = content if isinstance(content, Mapping) else {}
    kind = content.get("type")
    call = part.get("tool_call", content.get("tool_call"))
    if isinstance(call, Mapping):
        return {**call, "type": "tool_call"}
    for modality in ("image", "audio", "video", "file"):
        media = content.get(modality)
        if isinstance(media, Mapping):
            inner = media.get(modality, media)
            return {**(inner if isinstance(inner, Mapping) else {}), "type": modality}
    return {**content, "type": kind if isinstance(kind, str) else "text"}


def _read_flat(item: object, role: str) -> object:
    """Read a message of Traceloop; content that is no text is JSON there."""
    if not isinstance(item, Mapping):
        return item
    message = {str(name): value for name, value in item.items()}
    message.setdefault("role", role)
    message["content"] = _open_parts(message.get("content", message.get(role)))
    calls = list_items(message.get("tool_calls"))
    message["tool_calls"] = [{**c, "type": "tool_call"} for c in calls if isinstance(c, Mapping)]
    return message


def _open_parts(content: object) -> object:
    if not isinstance(content, str) or not content.startswith("[{"):
        return content
    parts = open_json(content)
    if not isinstance(parts, list):
        return content
    kinds = (part.get("type") if isinstance(part, dict) else None for part in parts)
    return parts if all(isinstance(k, str) and k in _PARTS for k in kinds) else content


def _read_tool(item: object) -> object:
    """Read a tool; its schema is JSON text."""
    tool = _find(item, "tool")
    schema = _find(tool, "json_schema")
    if isinstance(schema, str):
        return open_json(schema)
    inner = tool if isinstance(tool, Mapping) else item
    if not isinstance(inner, Mapping):
        return inner
    parameters = inner.get("parameters", schema)
    opened = open_json(parameters) if isinstance(parameters, str) else parameters
    return {**inner, "parameters": opened}

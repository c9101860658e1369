"""One part of a message, in the words of OpenAI, Anthropic, Gemini or Bedrock. Pure.

A part of the two first has a `type`; one of the others has a key that says what it is. What nobody
here knows is kept as it is, under its own type.
"""

from collections.abc import Callable, Iterator, Mapping
from itertools import takewhile
from typing import Final, TypeAlias, TypeGuard

import orjson

from forge_obs.model.conversation.media import Media, find_modality
from forge_obs.model.foreign import DEEPEST, Unfolding, read_members
from forge_obs.model.sanitize import to_text

Part: TypeAlias = dict[str, object]
Members: TypeAlias = Mapping[str, object]
Reader: TypeAlias = Callable[[Members, "Writer"], Part]


class Writer:
    """Writes the parts of one conversation.

    Args:
        media: How bytes are written down.
        unfolding: Bounds what all of it may take.
    """

    def __init__(self, media: Media, unfolding: Unfolding) -> None:
        self.media = media
        self.unfolding = unfolding
        self._depth = 0

    def plain(self, value: object) -> object:
        """Give a value in what JSON knows."""
        return self.unfolding.unfold(value)

    def read_parts(self, content: object) -> list[Part]:
        """Read the content of a message: text, one part or a list of them."""
        if content is None:
            return []
        if isinstance(content, str):
            return [self.write_text(content)]
        if self._depth > DEEPEST:
            self.unfolding.was_cut = True
            return []
        self._depth += 1
        try:
            if isinstance(content, list | tuple):
                taken = takewhile(lambda _: self.unfolding.take(), content)
                return [part for item in taken for part in self.read_parts(item)]
            return [self._read_part(content)]
        finally:
            self._depth -= 1

    def write_text(self, content: object, kind: str = "text") -> Part:
        """Write a part that is text."""
        plain = self.plain(content)
        return {"type": kind, "content": plain if isinstance(plain, str) else to_text(plain)}

    def write_call(self, identity: object, name: object, arguments: object) -> Part:
        """Write a call of a tool; arguments that are JSON text are opened."""
        if isinstance(arguments, str):
            opened = open_json(arguments)
            arguments = opened if isinstance(opened, dict | list) else arguments
        part = {"type": "tool_call", "id": self.plain(identity), "name": self.plain(name)}
        return part | {"arguments": self.plain(arguments)}

    def write_result(self, identity: object, response: object) -> Part:
        """Write what a tool gave."""
        if isinstance(response, list | tuple):
            parts = self.read_parts(response)
            texts = [part["content"] for part in parts if part.get("type") == "text"]
            response = texts[0] if len(texts) == len(parts) == 1 else parts
        return {
            "type": "tool_call_response",
            "id": self.plain(identity),
            "response": self.plain(response),
        }

    def read_spoken(self, audio: Members) -> Iterator[Part]:
        """Read what a model of OpenAI's said: the text, and the sound or its id."""
        if isinstance(audio.get("transcript"), str):
            yield self.write_text(audio["transcript"])
        if audio.get("data"):
            yield self.media.describe(audio["data"], None, "audio")
        elif audio.get("id"):
            yield _write_file(audio["id"], "audio", self)

    def _read_part(self, value: object) -> Part:
        if is_plain_text(value):
            return self.write_text(value["content"])
        members = value if type(value) is dict else read_members(value)
        if members is None:
            return self.write_text(value)
        kind = members.get("type", members.get("part_kind", members.get("kind")))
        reader = _BY_TYPE.get(kind) if isinstance(kind, str) else None
        if reader is None:
            named = (_BY_KEY[name] for name in _BY_KEY if members.get(name) is not None)
            reader = next(named, _read_other)
        return reader(members, self)


def is_plain_text(part: object) -> TypeGuard[dict[str, str]]:
    """Return whether a part is text in the form that is written here, as most are."""
    if type(part) is not dict or len(part) != 2 or part.get("type") != "text":
        return False
    return type(part.get("content")) is str


def open_json(text: str) -> object:
    """Parse JSON text; text that is none stays text."""
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        return text


def _read_text(part: Members, writer: Writer) -> Part:
    text = part.get("text", part.get("content"))
    members = read_members(text)
    if members is not None:  # as in text: {value: …}
        text = members.get("value")
    # One that says nothing stands where contents are not captured.
    return writer.write_text(text or "", "reasoning" if part.get("thought") else "text")


def _read_refusal(part: Members, writer: Writer) -> Part:
    return writer.write_text(part.get("refusal"), "refusal")


def _read_reasoning(part: Members, writer: Writer) -> Part:
    for name in ("thinking", "content", "summary", "text", "reasoning", "data"):
        content = part.get(name)
        if isinstance(content, list | tuple):
            texts = [inner.get("content") for inner in writer.read_parts(content)]
            content = "\n\n".join(text for text in texts if isinstance(text, str))
        if content:
            return writer.write_text("(redacted)" if name == "data" else content, "reasoning")
    return writer.write_text("", "reasoning")


def _read_image_url(part: Members, writer: Writer) -> Part:
    address = part.get("image_url")
    members = read_members(address)
    if part.get("file_id"):
        return _write_file(part["file_id"], "image", writer)
    return writer.media.read_url(address if members is None else members.get("url"), "image")


def _read_audio(part: Members, writer: Writer) -> Part:
    audio = read_members(part.get("input_audio", part)) or {}
    kind = audio.get("format")
    mime_type = f"audio/{kind}" if isinstance(kind, str) else None
    return _describe(writer, audio.get("data"), mime_type, "audio")


def _read_file(part: Members, writer: Writer) -> Part:
    file = read_members(part.get("file")) or part
    if "file" not in part and _holds_media(part):
        return _read_flat(part, writer)
    if file.get("file_data"):
        data = str(file["file_data"])
        if data.startswith("data:"):
            return writer.media.read_url(data, "document")
        return _describe(writer, data, None, "document")
    if file.get("file_url"):
        return writer.media.read_url(file["file_url"], "document")
    return _write_file(file.get("file_id"), "document", writer)


def _write_file(identity: object, modality: str, writer: Writer) -> Part:
    return {"type": "file", "modality": modality, "file_id": writer.plain(identity)}


def _read_source(part: Members, writer: Writer) -> Part:
    """Read an image or document of Anthropic."""
    if "source" not in part:
        return _read_flat(part, writer)
    modality = str(part.get("type"))
    source = read_members(part.get("source")) or {}
    if source.get("file_id"):
        return _write_file(source["file_id"], modality, writer)
    if source.get("url"):
        return writer.media.read_url(source["url"], modality)
    if source.get("type") == "text":
        return writer.write_text(source.get("data"))
    return _describe(writer, source.get("data"), source.get("media_type"), modality)


def _holds_media(part: Members) -> bool:
    return any(part.get(name) is not None for name in ("base64", "data", "url"))


def _read_flat(part: Members, writer: Writer) -> Part:
    """Read what LangChain and Vercel's AI SDK write of any image, sound, video or document."""
    modality = str(part.get("type", part.get("kind"))).removesuffix("-url")
    modality = "document" if modality == "file" else modality
    names = ("mime_type", "media_type", "mediaType", "mimeType")
    mime_type = next((part[name] for name in names if part.get(name) is not None), None)
    if modality == "document" and isinstance(mime_type, str):
        modality = find_modality(mime_type)
    if part.get("file_id"):
        return _write_file(part["file_id"], modality, writer)
    if part.get("url") is not None:
        return writer.media.read_url(part["url"], modality)
    content = part.get("base64", part.get("data", part.get("image")))
    if isinstance(content, str) and content.startswith(("data:", "http://", "https://")):
        return writer.media.read_url(content, modality)
    return _describe(writer, content, mime_type, "" if modality == "binary" else modality)


def _read_generated(part: Members, writer: Writer) -> Part:
    """Read an image that a tool of OpenAI's made."""
    image = _describe(writer, part["result"], "image/png", "image") if part.get("result") else None
    return _read_other({**part, "result": image}, writer)


def _read_tool_use(part: Members, writer: Writer) -> Part:
    use = read_members(part.get("toolUse")) or part
    identity = use.get("id", use.get("toolUseId"))
    return writer.write_call(identity, use.get("name"), use.get("input"))


def _read_function_call(part: Members, writer: Writer) -> Part:
    """Read a call in the words of OpenAI, Gemini or LangChain."""
    nested = (part.get(name) for name in ("function", "function_call", "functionCall", "custom"))
    call = next((members for member in nested if (members := read_members(member))), part)
    names = ("call_id", "tool_call_id", "toolCallId", "id")
    identity = next((p[n] for p in (part, call) for n in names if p.get(n)), None)
    name = call.get("name", call.get("tool_name", call.get("toolName")))
    given = (call[key] for key in ("arguments", "args", "input") if key in call)
    return writer.write_call(identity, name, next(given, None))


def _read_tool_result(part: Members, writer: Writer) -> Part:
    nested = (part.get(name) for name in ("toolResult", "function_response", "functionResponse"))
    result = next((members for member in nested if (members := read_members(member))), part)
    names = ("tool_use_id", "toolUseId", "call_id", "tool_call_id", "toolCallId", "id", "name")
    identity = next((result[name] for name in names if result.get(name)), None)
    given = next(
        (result[n] for n in ("response", "result", "content", "output") if n in result), None
    )
    typed = read_members(given)
    if typed is not None and typed.keys() == {"type", "value"}:  # as Vercel's AI SDK writes it
        given = typed["value"]
    return writer.write_result(identity, given)


def _read_inline(part: Members, writer: Writer) -> Part:
    """Read bytes inside a message of Gemini."""
    data = read_members(part.get("inline_data", part.get("inlineData"))) or {}
    return _describe(writer, data.get("data"), data.get("mime_type", data.get("mimeType")), "")


def _read_file_data(part: Members, writer: Writer) -> Part:
    data = read_members(part.get("file_data", part.get("fileData"))) or {}
    uri = data.get("file_uri", data.get("fileUri"))
    kind = data.get("mime_type", data.get("mimeType"))
    modality = find_modality(kind if isinstance(kind, str) else None)
    return {"type": "uri", "modality": modality, "uri": writer.plain(uri)}


def _read_bedrock_media(part: Members, writer: Writer) -> Part:
    modality = next(name for name in ("image", "document", "video", "audio") if name in part)
    media = read_members(part[modality]) or {}
    source = read_members(media.get("source")) or {}
    kind = f"{modality}/{media.get('format')}" if modality != "document" else None
    return _describe(writer, source.get("bytes"), kind, modality)


def _read_bedrock_reasoning(part: Members, writer: Writer) -> Part:
    content = read_members(part.get("reasoningContent")) or {}
    text = read_members(content.get("reasoningText")) or {}
    return writer.write_text(text.get("text") or "(redacted)", "reasoning")


def _read_blob(part: Members, writer: Writer) -> Part:
    """Read bytes in the form that is written here, too."""
    if "sha256" in part and "content" not in part:
        return _read_other(part, writer)
    mime_type, modality = part.get("mime_type"), part.get("modality")
    content = part.get("content")
    return _describe(writer, content, mime_type, modality if isinstance(modality, str) else "")


def _read_uri(part: Members, writer: Writer) -> Part:
    """Read an address in the form that is written here, too."""
    uri, modality = part.get("uri"), part.get("modality")
    if isinstance(uri, str) and uri.startswith("data:"):
        return writer.media.read_url(uri, modality if isinstance(modality, str) else "")
    return {str(name): writer.plain(value) for name, value in part.items() if value is not None}


def _read_other(part: Members, writer: Writer) -> Part:
    kind = part.get("type")
    named = {"type": kind if isinstance(kind, str) else next(iter(map(str, part)), "unknown")}
    return named | {
        str(n): writer.plain(v) for n, v in part.items() if n != "type" and v is not None
    }


def _describe(writer: Writer, content: object, mime_type: object, modality: str) -> Part:
    return writer.media.describe(content, mime_type, modality)


_BY_TYPE: Final[Mapping[str, Reader]] = {
    "text": _read_text,
    "input_text": _read_text,
    "output_text": _read_text,
    "summary_text": _read_text,
    "reasoning_text": _read_text,
    "system-prompt": _read_text,
    "user-prompt": _read_text,
    "refusal": _read_refusal,
    "thinking": _read_reasoning,
    "redacted_thinking": _read_reasoning,
    "reasoning": _read_reasoning,
    "image_url": _read_image_url,
    "input_image": _read_image_url,
    "input_audio": _read_audio,
    "audio": _read_flat,
    "video": _read_flat,
    "binary": _read_flat,
    "image-url": _read_flat,
    "audio-url": _read_flat,
    "video-url": _read_flat,
    "document-url": _read_flat,
    "image_generation_call": _read_generated,
    "file": _read_file,
    "input_file": _read_file,
    "image": _read_source,
    "document": _read_source,
    "tool_use": _read_tool_use,
    "server_tool_use": _read_tool_use,
    "mcp_tool_use": _read_tool_use,
    "function": _read_function_call,
    "function_call": _read_function_call,
    "custom": _read_function_call,
    "custom_tool_call": _read_function_call,
    "invalid_tool_call": _read_function_call,
    "tool_call": _read_function_call,
    "tool-call": _read_function_call,
    "tool_result": _read_tool_result,
    "mcp_tool_result": _read_tool_result,
    "function_call_output": _read_tool_result,
    "custom_tool_call_output": _read_tool_result,
    "tool_call_response": _read_tool_result,
    "tool-return": _read_tool_result,
    "tool-result": _read_tool_result,
    "retry-prompt": _read_tool_result,
    "blob": _read_blob,
    "uri": _read_uri,
}
"""Readers by what a part says that it is."""

_BY_KEY: Final[Mapping[str, Reader]] = {
    "text": _read_text,
    "inline_data": _read_inline,
    "inlineData": _read_inline,
    "file_data": _read_file_data,
    "fileData": _read_file_data,
    "function_call": _read_function_call,
    "functionCall": _read_function_call,
    "function_response": _read_tool_result,
    "functionResponse": _read_tool_result,
    "toolUse": _read_tool_use,
    "toolResult": _read_tool_result,
    "reasoningContent": _read_bedrock_reasoning,
    "image": _read_bedrock_media,
    "document": _read_bedrock_media,
    "video": _read_bedrock_media,
    "audio": _read_bedrock_media,
    "function": _read_function_call,
}
"""Readers by the key that says what a part is."""

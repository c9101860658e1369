"""Images, sound and documents of a message: what stands for their bytes. Pure."""

import base64
import binascii
from dataclasses import dataclass
from hashlib import sha256
from typing import Final

MOST_BYTES: Final = 16_000_000
"""How long an image or a sound may be that is kept whole, in bytes."""

MODALITIES: Final = ("image", "audio", "video")
"""Kinds of content by the first word of their media type; anything else is a document."""


@dataclass(frozen=True, slots=True)
class Media:
    """How bytes are written down.

    Attributes:
        is_kept: Whether the bytes themselves are kept, in base64, beside their hash.
    """

    is_kept: bool = False

    def describe(
        self, content: object, mime_type: object = None, modality: str = ""
    ) -> dict[str, object]:
        """Describe bytes, or base64 of them, by hash, media type and size in bytes."""
        raw = _decode(content)
        if raw is None:
            return {"type": "blob", "modality": modality or "document", "error": "not readable"}
        kind = str(mime_type)[:100] if isinstance(mime_type, str) else None
        part: dict[str, object] = {
            "type": "blob",
            "modality": modality or find_modality(kind),
            "mime_type": kind,
            "sha256": sha256(raw).hexdigest(),
            "size_bytes": len(raw),
        }
        if self.is_kept and len(raw) <= MOST_BYTES:
            part["content"] = base64.b64encode(raw).decode()
        return {name: value for name, value in part.items() if value is not None}

    def seal(self, content: bytes) -> object:
        """Describe bytes of which nothing else is known."""
        return self.describe(content)

    def seal_url(self, url: str) -> object:
        """Describe bytes that an address holds."""
        return self.read_url(url, "")

    def read_url(self, url: object, modality: str) -> dict[str, object]:
        """Describe what an address leads to; the bytes inside a data URL are described as such."""
        text = url if isinstance(url, str) else ""
        if not text.startswith("data:"):
            return {"type": "uri", "modality": modality, "uri": text}
        header, _, data = text.removeprefix("data:").partition(",")
        kind = header.partition(";")[0] or None
        content: object = data if ";base64" in header else data.encode("utf-8", "backslashreplace")
        return self.describe(content, kind, modality)


def find_modality(mime_type: str | None) -> str:
    """Return the kind of content that a media type is of."""
    first = (mime_type or "").partition("/")[0]
    return first if first in MODALITIES else "document"


def _decode(content: object) -> bytes | None:
    if isinstance(content, bytes | bytearray | memoryview):
        return bytes(content)
    if not isinstance(content, str):
        return None
    try:
        return base64.b64decode(content, validate=False)
    except (binascii.Error, ValueError):
        return None

"""Many long texts in little space: what they share is kept once, the rest is compressed; pure.

Prompts of one run are mostly the same. A text is cut into chunks at lines that its content chooses,
so that a change in one place leaves the chunks around it as they are, and each distinct chunk is
kept once. Chunks are compressed in frames, which a browser unpacks by itself.
"""

import base64
import gzip
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from zlib import crc32

SMALLEST_CHUNK = 1_024
"""Characters from which a chunk may end."""

LARGEST_CHUNK = 16_384
"""Characters at which it ends at the latest, but for the rest of its last line."""

CUT_MASK = 0x1F
"""A chunk ends at a line whose checksum has these bits clear: one of 32."""

FRAME_CHARACTERS = 1_000_000
"""Characters of chunks after which a frame is full."""

LEVEL = 6

LINE = re.compile(r"[^\n]*\n|[^\n]+")


@dataclass(frozen=True, slots=True)
class PackedTexts:
    """Texts as a page carries them."""

    index: str
    """JSON: `texts` lists the chunks of each text, `frames` the first chunk of each frame."""
    frames: tuple[str, ...]
    """Base64 of gzip of a JSON array of chunks, each."""


@dataclass(slots=True)
class TextArchive:
    """Collects texts; each gets a number."""

    _texts: list[list[int]] = field(default_factory=list)
    _numbers: dict[str, int] = field(default_factory=dict)
    """Numbers of whole texts."""
    _chunks: dict[str, int] = field(default_factory=dict)

    def add(self, text: str) -> int:
        """Take a text in and return its number; the same text has the same number."""
        number = self._numbers.get(text)
        if number is None:
            number = self._numbers[text] = len(self._texts)
            chunks = self._chunks
            self._texts.append([chunks.setdefault(c, len(chunks)) for c in cut_text(text)])
        return number

    def pack(self) -> PackedTexts:
        """Compress what was collected."""
        firsts: list[int] = []
        frames: list[str] = []
        for first, chunks in _fill_frames(list(self._chunks)):
            firsts.append(first)
            document = json.dumps(chunks, ensure_ascii=False).encode()
            frames.append(base64.b64encode(gzip.compress(document, LEVEL, mtime=0)).decode())
        index = json.dumps({"texts": self._texts, "frames": firsts}, separators=(",", ":"))
        return PackedTexts(index, tuple(frames))


def cut_text(text: str) -> Iterator[str]:
    """Cut a text at lines that its content chooses; joined, the chunks are the text."""
    start = 0
    for line in LINE.finditer(text):
        length = line.end() - start
        if length < SMALLEST_CHUNK:
            continue
        if length >= LARGEST_CHUNK or not crc32(line[0].encode()) & CUT_MASK:
            yield text[start : line.end()]
            start = line.end()
    if start < len(text):
        yield text[start:]


def _fill_frames(chunks: list[str]) -> Iterator[tuple[int, list[str]]]:
    first, size = 0, 0
    for number, chunk in enumerate(chunks):
        size += len(chunk)
        if size >= FRAME_CHARACTERS:
            yield first, chunks[first : number + 1]
            first, size = number + 1, 0
    if first < len(chunks):
        yield first, chunks[first:]

"""Writing a file of llama.cpp's model format, GGUF, in its version 3.

Only what a small model needs: metadata, and tensors of 32-bit floats.
"""

import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from array import array

MAGIC, VERSION, ALIGNMENT, FLOATS = b"GGUF", 3, 32, 0
UINT32, INT32, FLOAT32, BOOL, STRING, ARRAY = 4, 5, 6, 7, 8, 9

Value = bool | int | float | str | Sequence[str] | Sequence[int]
"""A value of the metadata."""


@dataclass(frozen=True, slots=True)
class Tensor:
    """A matrix, row by row, or a vector."""

    values: "array[float]"
    columns: int
    rows: int | None = None
    """None for a vector."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Its dimensions, the innermost first."""
        return (self.columns,) if self.rows is None else (self.columns, self.rows)


def write_gguf(path: Path, metadata: Mapping[str, Value], tensors: Mapping[str, Tensor]) -> None:
    """Write a model."""
    head = [struct.pack("<IQQ", VERSION, len(tensors), len(metadata))]
    for key, value in metadata.items():
        head += [_string(key), _value(value)]
    offset, data = 0, bytearray()
    for name, tensor in tensors.items():
        shape = tensor.shape
        head += [
            _string(name),
            struct.pack(f"<I{len(shape)}QIQ", len(shape), *shape, FLOATS, offset),
        ]
        data += _padded(tensor.values.tobytes())
        offset = len(data)
    path.write_bytes(_padded(MAGIC + b"".join(head)) + data)


def _padded(content: bytes) -> bytes:
    return content + bytes(-len(content) % ALIGNMENT)


def _string(text: str) -> bytes:
    content = text.encode()
    return struct.pack("<Q", len(content)) + content


def _value(value: Value) -> bytes:
    if isinstance(value, bool):
        return struct.pack("<I?", BOOL, value)
    if isinstance(value, int):
        return struct.pack("<II", UINT32, value)
    if isinstance(value, float):
        return struct.pack("<If", FLOAT32, value)
    if isinstance(value, str):
        return struct.pack("<I", STRING) + _string(value)
    numbers = [item for item in value if isinstance(item, int)]
    if numbers:
        return struct.pack(f"<IIQ{len(numbers)}i", ARRAY, INT32, len(numbers), *numbers)
    texts = [_string(item) for item in value if isinstance(item, str)]
    return struct.pack("<IIQ", ARRAY, STRING, len(texts)) + b"".join(texts)

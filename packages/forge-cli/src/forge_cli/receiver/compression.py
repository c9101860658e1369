"""Unpacking of bodies, which ends where one grows too large; pure."""

import sys
import zlib
from collections.abc import Callable, Mapping
from typing import Final, Protocol

from forge_cli.receiver.refusal import Code, Refusal, build_malformed, build_too_large

if sys.version_info >= (3, 14):
    from compression.zstd import ZstdDecompressor, ZstdError
else:
    from backports.zstd import ZstdDecompressor, ZstdError

ZLIB: Final = 15
"""`wbits` of zlib's own form, in which HTTP's deflate is to be; some send it bare."""

GZIP: Final = 31

MOST_FRAMES: Final = 100
"""Compressed streams that one body may be made of; senders make one."""


class _Unpacker(Protocol):
    """Unpacks one frame of whatever form."""

    @property
    def eof(self) -> bool:
        """Whether the frame has ended."""

    @property
    def unused_data(self) -> bytes:
        """What came behind the end of the frame."""

    def decompress(self, data: bytes | bytearray, max_length: int, /) -> bytes:
        """Unpack at most so many bytes; raises the library's own errors."""


def _start_deflate(body: bytes | bytearray) -> _Unpacker:
    """Tell zlib's form by its first two bytes, see RFC 1950, section 2.2."""
    head = bytes(body[:2])
    is_zlib = head[:1] != b"" and head[0] & 0x0F == zlib.DEFLATED and not int.from_bytes(head) % 31
    return zlib.decompressobj(ZLIB if is_zlib else -ZLIB)


_FORMS: Final[Mapping[str, Callable[[bytes | bytearray], _Unpacker]]] = {
    "gzip": lambda _body: zlib.decompressobj(GZIP),
    "x-gzip": lambda _body: zlib.decompressobj(GZIP),
    "deflate": _start_deflate,
    "zstd": lambda _body: ZstdDecompressor(),
}


def check_encoding(encoding: str) -> None:
    """Check the name of a form before anything is read.

    Raises:
        Refusal: It is not known.
    """
    if encoding not in _FORMS and encoding not in {"", "identity"}:
        raise Refusal(
            415,
            Code.UNIMPLEMENTED,
            "the Content-Encoding is none of gzip, deflate, zstd and identity",
            {"accept-encoding": "gzip, deflate, zstd, identity"},
        )


def unpack(body: bytes | bytearray, encoding: str, most_bytes: int) -> bytes | bytearray:
    """Unpack a body.

    Args:
        body: As it was sent.
        encoding: What was done to it, a name that `check_encoding` has passed.
        most_bytes: From how many on it is refused; no more are ever unpacked.

    Raises:
        Refusal: It is too large, or is not what it says.
    """
    start = _FORMS.get(encoding)
    if start is None:
        return body
    parts: list[bytes] = []
    left = most_bytes
    while body or not parts:
        if len(parts) == MOST_FRAMES:
            raise build_malformed(f"the body is {encoding} in more than {MOST_FRAMES} streams")
        unpacker = start(body)
        part = _unpack_frame(unpacker, body, encoding, left + 1)
        left -= len(part)
        if left < 0:
            raise build_too_large("when it is unpacked", most_bytes)
        if not unpacker.eof:
            raise build_malformed(f"the body is no {encoding}, or was cut off")
        parts.append(part)
        body = unpacker.unused_data
    return parts[0] if len(parts) == 1 else b"".join(parts)


def _unpack_frame(
    unpacker: _Unpacker, body: bytes | bytearray, encoding: str, most_bytes: int
) -> bytes:
    try:
        return unpacker.decompress(body, most_bytes)
    except (zlib.error, ZstdError, EOFError):
        raise build_malformed(f"the body is no {encoding}, or was damaged") from None

"""Texts of many calls compressed together, with a directory that says where each stands; pure.

A frame is raw UTF-8, row after row, compressed by zstd. Its directory is JSON: the names of the
columns, and for each row its id and the length in bytes of each text, null where there is none. So
`zstd -d` and the directory give everything back without this module. A digest at its end covers the
directory and the checksum that ends the data: lengths that add up may still be those of other rows.
Directories of before have none. See D87.
"""

import json
import math
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from hashlib import blake2b
from itertools import accumulate
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import orjson

if TYPE_CHECKING:
    from types import ModuleType

CODEC: Final = "zstd"

ARCHIVED: Final = (
    *("system_prompt", "user_prompt", "response", "messages_json", "context_manifest_json"),
)
"""Columns of a call that are moved into frames."""

LEVEL: Final = 3
"""Of zstd: level 9 saves an eighth for three times the time.

Long-distance matching takes half as long again and finds nothing more; see D101.
"""

MOST_TEXT_BYTES: Final = 1_000_000_000
"""Size of a frame's text beyond which it is not unpacked: no row of SQLite is longer."""

MOST_DIRECTORY_LENGTH: Final = 4_000_000
"""Characters of a directory beyond which it is not parsed: fifty times what a frame needs."""

_WIDEST_WINDOW: Final = 27
"""Binary logarithm of how far back a repetition is found: 128 MiB."""

_PIECE_BYTES: Final = 1 << 17
"""How much is unpacked at once: what stays in the processor's cache while it is looked through."""

_DIGEST: Final = ',"digest":"'
"""Parts the digest from the directory that it covers."""

_CHECKSUM_BYTES: Final = 4
"""Size of the checksum of what was compressed, with which the data ends."""

Texts: TypeAlias = Sequence[bytes | None]
"""A row's texts in the order of the frame's columns."""


def _load_zstd() -> "ModuleType":
    """Import the library; most programs that record never need it."""
    if sys.version_info >= (3, 14):
        from compression import zstd  # noqa: PLC0415
    else:
        from backports import zstd  # noqa: PLC0415
    return zstd


class BrokenFrame(ValueError):
    """A frame or its directory is not what it should be."""


@dataclass(frozen=True)
class Packed:
    """A frame as the table `archives` keeps it."""

    directory_json: str
    data: bytes = field(repr=False)
    row_count: int
    text_bytes: int

    @property
    def columns(self) -> dict[str, object]:
        """The columns of `archives` that change with it."""
        return {
            "row_count": self.row_count,
            "text_bytes": self.text_bytes,
            "directory_json": self.directory_json,
            "data": self.data,
        }


def pack(rows: Iterable[tuple[int, Texts]], columns: Sequence[str] = ARCHIVED) -> Packed:
    """Compress texts of rows, and unpack them again to see that they are the same.

    Raises:
        BrokenFrame: They are not.
    """
    directory: list[list[int | None]] = []
    parts: list[bytes] = []
    for number, texts in rows:
        directory.append([number, *(None if text is None else len(text) for text in texts)])
        parts += [text for text in texts if text]
    raw = b"".join(parts)
    data = _load_zstd().compress(raw, options=_choose_options(len(raw)))
    at = 0
    for piece in _decompress(data, len(raw)):
        if not raw.startswith(piece, at):
            raise BrokenFrame("what was compressed does not come back")
        at += len(piece)
    text = json.dumps({"columns": list(columns), "rows": directory}, separators=(",", ":"))
    sealed = f'{text[:-1]}{_DIGEST}{_digest(text[:-1], data)}"}}'
    return Packed(sealed, data, len(directory), len(raw))


def _choose_options(size: int) -> Mapping[int, int]:
    parameter = _load_zstd().CompressionParameter
    return {
        parameter.compression_level: LEVEL,
        parameter.checksum_flag: 1,
        parameter.window_log: min(_WIDEST_WINDOW, max(18, math.ceil(math.log2(size + 1)))),
    }


def _decompress(data: bytes, size: int) -> Iterator[bytes]:
    """Unpack a text of a known size, and no more than that, piece by piece.

    Only who reads them all knows that the text is sound: its checksum comes last.
    """
    zstd = _load_zstd()
    options = {zstd.DecompressionParameter.window_log_max: _WIDEST_WINDOW}
    decompressor = zstd.ZstdDecompressor(options=options)
    left = size
    while not decompressor.eof:
        try:
            piece: bytes = decompressor.decompress(data, _PIECE_BYTES)
        except zstd.ZstdError as error:
            raise BrokenFrame("its data cannot be decompressed") from error
        data, left = b"", left - len(piece)
        if left < 0 or not (piece or decompressor.eof):
            break
        yield piece
    if left or not decompressor.eof:
        raise BrokenFrame("its data is longer or shorter than its directory says")


class Frame:
    """A frame that is read; it is unpacked as far as it has to be.

    Args:
        directory_json: As it is stored.
        data: As it is stored.
        codec: How it was compressed.
        most_bytes: Size of the text beyond which it is refused.

    Attributes:
        text_bytes: Size of all texts together, as the directory says.
        is_sealed: Whether a digest vouches for the directory.

    Raises:
        BrokenFrame: The directory is damaged, the codec unknown, or the text too long.
    """

    def __init__(
        self, directory_json: str, data: bytes, codec: str, most_bytes: int = MOST_TEXT_BYTES
    ) -> None:
        if codec != CODEC:
            raise BrokenFrame(f"its codec {codec[:20]!r} is unknown")
        self.directory_json = directory_json
        document = _load(directory_json)
        self.is_sealed = "digest" in document
        if self.is_sealed:
            _check_digest(directory_json, data)
        self.columns, self.rows, self.text_bytes = _read_directory(document)
        if self.text_bytes > most_bytes:
            raise BrokenFrame(f"its text is longer than {most_bytes:,} bytes")
        self._data = data
        self._raw: bytes | None = None
        self._was_read = False

    @cached_property
    def _places(self) -> dict[int, int]:
        return {row[0]: place for place, row in enumerate(self.rows)}

    @cached_property
    def _starts(self) -> list[int]:
        return [0, *accumulate(sum(filter(None, row[1:])) for row in self.rows)]

    def measure(self, number: int) -> int:
        """Return the size of the texts of a row that is in it, as the directory says."""
        place = self._places[number]
        return self._starts[place + 1] - self._starts[place]

    @property
    def raw(self) -> bytes:
        """All texts, one after the other.

        Raises:
            BrokenFrame: They cannot be unpacked.
        """
        if self._raw is None:
            self._raw = b"".join(self._unpack())
        return self._raw

    def __contains__(self, number: object) -> bool:
        """Return whether a row is in it."""
        return number in self._places

    def read(self, number: int, *, alone: bool = True) -> dict[str, bytes | None]:
        """Return the texts of a row by column.

        Args:
            number: Its id.
            alone: Whether no other is likely to be asked for: then the first is unpacked with no
                more than what stands before it.

        Raises:
            BrokenFrame: The row is not in the frame, or cannot be unpacked.
        """
        if number not in self._places:
            raise BrokenFrame(f"row {number} is not in it")
        place = self._places[number]
        at, end = self._starts[place], self._starts[place + 1]
        if self._raw is None and alone and not self._was_read and end < self.text_bytes:
            self._was_read = True
            raw = self._unpack_until(end)
        else:
            raw = self.raw
        texts: dict[str, bytes | None] = {}
        for name, length in zip(self.columns, self.rows[place][1:], strict=True):
            texts[name] = None if length is None else raw[at : at + length]
            at += length or 0
        return texts

    def _unpack(self) -> Iterator[bytes]:
        return _decompress(self._data, self.text_bytes)

    def _unpack_until(self, end: int) -> bytes:
        """Unpack at least so much of the beginning."""
        pieces, length = [], 0
        for piece in self._unpack() if end else ():
            pieces.append(piece)
            length += len(piece)
            if length >= end:
                break
        return b"".join(pieces)

    def repack(self, numbers: Iterable[int]) -> Packed:
        """Compress some of the rows anew."""
        texts = ((number, self.read(number)) for number in numbers)
        rows = ((number, [row[name] for name in self.columns]) for number, row in texts)
        return pack(rows, self.columns)


def may_hold(data: bytes, size: int, text: bytes) -> bool:
    """Return whether bytes stand in a frame somewhere, be it across the end of a text.

    Upper and lower case of ASCII letters are the same. Nothing is kept in memory, and no directory
    is needed for what stands nowhere.

    Args:
        data: The frame as it is stored.
        size: How long its texts are together.
        text: What to look for.

    Raises:
        BrokenFrame: It cannot be unpacked, or is longer or shorter.
    """
    text = text.lower()
    end, is_held = b"", False
    for piece in _decompress(data, size):  # to its end, where it turns out whether it is sound
        if not is_held:
            end += piece.lower()
            is_held = text in end
            end = end[max(0, len(end) - len(text) + 1) :]
    return is_held


def measure_texts(directory_json: str) -> int:
    """Return the size of all texts of a frame together, as its directory says.

    Raises:
        BrokenFrame: The directory is damaged.
    """
    return _read_directory(_load(directory_json))[2]


def _load(text: str) -> dict[str, Any]:
    if len(text) > MOST_DIRECTORY_LENGTH:
        raise BrokenFrame(f"its directory is longer than {MOST_DIRECTORY_LENGTH:,} characters")
    try:
        document = orjson.loads(text)
    except ValueError as error:
        raise BrokenFrame("its directory is damaged") from error
    if not isinstance(document, dict):
        raise BrokenFrame("its directory is damaged")
    return document


def _check_digest(text: str, data: bytes) -> None:
    covered, _, digest = text.rpartition(_DIGEST)
    if digest != f'{_digest(covered, data)}"}}':
        raise BrokenFrame("its directory and its data do not belong together")


def _digest(directory: str, data: bytes) -> str:
    covered = directory.encode("utf-8", "surrogateescape") + data[-_CHECKSUM_BYTES:]
    return blake2b(covered, digest_size=16).hexdigest()


def _read_directory(document: dict[str, Any]) -> tuple[tuple[str, ...], list[list[Any]], int]:
    """Read the columns, the rows, and the size of all texts together."""
    columns, rows = document.get("columns"), document.get("rows")
    if not isinstance(columns, list) or not isinstance(rows, list):
        raise BrokenFrame("its directory is damaged")
    if not columns or not all(isinstance(name, str) for name in columns):
        raise BrokenFrame("its directory names no columns")
    if "digest" not in document and (tuple(columns) != ARCHIVED or len(document) > 2):
        raise BrokenFrame("its directory names other columns than there were")
    if set(map(type, rows)) - {list} or set(map(len, rows)) - {len(columns) + 1}:
        raise BrokenFrame("its directory has a row that is none")
    numbers = [row[0] for row in rows]
    lengths = [n for row in rows for n in row[1:] if n is not None]
    if {type(n) for n in (*numbers, *lengths)} - {int} or min(lengths, default=0) < 0:
        raise BrokenFrame("its directory has a row that is none")
    if len(set(numbers)) < len(numbers) or len(set(columns)) < len(columns):
        raise BrokenFrame("its directory names something twice")
    return tuple(columns), rows, sum(lengths)


def decode(text: bytes | None) -> str | None:
    """Return a text as it is read from a column: bytes that are no UTF-8 become surrogates."""
    return None if text is None else text.decode("utf-8", "surrogateescape")

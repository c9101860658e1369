"""Frames: what goes in comes out, byte by byte, and a damaged or hostile one is refused."""

import json
import zlib
from base64 import b64decode
from collections.abc import Callable
from itertools import product
from typing import Any

import pytest
from forge_obs.model import frames
from forge_obs.model.frames import ARCHIVED, CODEC, BrokenFrame, Frame, Packed, may_hold, pack
from hypothesis import given
from hypothesis import strategies as st

TEXTS = st.lists(
    st.tuples(*[st.none() | st.binary(max_size=60)] * len(ARCHIVED)), min_size=1, max_size=12
)


@given(TEXTS)
def test_every_text_comes_back_as_it_was(texts: list[tuple[bytes | None, ...]]) -> None:
    packed = pack(enumerate(texts, start=5))
    frame = Frame(packed.directory_json, packed.data, CODEC)

    for place, row in enumerate(texts):
        assert tuple(frame.read(5 + place).values()) == row
    assert packed.text_bytes == sum(len(text) for row in texts for text in row if text)


def test_row_in_the_middle_is_read_without_those_behind_it() -> None:
    packed = pack((n, [b"x" * 1000, bytes([n]) * 10, None, None, b""]) for n in range(9))

    frame = Frame(packed.directory_json, packed.data, CODEC)

    assert frame.read(4)["user_prompt"] == b"\x04" * 10
    assert frame._raw is None
    assert frame.read(8)["user_prompt"] == b"\x08" * 10


def test_directory_alone_tells_where_each_text_stands() -> None:
    packed = pack([(7, [b"ab", b"", None, None, b"c"])])

    directory = json.loads(packed.directory_json)
    assert directory == {
        "columns": list(ARCHIVED),
        "rows": [[7, 2, 0, None, None, 1]],
        "digest": directory["digest"],
    }


def test_frame_is_written_anew_without_some_rows() -> None:
    packed = pack((n, [str(n).encode() * n, None, None, None, None]) for n in range(6))

    kept = Frame(packed.directory_json, packed.data, CODEC).repack([5, 2])
    frame = Frame(kept.directory_json, kept.data, CODEC)

    assert (frame.read(2)["system_prompt"], frame.read(5)["system_prompt"]) == (b"22", b"55555")
    assert 3 not in frame
    assert frame.raw == b"5555522"


def unseal(directory_json: str) -> str:
    """Make a directory one of before, without its digest."""
    directory = json.loads(directory_json)
    del directory["digest"]
    return json.dumps(directory, separators=(",", ":"))


def test_directory_of_before_is_read_without_its_digest() -> None:
    packed = pack([(7, [b"ab", b"", None, None, b"c"])])

    frame = Frame(unseal(packed.directory_json), packed.data, CODEC)

    assert not frame.is_sealed
    assert frame.read(7)["context_manifest_json"] == b"c"


RECORDED_DIRECTORY = (
    '{"columns":["system_prompt","user_prompt","response","messages_json","context_manifest_json"]'
    ',"rows":[[7,2,0,null,null,1],[9,90,6,2,null,null]]'
    ',"digest":"5cb49b1e46714c99dc5cdce5d6fe97fe"}'
)
RECORDED_DATA = "KLUv/SRl5QAAqGFiY1lvdSB3cml0ZS5EbyBpdC57fQEAXbR8AW6oL3o="
"""What the first version that sealed a directory has written."""


def test_frame_on_record_stays_readable() -> None:
    frame = Frame(RECORDED_DIRECTORY, b64decode(RECORDED_DATA), CODEC)

    assert frame.is_sealed
    assert frame.read(9)["system_prompt"] == b"You write." * 9
    assert list(frame.read(7).values()) == [b"ab", b"", None, None, b"c"]


ROWS: list[list[Any]] = [
    [1, 4, 0, None, None, 3],
    [2, 5, 1, 2, None, None],
    [3, 4, 0, None, None, 3],
]


def make(change: Callable[[dict[str, Any]], object]) -> str:
    directory = {"columns": list(ARCHIVED), "rows": [list(row) for row in ROWS]}
    change(directory)
    return json.dumps(directory)


@pytest.mark.parametrize(
    "directory",
    [
        "",
        "[]",
        pytest.param("[" * 100_000, id="deep"),
        make(lambda d: d.update(columns=[])),
        make(lambda d: d.update(columns=[1])),
        make(lambda d: d.update(columns=["response"], rows=[[1, 4]])),
        make(lambda d: d["columns"].reverse()),
        make(lambda d: d.update(more=1)),
        make(lambda d: d.update(digest="00")),
        make(lambda d: d["rows"].append([4])),
        make(lambda d: d["rows"].append(ROWS[0])),
        make(lambda d: d["rows"][0].__setitem__(1, -4)),
        make(lambda d: d["rows"][0].__setitem__(0, "1")),
        make(lambda d: d["rows"][0].__setitem__(1, 4.0)),
        make(lambda d: d["rows"][0].__setitem__(1, 10**12)),
    ],
    ids=str,
)
def test_damaged_directory_is_refused(directory: str) -> None:
    with pytest.raises(BrokenFrame):
        Frame(directory, b"", CODEC)


def pack_rows() -> Packed:
    texts = [b"", b"x", b"yy", b"zzz", b"aaaa", b"bbbbb"]
    return pack((n, [None if at is None else texts[at] for at in row]) for n, *row in ROWS)


def test_no_damaged_bit_of_a_directory_goes_unnoticed() -> None:
    packed = pack_rows()
    directory = packed.directory_json.encode()
    for place, bit in product(range(len(directory)), range(8)):
        damaged = bytearray(directory)
        damaged[place] ^= 1 << bit

        with pytest.raises(BrokenFrame):
            Frame(damaged.decode("utf-8", "surrogateescape"), packed.data, CODEC)


DAMAGE: dict[str, Callable[[list[list[Any]]], object]] = {
    "rows in another order": lambda rows: rows.reverse(),
    "numbers swapped": lambda rows: swap(rows, 0),
    "lengths swapped": lambda rows: swap(rows, 1),
    "lengths shifted": lambda rows: rows[0].insert(1, rows[0].pop()),
    "a length moved to the next text": lambda rows: rows[0].__setitem__(slice(1, 3), [3, 1]),
    "a row left out": lambda rows: rows.pop(),
    "a row twice": lambda rows: rows.append(rows[0]),
    "a number of another row": lambda rows: rows[0].__setitem__(0, 99),
}


def swap(rows: list[list[Any]], column: int) -> None:
    rows[0][column], rows[1][column] = rows[1][column], rows[0][column]


@pytest.mark.parametrize("damage", DAMAGE)
def test_directory_whose_lengths_add_up_is_refused_if_it_is_another(damage: str) -> None:
    packed = pack_rows()
    directory = json.loads(packed.directory_json)
    DAMAGE[damage](directory["rows"])

    with pytest.raises(BrokenFrame, match="do not belong together"):
        Frame(json.dumps(directory, separators=(",", ":")), packed.data, CODEC)


def test_directory_of_another_frame_is_refused_where_all_its_lengths_are_the_same() -> None:
    first, second = pack_rows(), pack([(n, [b"x", None, None, None, None]) for n in range(2)])
    other = pack([(n, [b"y", None, None, None, None]) for n in range(2)])

    assert second.directory_json != other.directory_json
    for directory in (first.directory_json, other.directory_json):
        with pytest.raises(BrokenFrame, match="do not belong together"):
            Frame(directory, second.data, CODEC)


@pytest.mark.parametrize("size", [1, 7, 100])
def test_data_of_another_length_than_the_directory_says_is_refused(size: int) -> None:
    packed = pack([(1, [b"12345678", None, None, None, None])])
    directory = unseal(packed.directory_json).replace("8", str(size))

    with pytest.raises(BrokenFrame):
        _ = Frame(directory, packed.data, CODEC).raw


def test_no_more_is_unpacked_than_the_directory_says() -> None:
    bomb = pack([(1, [b"\0" * 20_000_000, None, None, None, None])])
    directory = unseal(bomb.directory_json).replace("20000000", "10")

    with pytest.raises(BrokenFrame, match="longer or shorter"):
        _ = Frame(directory, bomb.data, CODEC).raw
    with pytest.raises(BrokenFrame, match="longer than"):
        Frame(bomb.directory_json, bomb.data, CODEC, most_bytes=1_000_000)


@pytest.mark.parametrize("needle", [b"NEEDLE", b"e", b"x" * 300 + b"needLE"], ids=len)
def test_text_is_found_wherever_it_stands(monkeypatch: pytest.MonkeyPatch, needle: bytes) -> None:
    monkeypatch.setattr(frames, "_PIECE_BYTES", 64)
    for before in (0, 1, *range(300, 500)):
        packed = pack([(1, [b"x" * before + b"Needle \xff\0", None, None, None, b"behind"])])

        assert may_hold(packed.data, packed.text_bytes, needle) == (before >= len(needle) - 6)
        assert not may_hold(packed.data, packed.text_bytes, b"needles")


def test_damage_is_found_by_a_search_that_has_a_hit_before_it() -> None:
    packed = pack([(1, [b"needle" + bytes(range(256)) * 2000, None, None, None, None])])
    for data in (packed.data[:-1] + b"x", packed.data[:-4], packed.data[:60]):
        with pytest.raises(BrokenFrame):
            may_hold(data, packed.text_bytes, b"needle")


def test_no_damaged_bit_changes_a_text() -> None:
    packed = pack([(1, [b"The quick brown fox. " * 9, b"jumps", None, None, bytes(range(99))])])
    sound = Frame(packed.directory_json, packed.data, CODEC).raw
    found = 0
    for place, bit in product(range(len(packed.data)), range(8)):
        data = bytearray(packed.data)
        data[place] ^= 1 << bit
        try:
            assert Frame(packed.directory_json, bytes(data), CODEC).raw == sound
        except BrokenFrame:
            found += 1

    assert found > 0.95 * len(packed.data) * 8


def test_damaged_data_and_unknown_codecs_are_refused() -> None:
    packed = pack([(1, [b"text" * 100, None, None, None, None])])

    with pytest.raises(BrokenFrame):
        _ = Frame(packed.directory_json, packed.data[:-2] + b"xx", CODEC).raw
    with pytest.raises(BrokenFrame):
        _ = Frame(packed.directory_json, zlib.compress(b"text" * 100), CODEC).raw
    with pytest.raises(BrokenFrame, match="codec 'zlib' is unknown"):
        Frame(packed.directory_json, packed.data, "zlib")

"""Unpacking ends at its limit, and tells what is damaged from what is not."""

import gzip
import zlib
from collections.abc import Callable

import pytest
from forge_cli.receiver.compression import MOST_FRAMES, check_encoding, unpack
from forge_cli.receiver.refusal import Refusal
from hypothesis import given
from hypothesis import strategies as st
from support.otlp import compress_zstd


def deflate_bare(data: bytes) -> bytes:
    return zlib.compress(data, wbits=-15)


FORMS: dict[str, list[Callable[[bytes], bytes]]] = {
    "gzip": [gzip.compress],
    "x-gzip": [gzip.compress],
    "deflate": [zlib.compress, deflate_bare],
    "zstd": [compress_zstd],
}
EACH = [(name, compress) for name, all_ in FORMS.items() for compress in all_]


@pytest.mark.parametrize(("name", "compress"), EACH)
@given(data=st.binary(max_size=300))
def test_what_was_packed_comes_out(
    name: str, compress: Callable[[bytes], bytes], data: bytes
) -> None:
    assert unpack(compress(data), name, 300) == data


@pytest.mark.parametrize(("name", "compress"), EACH)
def test_a_limit_is_the_most_that_is_taken(name: str, compress: Callable[[bytes], bytes]) -> None:
    assert unpack(compress(bytes(1000)), name, 1000) == bytes(1000)
    with pytest.raises(Refusal) as refusal:
        unpack(compress(bytes(1001)), name, 1000)

    assert refusal.value.status == 413


@pytest.mark.parametrize("name", ["gzip", "zstd"])
def test_streams_one_after_the_other_are_one_body(name: str) -> None:
    [compress] = FORMS[name]

    assert unpack(compress(b"a") + compress(b"b"), name, 2) == b"ab"
    with pytest.raises(Refusal, match="larger"):
        unpack(compress(b"a") + compress(b"bc"), name, 2)


def test_streams_without_end_are_refused() -> None:
    with pytest.raises(Refusal, match="streams"):
        unpack(gzip.compress(b"") * (MOST_FRAMES + 1), "gzip", 10)


@pytest.mark.parametrize(("name", "compress"), EACH)
def test_what_was_cut_off_is_refused(name: str, compress: Callable[[bytes], bytes]) -> None:
    packed = compress(b"some text that is long enough")

    for length in range(len(packed)):
        with pytest.raises(Refusal) as refusal:
            unpack(packed[:length], name, 100)
        assert refusal.value.status == 400


@pytest.mark.parametrize("name", FORMS)
@given(data=st.binary(max_size=100))
def test_any_bytes_are_unpacked_or_refused(name: str, data: bytes) -> None:
    try:
        assert len(unpack(data, name, 1000)) <= 1000
    except Refusal as refusal:
        assert refusal.status in {400, 413}  # noqa: PT017 - either is well


@pytest.mark.parametrize("name", ["", "identity"])
def test_what_is_not_packed_is_left_alone(name: str) -> None:
    check_encoding(name)

    assert unpack(b"\x1f\x8b", name, 0) == b"\x1f\x8b"


@pytest.mark.parametrize("name", ["br", "gzip, gzip", "compress"])
def test_other_forms_are_refused_by_name(name: str) -> None:
    with pytest.raises(Refusal) as refusal:
        check_encoding(name)

    assert (refusal.value.status, "gzip" in refusal.value.headers["accept-encoding"]) == (415, True)

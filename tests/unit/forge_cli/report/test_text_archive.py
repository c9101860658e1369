"""Texts come out of the archive as they went in, and what they share is kept once."""

import base64
import gzip
import json
import random

from forge_cli.report.text_archive import (
    LARGEST_CHUNK,
    PackedTexts,
    TextArchive,
    cut_text,
)
from hypothesis import given
from hypothesis import strategies as st


def read(packed: PackedTexts, number: int) -> str:
    """Read a text as the page's script does."""
    index = json.loads(packed.index)
    frames = [json.loads(gzip.decompress(base64.b64decode(frame))) for frame in packed.frames]
    chunks = {
        first + place: chunk
        for first, frame in zip(index["frames"], frames, strict=True)
        for place, chunk in enumerate(frame)
    }
    return "".join(chunks[chunk] for chunk in index["texts"][number])


def make_lines(count: int, seed: int) -> list[str]:
    source = random.Random(seed)  # noqa: S311 - no secret
    return [f"{source.getrandbits(200):x}\n" for _ in range(count)]


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"]))))
def test_texts_come_out_as_they_went_in(texts: list[str]) -> None:
    archive = TextArchive()
    numbers = [archive.add(text) for text in texts]

    packed = archive.pack()

    assert [read(packed, number) for number in numbers] == texts


def test_long_texts_of_several_frames_come_out_as_they_went_in() -> None:
    texts = ["".join(make_lines(20_000, seed)) for seed in range(3)]
    archive = TextArchive()
    numbers = [archive.add(text) for text in texts]

    packed = archive.pack()

    assert len(packed.frames) > 2
    assert [read(packed, number) for number in numbers] == texts


def test_text_that_differs_in_one_line_costs_a_chunk_or_two() -> None:
    lines = make_lines(6_000, 1)
    changed = [*lines[:3_000], "one more line\n", *lines[3_000:]]

    common = set(cut_text("".join(lines))) & set(cut_text("".join(changed)))

    assert len(common) >= len(list(cut_text("".join(lines)))) - 2


def test_same_text_has_the_same_number() -> None:
    archive = TextArchive()

    assert archive.add("a text") == archive.add("a text")
    assert archive.add("another") != archive.add("a text")


def test_chunk_is_cut_at_lines_and_is_no_longer_than_one_line_more() -> None:
    text = "".join(f"{number}: {'x' * 60}\n" for number in range(5_000))

    chunks = list(cut_text(text))

    assert "".join(chunks) == text
    assert all(chunk.endswith("\n") for chunk in chunks)
    assert max(map(len, chunks)) < LARGEST_CHUNK + 100

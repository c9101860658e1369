"""Lines keep to a width, and words stay whole."""

import pytest
from forge_cli.render.wrapping import cut, wrap, wrap_prose
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len


@given(st.text(alphabet="ab \u4f60", max_size=80), st.integers(4, 30))
def test_wrapping_loses_no_word_and_keeps_to_the_width(text: str, width: int) -> None:
    lines = wrap(text, width)

    assert " ".join(lines).split() == text.split()
    assert all(cell_len(line) <= width or " " not in line for line in lines)


def test_line_that_fits_stays_as_it_is() -> None:
    assert wrap("a  b", 4) == ["a  b"]
    assert wrap("a  b" * 100, None) == ["a  b" * 100]


def test_prose_keeps_its_short_lines_and_the_indentation_of_long_ones() -> None:
    text = "one\n\n  two\n- " + "word " * 8

    assert wrap_prose(text, 24).split("\n") == [
        "one",
        "",
        "  two",
        "- word word word word",
        "  word word word word",
    ]
    assert wrap_prose(text, None) == text


@pytest.mark.parametrize(
    ("text", "width", "expected"),
    [("abcdef", 6, "abcdef"), ("abcdef", 5, "abcd…"), ("你好吗", 5, "你好…"), ("ab", 1, "…")],
)
def test_cut_line_ends_in_an_ellipsis(text: str, width: int, expected: str) -> None:
    assert cut(text, width) == expected

"""Comparing a text with the one before it: what was written, and what was kept."""

from forge_core.validation.comparison import compare, split_lines
from hypothesis import given
from hypothesis import strategies as st

TEXTS = st.text(alphabet="ab\n\r\f", max_size=40)


@given(TEXTS)
def test_lines_are_the_whole_text(text: str) -> None:
    assert "".join(split_lines(text)) == text


@given(TEXTS, TEXTS)
def test_unchanged_rows_are_lines_that_were_kept(old: str, new: str) -> None:
    comparison = compare(old, new)
    lines = split_lines(new)

    unchanged = [line for row, line in enumerate(lines, 1) if not comparison.touches(row)]
    assert sorted(unchanged) == sorted(comparison.kept.elements())


def test_changed_rows_are_counted_from_one() -> None:
    assert compare("a\nb\nc\n", "a\nB\nB\nc\n").changed == (range(2, 4),)


def test_lines_that_only_went_are_an_empty_range() -> None:
    comparison = compare("a\nb\nc\n", "a\nc\n")

    assert comparison.changed == (range(2, 2),)
    assert dict(comparison.kept) == {"a\n": 1, "c\n": 1}

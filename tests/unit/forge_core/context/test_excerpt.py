"""A file that finds no room is shown by its parts: whole lines, under headings that name them."""

import re

import pytest
from forge_core.context.excerpt import build_excerpt, show_rows

LINES = [
    "import os",
    "import sys",
    "",
    *(f"def function_{number}(value):\n    return value + {number}\n" for number in range(1000)),
]
LINES[500] = "def parse_header(line):\n    return line.split(':')\n"
TEXT = "\n".join(LINES)
ROWS = TEXT.split("\n")

HEADING = re.compile(r"### lines (\d+)–(\d+) of (\d+)\n\n```\n(.*?)\n```", re.DOTALL)  # noqa: RUF001


def find_row(text: str) -> int:
    return next(row for row, line in enumerate(ROWS) if text in line)


def test_words_of_the_task_lead_to_the_parts_that_are_shown() -> None:
    excerpt = build_excerpt(TEXT, "", "Let parse_header accept blanks", 6_000)

    assert excerpt is not None
    assert len(excerpt.text) <= 6_000
    row = find_row("parse_header")
    assert any(first <= row + 1 <= last for first, last in excerpt.ranges)
    assert excerpt.ranges[0][0] == 1
    assert not excerpt.is_whole


def test_ranges_are_those_of_the_headings_and_of_the_lines_below() -> None:
    excerpt = build_excerpt(TEXT, "", "parse_header function_7 function_900", 9_000)

    assert excerpt is not None
    parts = HEADING.findall(excerpt.text)
    assert tuple((int(first), int(last)) for first, last, _, _ in parts) == excerpt.ranges
    for first, last, _, body in parts:
        assert body == "\n".join(ROWS[int(first) - 1 : int(last)])


def test_outline_comes_first_and_takes_a_third_at_most() -> None:
    outline = "\n".join(f"def function_{number}(value): ..." for number in range(1000))

    excerpt = build_excerpt(TEXT, outline, "parse_header", 6_000)

    assert excerpt is not None
    assert excerpt.text.startswith("Declarations (its beginning), without their bodies:")
    assert len(excerpt.text) <= 6_000
    assert len(excerpt.text.partition("### lines")[0]) <= 2_100


@pytest.mark.parametrize("text", ["x" * 50_000, ""], ids=["one long line", "no line"])
def test_nothing_is_shown_of_what_has_no_lines_that_fit(text: str) -> None:
    assert build_excerpt(text, "", "x", 2_000) is None


def test_rows_are_shown_with_what_is_around_them() -> None:
    shown = show_rows(TEXT, [1500], 4_000)

    assert shown is not None
    assert any(first <= 1501 <= last for first, last in shown.ranges)
    assert len(shown.text) <= 4_000


def test_file_with_room_for_it_is_shown_whole() -> None:
    shown = show_rows("one\ntwo\n", [], 100)

    assert shown is not None
    assert (shown.ranges, shown.is_whole) == (((1, 2),), True)
    assert shown.text == "```\none\ntwo\n```"


def test_lines_end_at_newlines_alone() -> None:
    text = "a\x0cb\u2028c\rd\n" * 300

    shown = show_rows(text, [200], 2_000)

    assert shown is not None
    assert "of 300" in shown.text

"""What is shown around a hit."""

from forge_cli.views.excerpt import Excerpt, cut_line, cut_lines
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

TEXT = "one\ntwo\n  three HIT four\nfive\nsix"
START = TEXT.index("HIT")


def test_line_of_the_hit_is_shown_without_its_indentation() -> None:
    assert cut_line(TEXT, START, START + 3, 80) == Excerpt("three ", "HIT", " four")


def test_what_is_cut_off_is_marked_on_either_side() -> None:
    excerpt = cut_line("a" * 900 + "HIT" + "b" * 900, 900, 903, 40)

    assert (excerpt.before[0], excerpt.hit, excerpt.after[-1]) == ("…", "HIT", "…")
    assert len(excerpt.before + excerpt.hit + excerpt.after) == 40


def test_controls_are_escaped() -> None:
    text = "\x1b[31m red \u202e HIT \x07"
    start = text.index("HIT")

    shown = cut_line(text, start, start + 3, 80)

    assert shown == Excerpt("\\x1b[31m red \\u202e ", "HIT", " \\x07")


def test_lines_around_the_hit_are_shown_as_far_as_there_are_some() -> None:
    shown = cut_lines(TEXT, START, START + 3, 1, 80)
    whole = cut_lines(TEXT, START, START + 3, 9, 80)

    assert ["".join([e.before, e.hit, e.after]) for e in shown] == [
        "two",
        "  three HIT four",
        "five",
    ]
    assert [e.before for e in whole][:2] == ["one", "two"]
    assert [e.before for e in whole][3:] == ["five", "six"]


@given(st.text(), st.text(min_size=1), st.text(), st.integers(20, 200))
def test_an_excerpt_is_one_line_and_never_wider_than_asked(
    before: str, hit: str, after: str, width: int
) -> None:
    excerpt = cut_line(before + hit + after, len(before), len(before + hit), width)

    shown = excerpt.before + excerpt.hit + excerpt.after
    assert "\n" not in shown
    assert cell_len(shown) <= width

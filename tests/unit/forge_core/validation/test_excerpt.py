"""An excerpt of a long output has its beginning, its first failure and its end."""

import pytest
from forge_core.validation.excerpt import LENGTH, build_excerpt, find_failure

NOISE = "\n".join(f"note {number}: compiling part {number}" for number in range(2000))


def test_short_output_is_shown_whole() -> None:
    assert build_excerpt(" one failed\n", seek=True) == "one failed"


def test_long_output_keeps_both_ends_and_the_first_failure() -> None:
    output = f"begin\n{NOISE}\nE   assert 1 == 2\n{NOISE}\nlast line"

    excerpt = build_excerpt(output, seek=True)

    assert excerpt.startswith("first failure, line 2002: E   assert 1 == 2\n\nbegin\n")
    assert "\nE   assert 1 == 2\n" in excerpt
    assert excerpt.endswith("last line")
    assert excerpt.count(" characters left out …") == 2
    assert len(excerpt) < LENGTH + 500


def test_failure_in_plain_sight_needs_no_pointer() -> None:
    excerpt = build_excerpt(f"error: the cause\n{NOISE}", seek=True)

    assert excerpt.startswith("error: the cause\n")


@pytest.mark.parametrize(
    ("line", "fails"),
    [
        ("FAILED tests/test_a.py::test_b", True),
        ("src/a.rs:3: error[E0308]: mismatched types", True),
        ("Traceback (most recent call last):", True),
        ("ValueError: bad", True),
        ("not ok 3 - adds", True),
        ("make: *** [all] Error 2", True),
        ("0 errors, 0 warnings", False),
        ("no failures", False),
        ("Errors: 0", False),
        ("collected 3 items", False),
    ],
)
def test_failing_line_is_told_from_others(line: str, fails: bool) -> None:
    assert (find_failure([line]) == 0) is fails

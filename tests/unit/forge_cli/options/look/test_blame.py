"""Lines of a file are named as users and compilers name them."""

import pytest
from forge_cli.options.look.blame import parse_file_lines


@pytest.mark.parametrize(
    ("text", "file", "first", "last"),
    [
        ("a.py", "a.py", None, None),
        ("a.py:12", "a.py", 12, 12),
        ("a.py:12-40", "a.py", 12, 40),
        ("a.py:12:5", "a.py", 12, 12),
        ("tests/test_a.py:12:", "tests/test_a.py", 12, 12),
        ("a.py:12:5:", "a.py", 12, 12),
        ("a:b.py:3", "a:b.py", 3, 3),
        ("a:1", "a:1", None, None),
        ("a:1:2", "a:1", 2, 2),
        ("a.py:x", "a.py:x", None, None),
    ],
)
def test_place_is_read(text: str, file: str, first: int | None, last: int | None) -> None:
    lines = parse_file_lines(text, lambda name: name == "a:1")

    assert (str(lines.file), lines.first, lines.last) == (file, first, last)

"""A line that stands for code which the answer leaves out is noticed; code itself is not."""

import sysconfig
from pathlib import Path

import pytest
from forge_core.edits.omission import find_placeholders, loses_most

PLACEHOLDERS = [
    "# ... rest of the code remains unchanged ...",
    "// ... existing code ...",
    "# existing code",
    "… rest of the code remains unchanged",
    "    # ... (rest of the methods unchanged)",
    "// rest of file unchanged",
    "/* ... */",
    "{/* ... existing JSX ... */}",
    "<!-- rest of the page stays the same -->",
    "# (unchanged)",
    "# ... other methods ...",
    "// … keep existing handlers …",
    "[... rest of file omitted ...]",
    "# remaining methods unchanged",
    "...",
    "    # ...",
    "-- rest of the schema unchanged",
    "rest of the code remains the same",
    "# [rest of the implementation here]",
    "# ... imports ...",
    "# Other existing functions...",
    "# (code omitted for brevity)",
    "# same as before",
    "# Keep the existing code",
    "# ... all other functions remain unchanged ...",
]

CODE = [
    "    ...",
    "def f(self) -> int: ...",
    "class A: ...",
    "x = array[..., 0]",
    "print('...')",
    "# Keep this in step with the rest.",
    "# The existing row wins.",
    "# Same as above, with a timeout.",
    "return rest",
    "other = remaining.code",
    "# omit the header",
    '    """Return the rest of the lines."""',
]

ORIGINAL = "".join(f"value_{number} = {number}\n" for number in range(60))


@pytest.mark.parametrize("line", PLACEHOLDERS)
def test_placeholder_is_found_with_its_row(line: str) -> None:
    assert find_placeholders("a.py", f"x = 1\n{line}\n", ORIGINAL) == [(1, line)]


@pytest.mark.parametrize("line", CODE)
def test_code_and_comments_are_no_placeholders(line: str) -> None:
    assert find_placeholders("a.py", f"x = 1\n{line}\n", ORIGINAL) == []


@pytest.mark.parametrize("line", PLACEHOLDERS)
def test_line_that_the_original_has_stands_for_itself(line: str) -> None:
    assert find_placeholders("a.py", f"x = 1\n{line}\n", f"{line.strip()}\ny = 2\n") == []


def test_dots_alone_are_a_pause_in_prose_and_nothing_in_a_new_file() -> None:
    assert find_placeholders("a.md", "Well\n...\n", "Old\n") == []
    assert find_placeholders("a.py", "# ...\n...\n", None) == []
    assert find_placeholders("a.js", "  ...\n", "old();\n") == [(0, "  ...")]


def test_phrase_in_a_new_file_is_found() -> None:
    assert find_placeholders("a.py", "# ... rest of the code ...\n", None)


def test_sources_of_the_standard_library_hold_next_to_none() -> None:
    paths = sorted(Path(sysconfig.get_path("stdlib")).glob("*.py"))
    texts = [path.read_text(encoding="utf-8", errors="replace") for path in paths]

    findings = sum(len(find_placeholders("a.py", text, "")) for text in texts)

    assert sum(text.count("\n") for text in texts) > 50_000
    assert findings < 30


def test_whole_file_that_is_a_fraction_of_the_old_one_has_lost_most() -> None:
    assert loses_most("x = 1\n" * 29, ORIGINAL)
    assert not loses_most("x = 1\n" * 31, ORIGINAL)


def test_small_file_may_be_written_anew() -> None:
    assert not loses_most("x = 1\n", "y = 1\n" * 19)

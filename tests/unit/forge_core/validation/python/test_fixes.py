"""Fixes are made as far as they undo nothing that stood before."""

import pytest
from forge_core.validation.findings import Finding, TextEdit
from forge_core.validation.python.fixes import apply_fixes


def remove_row(row: int) -> Finding:
    fix = (TextEdit((row, 1), (row + 1, 1), ""),)
    return Finding("m.py", row, 1, "F401", "unused", fix)


def replace(row: int, start: int, end: int, content: str) -> Finding:
    fix = (TextEdit((row, start), (row, end), content),)
    return Finding("m.py", row, start, "F401", "unused", fix)


def test_everything_may_be_fixed_in_a_new_file() -> None:
    assert apply_fixes("import a\nx = 1\n", None, [remove_row(1)]) == "x = 1\n"


def test_line_that_stood_before_stays() -> None:
    text = "import a\nx = 2\n"

    assert apply_fixes(text, "import a\nx = 1\n", [remove_row(1)]) == text


def test_line_that_the_change_wrote_may_go() -> None:
    text = "import a\nimport b\n"

    assert apply_fixes(text, "import a\n", [remove_row(2)]) == "import a\n"


def test_old_name_on_a_changed_line_stays_and_a_new_one_goes() -> None:
    base, text = "from m import a, b\n", "from m import a, b, c\n"

    assert apply_fixes(text, base, [replace(1, 19, 22, "")]) == base
    assert apply_fixes(text, base, [replace(1, 15, 18, "")]) == text


def test_of_fixes_that_touch_the_first_is_made() -> None:
    fixes = [remove_row(1), remove_row(2)]

    assert apply_fixes("import a\nimport b\nx = 1\n", None, fixes) == "import b\nx = 1\n"


def test_nothing_is_fixed_where_names_are_not_known() -> None:
    text = "x = (\nimport b\n"

    assert apply_fixes(text, "x = (\n", [remove_row(2)]) == text


@pytest.mark.parametrize("place", [(0, 1), (9, 1), (1, 0), (1, 99)])
def test_fix_of_a_place_that_does_not_exist_is_not_made(place: tuple[int, int]) -> None:
    fix = (TextEdit(place, place, "x"),)

    assert apply_fixes("a\n", None, [Finding("m.py", 1, 1, "X", "x", fix)]) == "a\n"


def test_byte_order_mark_is_no_column() -> None:
    text = "\ufeffimport a\nx = 1\n"

    assert apply_fixes(text, None, [replace(1, 8, 9, "b")]) == "\ufeffimport b\nx = 1\n"

"""A description names files by path or by a name that only one has."""

import pytest
from forge_core.context.discover import find_mentioned
from hypothesis import given
from hypothesis import strategies as st

PATHS = [
    "README.md",
    "Makefile",
    "shop/__init__.py",
    "shop/money.py",
    "web/__init__.py",
    "a-b/c.d.py",
]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Mend shop/money.py.", ("shop/money.py",)),
        ("Rounding in `money.py` is off", ("shop/money.py",)),
        ("(see README.md), a-b/c.d.py", ("README.md", "a-b/c.d.py")),
        ("Export it from web/__init__.py", ("web/__init__.py",)),
        ("Export it from __init__.py", ()),
        ("Add money.pyx and honey_money.py", ()),
        ("Run Makefile", ("Makefile",)),
        ("", ()),
    ],
)
def test_files_are_found_by_their_names(text: str, found: tuple[str, ...]) -> None:
    assert find_mentioned(text, PATHS) == found


@given(st.text(max_size=100), st.lists(st.text(max_size=20), max_size=10))
def test_any_text_names_known_files_only(text: str, paths: list[str]) -> None:
    assert set(find_mentioned(text, paths)) <= set(paths)

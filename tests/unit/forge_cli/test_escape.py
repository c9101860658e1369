"""What a model wrote cannot tell a terminal anything."""

import unicodedata

import pytest
from forge_cli.escape import escape, escape_line
from hypothesis import given
from hypothesis import strategies as st


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        pytest.param("plain\n\ttext", "plain\n\ttext", id="newline and tab stay"),
        pytest.param("\x1b[2Jgone", "\\x1b[2Jgone", id="clear screen"),
        pytest.param("\x9b31m", "\\x9b31m", id="C1"),
        pytest.param("a\rb", "a\\x0db", id="carriage return"),
        pytest.param("a\u202eb", "a\\u202eb", id="bidi override"),
        pytest.param("a\u200bb", "a\\u200bb", id="zero width"),
        pytest.param("\U000e0041", "\\U000e0041", id="tag"),
        pytest.param("\ud800", "\\ud800", id="lone surrogate"),
        pytest.param("naïve — ☃ 漢字", "naïve — ☃ 漢字", id="readable text stays"),
        pytest.param("a[/b]c :bomb:", "a[/b]c :bomb:", id="markup is no markup"),
    ],
)
def test_what_a_terminal_would_obey_is_shown(text: str, shown: str) -> None:
    assert escape(text) == shown


@given(st.text(alphabet=st.characters(exclude_categories=())))
def test_no_hidden_character_survives(text: str) -> None:
    shown = escape(text)

    hidden = {"Cc", "Cf", "Co", "Cs", "Zl", "Zp"}
    assert not {c for c in shown if unicodedata.category(c) in hidden} - {"\n", "\t"}
    assert "\n" not in escape_line(text)

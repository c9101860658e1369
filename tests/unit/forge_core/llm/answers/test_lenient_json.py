"""JSON as models write it is read as JSON is, and where it is none, only in its one meaning."""

import json
from collections.abc import Callable

import pytest
from forge_core.llm.answers.lenient_json import (
    MAX_DEPTH,
    UNENDED,
    NotJSON,
    RepeatedKey,
    parse_strict,
    parse_value,
)
from hypothesis import given
from hypothesis import strategies as st

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)  # fmt: skip


@given(VALUES, st.booleans(), st.sampled_from([None, 1]))
def test_what_is_json_is_read_as_json(value: object, ascii_only: bool, indent: int | None) -> None:
    text = json.dumps(value, ensure_ascii=ascii_only, indent=indent)

    parsed = parse_value(f"  {text} and more", 0)

    assert parsed.value == json.loads(text)
    assert parsed.end == 2 + len(text)
    assert parsed.slips == ()


@given(VALUES)
def test_what_python_prints_of_a_value_is_that_value_or_refused(value: object) -> None:
    """Python escapes some characters as JSON does not; such a text is no guess's business."""
    try:
        parsed = parse_value(repr(value))
    except NotJSON:
        return

    assert parsed.value == value


@pytest.mark.parametrize(
    ("text", "value", "slips"),
    [
        ('{"a": 1,}', {"a": 1}, ("a trailing comma",)),
        ("[1, 2, ]", [1, 2], ("a trailing comma",)),
        ("{'a': 'it\\'s \"so\"'}", {"a": 'it\'s "so"'}, ("strings in single quotes",)),
        ("{a: 1, $b_2: 2}", {"a": 1, "$b_2": 2}, ("a key without quotes",)),
        ("[True, False, None]", [True, False, None], ("Python's words",)),
        ('{"a": 1, // one\n /* two */ "b": 2}', {"a": 1, "b": 2}, ("a comment",)),
        ('{"a": "x\ny\tz\x01"}', {"a": "x\ny\tz\x01"}, ()),
        ('{"a": "// no comment, }"}', {"a": "// no comment, }"}, ()),
    ],
)
def test_slips_with_one_meaning_are_forgiven(
    text: str, value: object, slips: tuple[str, ...]
) -> None:
    parsed = parse_value(text)

    assert (parsed.value, parsed.slips) == (value, slips)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ('{"a": "x', UNENDED),
        ('{"a": [1', UNENDED),
        ('{"a": "say "hi""}', "a quote is not escaped"),
        ("{'a': 'it's'}", "a quote is not escaped"),
        ('{"a": "\\d"}', "a backslash in a string"),
        ("{'a': '\\x41'}", "a backslash in a string"),
        ('{"a": ...}', "a value is missing"),
        ('{"a": NaN}', "a value is missing"),
        ('{"a" 1}', "a colon is missing"),
        ('{"a": 1 "b": 2}', "a comma or } is missing"),
        ("[1,,2]", "a value is missing"),
        ('{"a": 1 /* }', "a comment does not end"),
        ("[" * (MAX_DEPTH + 1), "inside one another"),
        ("[" + "1" * 5000 + "]", "a number is too long"),
    ],
)
def test_what_would_have_to_be_guessed_is_refused(text: str, why: str) -> None:
    with pytest.raises(NotJSON, match=why.replace("}", r"\}")):
        parse_value(text)


@pytest.mark.parametrize("parse", [parse_strict, lambda text: parse_value(text).value])
def test_key_with_two_values_is_refused_and_one_said_twice_alike_is_not(
    parse: Callable[[str], object],
) -> None:
    with pytest.raises(RepeatedKey, match="`a` stands twice in one object"):
        parse('{"a": 1, "a": 2}')

    assert parse('{"a": [1], "a": [1]}') == {"a": [1]}


@pytest.mark.parametrize("text", ["[" * 100_000, "1" * 5000, "[NaN]", "{", ""])
def test_strict_reading_refuses_with_its_own_error(text: str) -> None:
    with pytest.raises(NotJSON):
        parse_strict(text)

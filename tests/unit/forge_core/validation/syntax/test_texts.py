"""Parsers say what is wrong for certain, and nothing of what others may read."""

import json
import sys

import pytest
from forge_core.validation.syntax.json_text import find_json_fault, find_json_with_comments_fault
from forge_core.validation.syntax.python_text import find_python_fault
from forge_core.validation.syntax.toml_text import find_toml_fault
from forge_core.validation.syntax.yaml_text import MAX_CHARS, find_yaml_fault
from hypothesis import given
from hypothesis import strategies as st

OURS = sys.version_info[:2]

BOMB = "a: &a [x, x]\n" + "".join(f"k{i}: &k{i} [*a, *k{i - 1}]\n" for i in range(1, 60))
MERGES = "a: &a {x: 1}\n" + "".join(f"k{i}: &k{i}\n  <<: [*a, *a]\n" for i in range(60))


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="nothing"),
        pytest.param("a: 1\n---\nb: 2\n...\n", id="documents"),
        pytest.param(
            "a: !Ref b\nc: !vault |\n  d\n- !!python/object:os.system {}\n"[:24], id="tags"
        ),
        pytest.param("run: ${{ github.sha }}\n", id="expression"),
        pytest.param(BOMB, id="bomb of aliases"),
        pytest.param(MERGES, id="bomb of merges"),
        pytest.param("a:\tb\n", id="tab between"),
        pytest.param("a: 1\n\t\nb: 2\n", id="tab on an empty line"),
        pytest.param("a: {\n\tb: 1\n}\n", id="tab in braces"),
        pytest.param("a: 1\na: 2\n", id="key twice"),
        pytest.param("[" * 5000, id="deep"),
        pytest.param("- " * 5000, id="deep list"),
        pytest.param("a: \x07\n", id="control character"),
        pytest.param("%YAML 2.0\n---\na: 1\n", id="another version"),
        pytest.param("\ufeffa: 1\n", id="byte order mark"),
        pytest.param("a: [" + "x" * MAX_CHARS, id="long"),
    ],
)
def test_yaml_that_some_parser_reads_is_left_alone(text: str) -> None:
    assert find_yaml_fault(text) is None


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("a: b: c\n", "mapping values are not allowed in this context (line 1, column 5)"),
        ("a:\n\tb: 1\n", "found character that cannot start any token (line 2, column 1)"),
        ("a: 'x\n", "found unexpected end of stream (line 2, column 1)"),
        ("a:\n  - b\n c: d\n", "did not find expected key (line 3, column 2)"),
    ],
)
def test_fault_of_yaml_is_told_with_its_place(text: str, fault: str) -> None:
    assert find_yaml_fault(text) == fault


@given(st.text())
def test_any_text_is_yaml_or_told_why_not(text: str) -> None:
    assert find_yaml_fault(text) != ""


@given(
    st.recursive(
        st.none() | st.booleans() | st.text(max_size=9),
        lambda inner: (
            st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner, max_size=3)
        ),
        max_leaves=9,
    )
)
def test_json_is_json_with_comments_as_well(value: object) -> None:
    text = json.dumps(value, indent=2)

    assert find_json_fault(text) is None
    assert find_json_with_comments_fault(text) is None
    assert find_json_with_comments_fault(text.replace("\n", " // x\n") + "/* y */") is None


@pytest.mark.parametrize(
    "text",
    ['{"a": "/*", "b": "*/",}', '["a,]", "//"]', "[1, // ]\n2 /*,*/ , /* ] */ ]", "", "// only\n"],
)
def test_comments_and_quotes_are_told_apart(text: str) -> None:
    fault = find_json_with_comments_fault(text)

    assert fault is None or not text.replace("// only\n", "").strip()


def test_faults_of_json_name_the_place_in_the_file() -> None:
    fault = find_json_with_comments_fault('{\n  "a": 1, // x\n  "b" 2\n}')

    assert fault == "Expecting ':' delimiter: line 3 column 7 (char 23)"


@pytest.mark.parametrize("text", ["a = 1\n", 'a = {\n  b = "\\e",\n}\n', "a = 1979-05-27 07:32\n"])
def test_toml_of_both_versions_is_toml(text: str) -> None:
    assert find_toml_fault(text) is None


def test_fault_of_toml_is_told_with_its_place() -> None:
    assert find_toml_fault("a = [1,\nb = 2\n") == "Invalid value (at line 2, column 1)"


@pytest.mark.parametrize(
    ("text", "oldest", "is_fault"),
    [
        pytest.param("x = 1\n", OURS, False, id="sound"),
        pytest.param("def f(:\n", OURS, True, id="broken"),
        pytest.param("def f(:\n", (3, OURS[1] + 1), False, id="newer than ours"),
        pytest.param("print 'x'\n", (2, 7), False, id="Python 2"),
        pytest.param("match x:\n    case 1: pass\n", (3, 9), True, id="newer than the project"),
        pytest.param("match x:\n    case 1: pass\n", (3, 10), False, id="as new"),
        pytest.param("x = '\\d'\n", OURS, False, id="warning"),
        pytest.param("x = '\0'\n", OURS, True, id="null"),
    ],
)
def test_python_is_judged_where_ours_knows_its_grammar(
    text: str, oldest: tuple[int, int], *, is_fault: bool
) -> None:
    fault = find_python_fault(text, oldest)

    assert (fault is not None) is is_fault or "\0" in text

"""What a search finds in a call's texts."""

import pytest
from forge_obs import PLACES, Match, TextSearch

CALL = {
    "system_prompt": "You write Python.",
    "user_prompt": "Fix the Parser.\nThen 100% of its tests.",
    "response": None,
    "error": "HTTP 429",
}


def test_case_of_ascii_letters_is_ignored() -> None:
    [match] = TextSearch("pARSER").find(CALL)

    assert match == Match("prompts", "user_prompt", 8, 14)


def test_case_of_other_letters_counts() -> None:
    assert list(TextSearch("ärger").find({"response": "ÄRGER"})) == []
    assert len(list(TextSearch("äRGER").find({"response": "ärger"}))) == 1


def test_first_match_of_each_column_is_given() -> None:
    assert [match.column for match in TextSearch("t").find(CALL)] == [
        "system_prompt",
        "user_prompt",
        "error",
    ]


def test_only_the_places_that_are_named_are_searched() -> None:
    assert list(TextSearch("429", places=["prompts", "answers"]).find(CALL)) == []
    assert TextSearch("429", places=["errors"]).columns["error"] == "errors"
    assert set(TextSearch("x").columns.values()) == set(PLACES)


def test_expression_finds_line_ends_and_respects_case() -> None:
    assert [m.start for m in TextSearch(r"parser\.$", is_regex=True).find(CALL)] == []
    assert [m.start for m in TextSearch(r"Parser\.$", is_regex=True).find(CALL)] == [8]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("parser", ("%parser%", None)),
        ("100%", (r"%100\%%", "\\")),
        ("a_b\\", (r"%a\_b\\%", "\\")),
        ("x" * 20_000, None),
    ],
    ids=["plain", "percent", "underscore", "too-long"],
)
def test_sql_looks_for_the_text_itself(text: str, expected: tuple[str, str | None] | None) -> None:
    assert TextSearch(text).like == expected


def test_sql_cannot_look_for_an_expression() -> None:
    assert TextSearch("a.b", is_regex=True).like is None
    assert TextSearch("a.b", is_regex=True).utf8 is None


@pytest.mark.parametrize("text", ["\udcff", "a\ud800"], ids=ascii)
def test_what_is_no_utf8_is_looked_for_as_it_is_read(text: str) -> None:
    search = TextSearch(text)

    assert (search.like, search.utf8) == (None, None)
    assert len(list(search.find({"response": f"before {text}"}))) == 1

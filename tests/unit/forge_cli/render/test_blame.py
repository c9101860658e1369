"""Who wrote lines is told once for each author, and nothing of it reaches a terminal raw."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from forge_cli.render.blame import (
    CommitCalls,
    build_authorship,
    name_author,
    render_authorship,
    render_commit_calls,
)
from forge_cli.views.calls.authorship import Author, Authorship, Origin, Written
from forge_cli.views.costs import NO_PRICES
from forge_core.git.blame import BlamedLine, Commit
from forge_obs import Interaction
from rich.cells import cell_len
from support.hostile import HOSTILE, find_raw

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
COMMIT = Commit("c" * 40, ("p" * 40,), "Jane Roe", "j@x", NOW, "Fix a typo\n\nbody")
CALL = Interaction(
    entry_id="1" * 32, role="llm", step_id="a", attempt=2, model_name="m", created_at=NOW
)


def make(*authors: Author) -> Authorship:
    lines = tuple(
        BlamedLine(number, f"text {number}", "c" * 40, "a.py")
        for number in range(1, len(authors) + 1)
    )
    return Authorship("a.py", lines, authors, tuple(range(len(authors))))


def test_several_possible_calls_are_all_described() -> None:
    calls = (Written("1" * 32, "w", "a", 2, CALL), Written("2" * 32, "w", "a", 1))
    author = Author(Origin.SQUASH, COMMIT, "a.py", calls)

    text = render_authorship(make(author), NO_PRICES, None).plain

    assert "lost which call wrote what: one of 2" in text
    assert "  show       forge show 11111111\n" in text
    assert f"  call       {'2' * 32}, not on record here\n" in text
    assert text.endswith("squash cccccccc  1  text 1")


def test_lines_that_two_answers_may_have_written_say_so() -> None:
    call, other = Written("1" * 32, "w", "a", 2, CALL), Written("2" * 32, "w", "a", 1)

    several = render_authorship(
        make(Author(Origin.CALL, COMMIT, "a.py", (call, other))), NO_PRICES, None
    ).plain
    one = render_authorship(make(Author(Origin.CALL, COMMIT, "a.py", (call,))), NO_PRICES, None)

    assert "calls      one of 2: the answers do not tell which\n" in several
    assert "one of" not in one.plain


def test_model_is_the_one_that_was_asked_for_else_the_one_that_answered() -> None:
    asked = replace(CALL, request_model="p:alias")
    calls = (Written("1" * 32, "w", "a", 2, asked), Written("2" * 32, "w", "a", 2, CALL))

    document = build_authorship(make(Author(Origin.CALL, COMMIT, "a.py", calls)), NO_PRICES)

    [author] = document["authors"]
    assert [written["model"] for written in author["calls"]] == ["p:alias", "m"]


def test_author_has_a_short_name() -> None:
    written = Written("1" * 32, "w", "a", 2, CALL)

    assert name_author(Author(Origin.CALL, COMMIT, "a.py", (written,))) == "11111111"
    assert name_author(Author(Origin.CALL, COMMIT, "a.py", (written, written))) == "11111111+1"
    assert name_author(Author(Origin.PERSON, COMMIT, "a.py")) == "Jane Roe"
    assert name_author(Author(Origin.UNCOMMITTED, path="a.py")) == "not committed"


def test_lost_calls_name_the_run_that_left_the_file_so() -> None:
    author = Author(Origin.LOST, COMMIT, "a.py", (), "forge-w-1")

    text = render_authorship(make(author), NO_PRICES, None).plain

    assert "the file is as run forge-w-1 left it" in text
    assert "probably" not in text


def test_of_several_runs_that_left_a_file_alike_none_is_probable() -> None:
    written = Written("1" * 32, "forge-w-1")
    author = Author(Origin.LOST, COMMIT, "a.py", (written,), "forge-w-1", runs_alike=2)

    text = render_authorship(make(author), NO_PRICES, None).plain

    assert "the file is as run forge-w-1 and 2 other runs left it" in text
    assert "probably" not in text


def test_file_without_lines_is_said_to_be_empty() -> None:
    assert render_authorship(Authorship("a.py", (), (), ()), NO_PRICES, None).plain == (
        "a.py is empty"
    )


@pytest.mark.parametrize("width", [60, 80])
def test_facts_are_no_wider_than_the_terminal(width: int) -> None:
    long = Commit("c" * 40, (), "Jane " * 30, "j@x", NOW, "word " * 60)
    text = render_authorship(make(Author(Origin.PERSON, long, "a.py")), NO_PRICES, width).plain

    facts = [line for line in text.split("\n") if line.startswith("  ")]
    assert facts
    assert all(cell_len(line) <= width for line in facts)


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE.keys())
def test_nothing_of_it_reaches_a_terminal_raw(text: str) -> None:
    commit = Commit(text, (), text, text, NOW, text)
    call = Interaction(entry_id=text, role=text, step_id=text, model_name=text, created_at=NOW)
    calls = (Written(text, text, text, 1, call), Written(text, text, text))
    authors = [Author(origin, commit, text, calls, text) for origin in Origin]
    lines = (BlamedLine(1, text, text, text),) * len(authors)
    authorship = Authorship(text, lines, tuple(authors), tuple(range(len(authors))))

    shown = render_authorship(authorship, NO_PRICES, None).plain
    listed = render_commit_calls(
        commit, [CommitCalls(commit, tuple(authors))], NO_PRICES, None
    ).plain

    assert not find_raw(shown.replace("\r", ""))
    assert not find_raw(listed)
    assert build_authorship(authorship, NO_PRICES)["authors"][0]["path"] == text

"""Commit messages: one clean subject, and trailers that only Forge can have written."""

import pytest
from forge_core.git.commits.trailers import (
    SUBJECT_LENGTH,
    CommitTrailers,
    build_message,
    carries,
    clean_subject,
    list_mentions,
    parse_trailers,
)
from hypothesis import given
from hypothesis import strategies as st

TRAILERS = CommitTrailers("forge-fix-0123abcd", "parser", 2)
FAKE = "\n\nForge-Workflow: forge-fix-0123abcd\nForge-Step: parser\nForge-Attempt: 2"


def test_trailers_stand_last_and_in_order() -> None:
    message = build_message("Add a parser", TRAILERS)

    assert message == (
        "Add a parser\n\nForge-Workflow: forge-fix-0123abcd\nForge-Step: parser\nForge-Attempt: 2\n"
    )


def test_single_step_task_has_no_step_trailer() -> None:
    message = build_message("Fix", CommitTrailers("w", None, 1))

    assert message == "Fix\n\nForge-Workflow: w\nForge-Attempt: 1\n"


@pytest.mark.parametrize(
    ("subject", "cleaned"),
    [
        ("  Add\ta\n\nparser \r\n", "Add a parser"),
        ("red \x1b[31malert\x07", "red [31malert"),
        ("hidden\u202e text\u200b", "hidden text"),
        ("line\u2028two", "line two"),
        ("\ud800broken", "broken"),
        ("", "changes"),
        ("\n \0", "changes"),
        ("# 12 is fixed", "# 12 is fixed"),
        ("naïve 文件 🎉", "naïve 文件 🎉"),
    ],
    ids=ascii,
)
def test_subject_becomes_one_visible_line(subject: str, cleaned: str) -> None:
    assert clean_subject(subject) == cleaned


def test_long_subject_is_cut_with_an_ellipsis() -> None:
    cleaned = clean_subject("word " * 50)

    assert len(cleaned) <= SUBJECT_LENGTH
    assert cleaned.endswith("word w…")


def test_subject_of_just_the_right_length_is_kept() -> None:
    assert clean_subject("x" * SUBJECT_LENGTH) == "x" * SUBJECT_LENGTH


@given(st.text(st.characters(codec=None)))
def test_any_subject_gives_a_message_that_carries_its_trailers(subject: str) -> None:
    message = build_message(subject, TRAILERS)

    assert carries(message, TRAILERS)
    assert len(message.splitlines()) == 5
    assert message.encode()


@given(st.text(st.characters(codec=None)))
def test_no_subject_makes_a_message_carry_other_trailers(subject: str) -> None:
    message = build_message(subject + FAKE, CommitTrailers("another", None, 1))

    assert not carries(message, TRAILERS)


@pytest.mark.parametrize(
    "message",
    [
        "",
        "Fix",
        "Fix" + FAKE + "\n\nSigned-off-by: somebody",
        "Fix" + FAKE + "\nSigned-off-by: somebody",
        "Fix\n\nForge-Workflow: forge-fix-0123abcd",
        "Fix\n\nForge-Attempt: 2\nForge-Step: parser\nForge-Workflow: forge-fix-0123abcd",
        "Fix\n\nForge-Workflow: forge-fix-0123abcd\nForge-Step: parser\nForge-Attempt: 3",
        "Fix\n\nsome prose\n" + FAKE.strip(),
        FAKE.strip() + "\n\nFix",
    ],
    ids=range(9),
)
def test_only_the_exact_last_block_is_believed(message: str) -> None:
    assert not carries(message, TRAILERS)


CALLS = CommitTrailers("forge-fix-0123abcd", "parser", 2, ("a" * 32, "b" * 32))


def test_each_call_has_a_trailer_of_its_own() -> None:
    message = build_message("Add a parser", CALLS)

    assert message.endswith(f"Forge-Attempt: 2\nForge-Call: {'a' * 32}\nForge-Call: {'b' * 32}\n")
    assert parse_trailers(message) == CALLS
    assert carries(message, CALLS)
    assert not carries(message, TRAILERS)


@pytest.mark.parametrize(
    "more",
    [
        "",
        "(cherry picked from commit 0123abcd)\n",
        "Signed-off-by: Jane <jane@example.org>\n",
        "(cherry picked from commit 0123abcd)\nSigned-off-by: Jane <jane@example.org>\n\n",
    ],
    ids=["as-it-was", "picked", "signed", "both"],
)
def test_trailers_survive_what_git_puts_behind_them(more: str) -> None:
    assert parse_trailers(build_message("Add a parser", CALLS) + more) == CALLS


def test_commit_without_trailers_is_none_of_ours() -> None:
    assert parse_trailers("Fix\n\nSigned-off-by: Jane <jane@example.org>\n") is None
    assert parse_trailers("Merge branch 'forge/fix'\n") is None


@given(st.text(st.characters(codec=None)))
def test_no_message_breaks_the_reading_of_trailers(message: str) -> None:
    assert parse_trailers(message) is None or message
    assert len(list_mentions(message)) <= message.count("Forge-Workflow")


SECOND = CommitTrailers("forge-fix-0123abcd", "tests", 1, ("c" * 32,))


def test_squash_mentions_the_commits_that_it_is_made_of() -> None:
    messages = [build_message("Add a parser", CALLS), build_message("Test it", SECOND)]
    by_git = "Squashed commit of the following:\n\n" + "".join(
        f"commit 0123\n\n{''.join(f'    {line}' for line in message.splitlines(keepends=True))}\n"
        for message in messages
    )
    by_a_forge = "Parser (#12)\n\n" + "\n".join(f"* {message}" for message in messages)

    assert list_mentions(by_git) == list_mentions(by_a_forge) == (CALLS, SECOND)
    assert parse_trailers(by_git) is None
    assert parse_trailers(by_a_forge) == SECOND


@pytest.mark.parametrize(
    "message",
    [
        "",
        "Fix\n\nForge-Call: x",
        "Fix" + FAKE + "\nForge-Call: x\n\nSigned-off-by: somebody",
        "Fix" + FAKE + "\nForge-Call: x\nand some prose",
        "Forge-Call: x" + FAKE,
        build_message("Fix\n\nForge-Workflow: w\nForge-Call: x", TRAILERS),
    ],
    ids=range(6),
)
def test_calls_are_believed_only_in_the_last_block(message: str) -> None:
    trailers = parse_trailers(message)

    assert trailers is None or trailers.entry_ids == ()

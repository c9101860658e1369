"""Who wrote a line is told by the last trailer block; where that is lost, by what answers say."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from forge_cli.views.calls.authorship import (
    Author,
    Authorship,
    Origin,
    Written,
    attribute_lines,
    choose_writers,
    read_origin,
)
from forge_core.git.blame import BlamedLine, Commit
from forge_core.git.commits.trailers import CommitTrailers, build_message
from forge_obs import Interaction

FIRST = CommitTrailers("w-1", "a", 2, ("1" * 32,))
SECOND = CommitTrailers("w-1", "b", 1, ("2" * 32, "3" * 32))


def make_commit(message: str) -> Commit:
    return Commit("c" * 40, ("p" * 40,), "Jane", "j@x", datetime(2026, 11, 1, tzinfo=UTC), message)


def write(entry_id: str, answer: dict[str, Any] | str) -> Written:
    text = answer if isinstance(answer, str) else json.dumps(answer)
    return Written(entry_id, "w-1", call=Interaction(entry_id=entry_id, response=text))


def test_commit_of_ours_names_its_calls() -> None:
    origin, named = read_origin(make_commit(build_message("Do it", SECOND)))

    assert origin is Origin.CALL
    assert [(w.entry_id[0], w.workflow_id, w.step_id, w.attempt) for w in named] == [
        ("2", "w-1", "b", 1),
        ("3", "w-1", "b", 1),
    ]


def test_commit_of_a_person_names_none() -> None:
    assert read_origin(make_commit("Fix a typo")) == (Origin.PERSON, ())


def test_squash_names_all_that_are_possible_even_if_the_last_block_is_ours() -> None:
    both = f"{build_message('One', FIRST)}\n* {build_message('Two', SECOND)}"

    origin, named = read_origin(make_commit(f"Reports (#12)\n\n* {both}"))

    assert origin is Origin.SQUASH
    assert [written.entry_id[0] for written in named] == ["1", "2", "3"]


def test_trailers_that_are_not_the_last_block_are_only_possible() -> None:
    message = build_message("Do it", FIRST) + "\nCo-authored-by: Joe <joe@x>\n"

    assert read_origin(make_commit(message))[0] is Origin.SQUASH


FILES = [
    write("1", {"files": [{"file_path": "a.py", "content": "x = 1\ny = 2\n"}]}),
    write("2", {"edits": [{"file_path": "./a.py", "search": "x", "replace": "z = 3"}]}),
    write("3", {"renames": [{"file_path": "o.py", "new_path": "n.py"}]}),
]


def test_calls_of_a_fan_out_are_told_apart_by_the_files_that_they_write() -> None:
    assert [w.entry_id for w in choose_writers(FILES, "n.py")] == ["3"]
    assert [w.entry_id for w in choose_writers(FILES, "a.py")] == ["1", "2"]


def test_calls_of_a_squash_are_told_apart_by_the_lines_that_they_write() -> None:
    texts = ["x = 1", "", "  z = 3", "", "gone"]
    lines = [BlamedLine(n, text, "c", "a.py") for n, text in enumerate(texts, start=1)]
    squash = Author(Origin.SQUASH, make_commit("Both"), "a.py", tuple(FILES[:2]))

    authorship = attribute_lines("a.py", lines, {("c", "a.py"): squash})

    chosen = ["".join(w.entry_id for w in author.calls) for author in authorship.authors]
    assert [chosen[number] for number in authorship.by_line] == ["1", "1", "2", "2", "12"]


def test_calls_that_a_commit_names_are_not_doubted() -> None:
    author = Author(Origin.CALL, make_commit("One"), "a.py", tuple(FILES[:2]))

    authorship = attribute_lines(
        "a.py", [BlamedLine(1, "z = 3", "c", "a.py")], {("c", "a.py"): author}
    )

    assert authorship.authors == (author,)


def test_where_answers_do_not_tell_all_are_possible() -> None:
    calls = [write("1", "no JSON"), Written("2", "w-1"), write("3", '{"files": 3}')]

    assert choose_writers(calls, "a.py") == tuple(calls)


def test_stretches_of_lines_are_named_by_their_first_and_last() -> None:
    lines = tuple(BlamedLine(number, "", None, "a.py") for number in range(3, 9))
    authors = (Author(Origin.UNCOMMITTED), Author(Origin.PERSON))
    authorship = Authorship("a.py", lines, authors, (0, 0, 1, 0, 1, 1))

    assert authorship.list_ranges(0) == [(3, 4), (6, 6)]
    assert authorship.list_ranges(1) == [(5, 5), (7, 8)]


def test_what_was_asked_is_one_short_line_of_the_prompt_where_no_run_says_it() -> None:
    call = Interaction(user_prompt="Do\nit. " * 200)
    written = replace(FILES[0], call=call)

    assert written.asked.startswith("Do it. Do it.")
    assert len(written.asked) == 300
    assert Written("1", "w").asked == ""

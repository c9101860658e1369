"""What an answer makes of files is told from what its prompt showed of them."""

import json
from typing import Any

from forge_cli.views.calls.parsed_answer import read_written_files
from forge_core.context.sections import Section, fence, render_sections
from forge_obs import Interaction

SHOWN = [Section("target_file", "a.py", fence("a = 1\nb = 2\n"), "", "full")]


def read(answer: dict[str, Any], **columns: Any) -> dict[str, Any] | None:
    given = {"role": "llm", "user_prompt": render_sections(SHOWN), "response": json.dumps(answer)}
    return read_written_files(Interaction(**{**given, **columns}))


def test_edits_are_made_in_the_file_that_was_shown() -> None:
    edit = {"file_path": "a.py", "search": "b = 2\n", "replace": "b = 3\n"}

    written = read({"edits": [edit]})

    assert written is not None
    assert written["a.py"].lines == ("a = 1", "b = 3")


def test_edits_of_what_was_not_shown_are_what_they_say() -> None:
    edit = {"file_path": "b.py", "search": "x\ny\n", "replace": "x\nz\n"}

    written = read({"edits": [edit]})

    assert written is not None
    assert written["b.py"].lines is None
    assert written["b.py"].said == ("@@", " x", "-y", "+z")


def test_files_deletions_and_renames_are_told_apart() -> None:
    written = read(
        {
            "files": [{"file_path": "n.py", "content": "n = 1\n"}],
            "deletions": ["d.py"],
            "renames": [{"file_path": "a.py", "new_path": "c.py"}],
        }
    )

    assert written is not None
    assert written["n.py"].lines == ("n = 1",)
    assert written["d.py"].said == ("deleted",)
    assert written["a.py"].said == ("renamed to c.py",)


def test_other_answers_write_no_files() -> None:
    asking = {"context_request": {"files": ["b.py"], "searches": []}, "files": []}

    assert read({}, response="no JSON") is None
    assert read({}, role="planner") is None
    assert read(asking) is None

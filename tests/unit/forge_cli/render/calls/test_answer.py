"""An answer as a diff against what its prompt showed."""

import json
from typing import Any

import pytest
from forge_cli.render.calls.answer import render_answer
from forge_core.context.sections import Section, fence, render_sections
from forge_obs import Interaction

SOURCE = "import os\n\n\nclass A:\n    def f(self):\n        return 1\n\n    x = 1\n    y = 1\n"
PROMPT = render_sections([Section("target_file", "a.py", fence(SOURCE), "", "full")])


def render(answer: dict[str, Any], **columns: Any) -> list[str]:
    call = Interaction(role="llm", user_prompt=PROMPT, response=json.dumps(answer), **columns)
    text = render_answer(call)
    assert text is not None
    return text.plain.splitlines()


def test_edit_is_a_hunk_with_its_line_and_what_was_overlooked() -> None:
    edits = [
        {"file_path": "a.py", "search": "import os\n", "replace": "import re\n"},
        {
            "file_path": "a.py",
            "search": "def f(self):\n    return 1\n",
            "replace": "def f(self):\n    return 2\n",
        },
    ]

    assert render({"explanation": "Both.", "edits": edits}) == [
        "Both.",
        "",
        "--- a.py",
        "+++ a.py",
        "@@ line 1, exact @@",
        "-import os",
        "+import re",
        "@@ line 6, by indentation @@",
        " def f(self):",
        "-    return 1",
        "+    return 2",
    ]


def test_edit_made_everywhere_names_its_lines() -> None:
    edit = {"file_path": "a.py", "search": "1", "replace": "2", "every": True}

    assert "@@ lines 6, 8, 9, everywhere @@" in render({"edits": [edit]})


def test_edit_of_what_the_prompt_does_not_hold_is_shown_without_a_line() -> None:
    edit = {"file_path": "b.py", "search": "B = 1", "replace": "B = 2"}

    lines = render({"edits": [edit]})

    assert "@@ its place is not to be told from the prompt @@" in lines
    assert lines[-2:] == ["-B = 1", "+B = 2"]


def test_whole_file_is_compared_with_the_one_that_was_shown() -> None:
    files = [
        {"file_path": "a.py", "content": SOURCE.replace("return 1", "return 2")},
        {"file_path": "new.py", "content": "N = 1\n"},
    ]

    lines = render({"files": files})

    assert lines[1:3] == ["--- a.py", "+++ a.py"]
    assert {"-        return 1", "+        return 2"} < set(lines)
    assert lines[-3:] == ["+++ new.py", "@@ whole, 1 line @@", "+N = 1"]


def test_what_goes_moves_or_stays_is_named() -> None:
    answer = {
        "deletions": ["b.py"],
        "renames": [{"file_path": "a.py", "new_path": "c.py"}],
        "untouched": [{"file_path": "d.py", "reason": "right"}],
    }

    lines = [line for line in render(answer) if line]

    assert lines == ["rename a.py to c.py", "delete b.py", "untouched d.py: right"]


def test_what_would_steer_a_terminal_is_escaped() -> None:
    lines = render({"files": [{"file_path": "\x1b[2J", "content": "\x1b[2J\n"}]})

    assert "\x1b" not in "".join(lines)
    assert lines[-1] == "+\\x1b[2J"


@pytest.mark.parametrize(
    "columns",
    [
        {"role": "planner", "response": '{"files": []}'},
        {"role": "llm", "response": None},
        {"role": "llm", "response": "no JSON"},
    ],
    ids=["plan", "none", "no-json"],
)
def test_what_is_no_answer_for_files_is_left_as_it_is(columns: dict[str, Any]) -> None:
    assert render_answer(Interaction(**columns)) is None

"""Plain answers are read as the engine reads them, and everything else is left to it."""

import json
import subprocess
import sys
from typing import Any

import pytest
from forge_cli.views.calls.parsed_answer import read_written_files
from forge_cli.views.calls.written_files import read_plain_answer
from forge_obs import Interaction

FILE = {"file_path": "a.py", "content": "x = 1\r\ny\n", "executable": None}


def make_call(response: str | None, role: str = "llm") -> Interaction:
    return Interaction(role=role, response=response)


@pytest.mark.parametrize(
    "answer",
    [
        {"files": [FILE]},
        {"files": [], "deletions": ["d.py"], "explanation": "gone", "context_request": None},
        {"renames": [{"file_path": "a.py", "new_path": "b.py"}], "edits": []},
        {"untouched": [{"file_path": "a.py", "reason": "right"}]},
    ],
    ids=["files", "deletions", "renames", "untouched"],
)
def test_plain_answer_is_read_as_the_engine_reads_it(answer: dict[str, Any]) -> None:
    call = make_call(json.dumps(answer))

    assert read_plain_answer(call) == read_written_files(call) is not None


@pytest.mark.parametrize(
    "response",
    [
        None,
        "no JSON",
        '{"a": 1}',
        '{"files": 3}',
        '{"files": [3]}',
        '{"files": [{"path": "a.py"}]}',
        '{"files": [], "edits": [{"file_path": "a.py", "search": "x", "replace": "y"}]}',
        '{"files": [], "other": 1}',
        '```json\n{"files": []}\n```',
    ],
)
def test_everything_else_is_left_to_the_engine(response: str | None) -> None:
    assert read_plain_answer(make_call(response)) is None


def test_plan_is_no_answer_for_files() -> None:
    assert read_plain_answer(make_call(json.dumps({"files": [FILE]}), role="planner")) is None


def test_plain_answers_are_compared_without_the_models_of_the_engine() -> None:
    program = """
import sys
from forge_obs import Interaction
from forge_cli.views.comparison.answers import pair_answers
call = Interaction(role="llm", response='{"files": [{"file_path": "a", "content": "x"}]}')
assert pair_answers(call, call)
assert not {"pydantic", "temporalio"} & set(sys.modules)
"""
    subprocess.run([sys.executable, "-c", program], check=True)

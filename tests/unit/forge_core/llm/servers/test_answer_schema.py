"""The schema of an answer says what ids and paths look like, and refuses none that Forge takes."""

import re
from typing import Any

import pytest
from forge_core.llm.servers.answer_schema import ID, PATH, build_schema
from forge_core.models.call.context_request import AskingPlan, AskingResponse
from forge_core.models.call.llm import LLMResponse
from forge_core.models.plan import Plan
from pydantic import BaseModel

OF_PLANS = {"step_id": ID, "sub_task_id": ID, "target_files": PATH, "context_files": PATH}
OF_ANSWERS = {"file_path": PATH, "new_path": PATH, "deletions": PATH}


def list_patterns(schema: dict[str, Any]) -> dict[str, str]:
    parts = (schema, *schema["$defs"].values())
    fields = [pair for part in parts for pair in part["properties"].items()]
    patterns = ((name, field.get("items", field).get("pattern")) for name, field in fields)
    return {name: pattern for name, pattern in patterns if pattern is not None}


@pytest.mark.parametrize(
    ("output", "patterns"),
    [
        (Plan, {"step_id": ID, "sub_task_id": ID, "target_files": PATH, "context_files": PATH}),
        (
            AskingPlan,
            {"step_id": ID, "sub_task_id": ID, "target_files": PATH, "context_files": PATH},
        ),
        (LLMResponse, {"file_path": PATH, "new_path": PATH, "deletions": PATH}),
        (AskingResponse, {"file_path": PATH, "new_path": PATH, "deletions": PATH}),
    ],
)
def test_ids_and_paths_have_patterns(output: type[BaseModel], patterns: dict[str, str]) -> None:
    assert list_patterns(build_schema(output)) == patterns


def test_schema_without_patterns_is_the_models_own() -> None:
    assert build_schema(Plan, patterns=False) == Plan.model_json_schema(mode="serialization")


@pytest.mark.parametrize("path", ["a", ".", "src/a b.py", "./x", "ü/ñ.md", ".github/x", "a-1/…"])
def test_paths_that_forge_takes_fit(path: str) -> None:
    assert re.search(PATH, path)


@pytest.mark.parametrize("path", ["", "/etc/passwd", "a\nb", 'a"b', "a\\b", "\x1b[1m"])
def test_paths_that_it_refuses_or_that_break_the_json_do_not(path: str) -> None:
    assert not re.search(PATH, path)


@pytest.mark.parametrize(("word", "fits"), [("add-parser", True), ("a b", False), ("", False)])
def test_ids_have_no_blanks(word: str, fits: bool) -> None:
    assert bool(re.search(ID, word)) == fits

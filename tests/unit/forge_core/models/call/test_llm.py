"""An answer names each file once, may leave lists out, and its schema leaves nothing out."""

from typing import Any

import pytest
from forge_core.models.call.llm import LLMResponse
from pydantic import ValidationError

OLD = {"files": [{"file_path": "a.py", "content": "x = 1\n"}], "explanation": "one"}


def test_answer_of_an_older_form_is_read() -> None:
    answer = LLMResponse.model_validate(OLD)

    assert answer.files[0].content == "x = 1\n"
    assert answer.files[0].executable is None
    assert (answer.edits, answer.deletions, answer.renames, answer.untouched) == ((), (), (), ())


@pytest.mark.parametrize("name", ["files", "edits", "deletions", "renames", "untouched"])
def test_one_list_is_enough(name: str) -> None:
    assert LLMResponse.model_validate({name: []}) == LLMResponse(files=())


def test_object_with_none_of_the_lists_is_no_answer() -> None:
    with pytest.raises(ValidationError, match="must have one of deletions, edits, files"):
        LLMResponse.model_validate({"explanation": "I cannot."})


FILE = {"file_path": "a.py", "content": ""}
EDIT = {"file_path": "a.py", "search": "a", "replace": "b"}
RENAME = {"file_path": "a.py", "new_path": "b.py"}

CONTRADICTIONS: dict[str, dict[str, Any]] = {
    "edits and files": {"files": [FILE], "edits": [EDIT]},
    "deletions and files": {"files": [FILE], "deletions": ["a.py"]},
    "deletions and edits": {"edits": [EDIT], "deletions": ["a.py"]},
    "files and renames": {"files": [FILE], "renames": [RENAME]},
    "deletions and renames": {"deletions": ["a.py"], "renames": [RENAME]},
    "edits and renames as a new path": {
        "edits": [EDIT | {"file_path": "b.py"}],
        "renames": [RENAME],
    },
    "files and renames as a new path": {
        "files": [FILE | {"file_path": "b.py"}],
        "renames": [RENAME],
    },
}


@pytest.mark.parametrize(("named", "answer"), CONTRADICTIONS.items(), ids=CONTRADICTIONS.keys())
def test_path_stands_in_one_list(named: str, answer: dict[str, Any]) -> None:
    with pytest.raises(ValidationError, match=f"stands in {named}: name it in one of them"):
        LLMResponse.model_validate(answer)


def test_renamed_file_may_be_edited_under_its_old_name() -> None:
    answer = LLMResponse.model_validate({"edits": [EDIT, EDIT], "renames": [RENAME]})

    assert len(answer.edits) == 2


def test_schema_that_is_sent_requires_every_field_and_has_no_unions_of_objects() -> None:
    schema = LLMResponse.model_json_schema(mode="serialization")

    for part in (schema, *schema["$defs"].values()):
        assert set(part["required"]) == set(part["properties"]), part["title"]
        assert not {"oneOf", "allOf"}.intersection(part)
        for field in part["properties"].values():
            assert field.get("description"), part["title"]

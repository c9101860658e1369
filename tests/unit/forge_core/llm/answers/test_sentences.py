"""A refusal is in a model's words, whatever a library found; a reading holds only what was said."""

import json
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from forge_core.llm.answers.sentences import describe_errors
from forge_core.llm.parse_answer import UnfitAnswer, read_answer
from forge_core.models.call.llm import LLMResponse
from forge_core.models.plan import Plan
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ValidationError
from pydantic_core._pydantic_core import list_all_errors

LIBRARY = re.compile(
    r"pydantic|Input should|Field required|Value error|valid (?:string|tuple|dictionary|boolean)"
    r"|instance of|unable to|Extra inputs|JSONDecode|Expecting|Traceback|\bNone\b|\bstr\b|\bdict\b"
)
"""Words that only a library would say."""

PLACES: dict[type[BaseModel], list[tuple[int | str, ...]]] = {
    LLMResponse: [(), ("files",), ("files", 0), ("files", 0, "content"), ("edits", 1, "every"),
                  ("deletions", 2), ("renames", 0, "new_path"), ("explanation",), ("unheard", 3)],
    Plan: [(), ("steps",), ("steps", 0), ("steps", 0, "step_id"), ("steps", 1, "sub_tasks", 0),
           ("steps", 0, "sub_tasks", 1, "target_files", 0), ("steps", 0, "target_files")],
}  # fmt: skip
ERRORS = {str(error["type"]): error for error in list_all_errors()}


@pytest.mark.parametrize("kind", ERRORS)
def test_every_error_that_the_library_knows_has_a_sentence_of_ours(kind: str) -> None:
    context: dict[str, Any] = {**(ERRORS[kind]["example_context"] or {})}
    if kind in {"value_error", "assertion_error"}:
        context["error"] = ValueError("a rule of ours")
    template = re.sub(r"\{[^}]*\}", "", ERRORS[kind]["message_template_python"]).strip(" ,:'")

    for output, places in PLACES.items():
        for place in places:
            details: Any = {"type": kind, "loc": place, "input": {"k": "v"}, "ctx": context}
            error = ValidationError.from_exception_data("x", [details])
            [sentence] = describe_errors(error, output)

            assert not LIBRARY.search(sentence)
            assert not template or template not in sentence
            assert " must " in sentence or "a rule of ours" in sentence


def test_sentence_says_what_the_field_must_be() -> None:
    said = {
        "files": [{"content": 3}, "x"],
        "edits": [{"file_path": "a", "search": "x", "replace": None, "every": "perhaps"}],
        "deletions": [3],
        "untouched": "all",
    }

    with pytest.raises(UnfitAnswer) as caught:
        read_answer(json.dumps(said), LLMResponse)

    objects = "a list of objects with file_path and content"
    assert caught.value.problems == (
        f"`files[0].file_path` is missing: `files` must be {objects}",
        "`files[0].content` must be one text in double quotes",
        "`files[1]` must be an object with file_path and content",
        "`edits[0].replace` must be one text in double quotes",
        "`edits[0].every` must be true or false",
        "`deletions[0]` must be a text in double quotes",
        "`untouched` must be a list of objects with file_path and reason",
    )


WORD = st.text(max_size=9)
PATH = st.sampled_from(["a.py", "./b", "c\\d"])
FILES = st.fixed_dictionaries({"file_path": PATH, "content": WORD})
EDITS = st.fixed_dictionaries({"file_path": PATH, "search": WORD, "replace": WORD})
ANSWERS = st.fixed_dictionaries(
    {"explanation": st.text(max_size=5)},
    optional={
        "files": st.lists(FILES, max_size=2),
        "edits": st.lists(EDITS, max_size=2),
        "deletions": st.lists(st.sampled_from(["x", "y"]), max_size=2),
    },
)
STEPS = st.fixed_dictionaries(
    {"description": st.text(min_size=1, max_size=5)},
    optional={
        "step_id": st.sampled_from(["a", "b", 7, None, "!"]),
        "target_files": st.lists(st.just("t.py"), max_size=1),
    },
)
PLANS = st.fixed_dictionaries({"steps": st.lists(STEPS, max_size=2)})
JUNK = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(), inner, max_size=2),
    max_leaves=4,
)
AROUND = st.sampled_from(
    ["{}", "\ufeff{}", "Here: {} done", "```json\n{}\n```", "<think>x</think>{}", "<think>{}",
     "<tool_call>{}</tool_call>", "[{}]", '{{"name": "x", "arguments": {}}}', "{},", "{}{}"]
)  # fmt: skip


def mutate(value: Any, draw: st.DrawFn) -> Any:
    """Change one place of a value as models do, or as they should not."""
    if isinstance(value, dict) and value and draw(st.booleans()):
        key = draw(st.sampled_from(sorted(value)))
        return {k: mutate(v, draw) if k == key else v for k, v in value.items()}
    if isinstance(value, list) and value and draw(st.booleans()):
        index = draw(st.integers(0, len(value) - 1))
        return [mutate(v, draw) if i == index else v for i, v in enumerate(value)]
    ways: dict[str, Callable[[], Any]] = {
        "junk": lambda: draw(JUNK),
        "text": lambda: json.dumps(value),
        "list": lambda: [value],
        "alone": lambda: value[0] if isinstance(value, list) and value else value,
        "case": lambda: {k.title(): value[k] for k in value} if isinstance(value, dict) else value,
        "less": lambda: dict(list(value.items())[1:]) if isinstance(value, dict) else None,
    }  # fmt: skip
    return ways[draw(st.sampled_from(sorted(ways)))]()


@st.composite
def sent(draw: st.DrawFn) -> tuple[str, type[BaseModel]]:
    output: type[BaseModel] = Plan if draw(st.booleans()) else LLMResponse
    value: Any = draw(ANSWERS if output is LLMResponse else PLANS)
    for _ in range(draw(st.integers(0, 2))):
        value = mutate(value, draw)
    text = json.dumps(value, ensure_ascii=draw(st.booleans()))
    text = draw(AROUND).format(text, text)
    return text[: len(text) - draw(st.sampled_from([0, 0, 0, 1, 5]))], output


def list_texts(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for inner in value.values():
            yield from list_texts(inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from list_texts(inner)


@given(sent())
def test_mutated_answer_is_read_as_what_it_says_or_refused_in_our_words(
    case: tuple[str, type[BaseModel]],
) -> None:
    text, output = case
    problems: tuple[str, ...] = ()
    try:
        reading = read_answer(text, output)
    except UnfitAnswer as unfit:
        problems = unfit.problems
    if problems:
        assert not any(LIBRARY.search(problem) for problem in problems)
        return

    assert json.loads(reading.output.model_dump_json()) is not None
    said = set(list_words(text))
    for value in list_texts(reading.output.model_dump(mode="json", exclude_defaults=True)):
        named = re.fullmatch(r"(?:step|part)-\d", value)
        assert named or value in said or value.replace("/", "\\") in said or f"./{value}" in said


def list_words(text: str) -> Iterator[str]:
    """List the strings and numbers of a text, those in strings that hold JSON too."""
    for match in re.finditer(r'"((?:[^"\\]|\\.)*)"|-?\d+', text, re.DOTALL):
        word = match.group()
        if word.startswith('"'):
            word = json.loads(word, strict=False)
            yield from list_words(word)
        yield word

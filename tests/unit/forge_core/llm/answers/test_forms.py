"""An answer is read in every form that has one reading, noted, and refused in those with two."""

import json

import pytest
from forge_core.llm.answers.candidates import MAX_OBJECTS
from forge_core.llm.parse_answer import UnfitAnswer, read_answer
from forge_core.models.call.llm import FileEdit, LLMResponse
from forge_core.models.plan import Plan

FILE = {"file_path": "m.py", "content": "A = 2\n"}
ANSWER = {"files": [FILE], "explanation": "done"}
TEXT = json.dumps(ANSWER)
CALL = {"name": "llmresponse", "arguments": ANSWER}
DRAFT = TEXT.replace("A = 2", "A = 1")


def fence(text: str, word: str = "json") -> str:
    return f"```{word}\n{text}\n```"


SAME = {
    "as asked for": (TEXT, ()),
    "indented": (f"\n {json.dumps(ANSWER, indent=2)}\n", ()),
    "unknown key": (json.dumps({**ANSWER, "mood": "good"}), ()),
    "raw newline in a string": (TEXT.replace("\\n", "\n"), ()),
    "byte order mark": (f"\ufeff{TEXT}", ("a byte order mark",)),
    "prose around": (f"Here it is:\n\n{TEXT}\n\nDone.", ("among other text",)),
    "braces in the prose": (f"Use {{x}}, {{}} and {{ y: }}.\n{TEXT}", ("among other text",)),
    "text behind": (f"{TEXT}\n</tool_call>", ("among other text",)),
    "a bracket too many": (TEXT + "}", ("among other text",)),
    "block": (f"Here:\n{fence(TEXT)}\nDone.", ("in a code block",)),
    "block with CRLF": (fence(json.dumps(ANSWER, indent=1)).replace("\n", "\r\n"), None),
    "block on one line": (f"```json {TEXT} ```", ("in a code block",)),
    "tilde block": (f"~~~\n{TEXT}\n~~~", ("in a code block",)),
    "block that does not end": (f"```json\n{TEXT}", ("among other text",)),
    "second block": (f"{fence('ls', 'sh')}\n{fence(TEXT)}", ("in a code block",)),
    "other JSON in a block": (f"{fence('[1, 2]')}\n{TEXT}", ("among other text",)),
    "the same twice": (f"{TEXT}\n{fence(TEXT)}", ("among other text",)),
    "thinking": (f"<think>\nhm {DRAFT} {{\n</think>\n{TEXT}", ("after its thinking",)),
    "two thoughts": (f"<think>a</think> <thinking>b</thinking>{fence(TEXT)}", None),
    "thinking begun by the prompt": (f"hm {DRAFT}\n</think>\n{TEXT}", ("among other text",)),
    "broken draft": (f'hm {{"files": [...]}}\n</think>\n{TEXT}', ("among other text",)),
    "thinking that does not end": (
        f"<think>\nSo I answer {TEXT}",
        ("inside thinking that does not end", "among other text"),
    ),
    "thinking around all": (f"<think>{TEXT}</think>", None),
    "trailing comma": (TEXT[:-1] + ",}", ("a trailing comma",)),
    "comments": (TEXT.replace("{", "{ // mine\n"), ("a comment",)),
    "single quotes": (repr(ANSWER), ("strings in single quotes",)),
    "keys without quotes": (
        '{files: [{file_path: "m.py", content: "A = 2\\n"}], explanation: "done"}',
        ("a key without quotes",),
    ),
    "JSON in a string": (json.dumps(TEXT), ("JSON inside a string",)),
    "list around": (json.dumps([ANSWER]), ("inside other JSON",)),
    "tool's name around": (json.dumps({"llmresponse": ANSWER}), ("inside other JSON",)),
    "call": (json.dumps(CALL), ("a tool call written as text",)),
    "call with arguments as text": (
        json.dumps({**CALL, "arguments": TEXT}),
        ("a tool call written as text", "JSON inside a string"),
    ),
    "OpenAI's call": (
        json.dumps({"tool_calls": [{"type": "function", "id": None, "function": CALL}]}),
        ("inside other JSON", "a tool call written as text"),
    ),
    "Hermes's call": (
        f"<tool_call>\n{json.dumps(CALL)}\n</tool_call>",
        ("among other text", "a tool call written as text"),
    ),
    "call without its last bracket": (
        f"<tool_call>\n{json.dumps(CALL)[:-1]}\n</tool_call>",
        ("among other text",),
    ),
    "Llama's call": (
        "<|python_tag|>" + json.dumps({"type": "function", "parameters": ANSWER}),
        ("among other text", "a tool call written as text"),
    ),
    "Mistral's call": (f"[TOOL_CALLS][{json.dumps(CALL)}]", None),
    "call in tags": (f"<function=llmresponse>{TEXT}</function>", ("among other text",)),
    "list as text": (
        json.dumps({**ANSWER, "files": json.dumps([FILE])}),
        ("`files` as JSON in a string",),
    ),
    "items as text": (json.dumps({**ANSWER, "files": [json.dumps(FILE)]}), None),
    "null lists and texts": (
        json.dumps({**ANSWER, "edits": None, "renames": None, "deletions": None}),
        ("null for `edits`", "null for `deletions`", "null for `renames`"),
    ),
    "empty text for a list": (json.dumps({**ANSWER, "edits": ""}), ("nothing for `edits`",)),
    "one object": (
        json.dumps({**ANSWER, "files": FILE}),
        ("one object instead of a list for `files`",),
    ),
    "paths as keys": (
        json.dumps({**ANSWER, "files": {"m.py": "A = 2\n"}}),
        ("paths as keys of `files`",),
    ),
    "objects by paths": (json.dumps({**ANSWER, "files": {"m.py": {"content": "A = 2\n"}}}), None),
    "keys in another case": (
        json.dumps({"Files": [{"filePath": "m.py", "Content": "A = 2\n"}], "explanation": "done"}),
        None,
    ),
    "path": (
        json.dumps({**ANSWER, "files": [{"path": "m.py", "content": "A = 2\n"}]}),
        ("`file_path` under another key",),
    ),
    "./": (TEXT.replace("m.py", "./m.py"), ("another spelling of a path",)),
    "executable as text": (
        json.dumps({**ANSWER, "files": [{**FILE, "executable": "null"}]}),
        ("a text for `executable`",),
    ),
}


@pytest.mark.parametrize("form", SAME)
def test_answer_is_read_in_every_form_that_can_only_mean_it(form: str) -> None:
    text, notes = SAME[form]

    reading = read_answer(text, LLMResponse)

    assert reading.output == LLMResponse.model_validate(ANSWER)
    assert notes is None or reading.notes == notes


@pytest.mark.parametrize("around", [json.dumps([FILE]), json.dumps(FILE), fence(f"[{FILE!r}]")])
def test_items_of_one_list_stand_for_the_answer(around: str) -> None:
    reading = read_answer(around, LLMResponse)

    assert reading.output == LLMResponse.model_validate({"files": [FILE]})


def test_items_are_put_in_the_lists_that_their_keys_name() -> None:
    edit = {"file_path": "a.py", "search": "x", "replace": "y", "every": "True"}
    items = [FILE, edit, {"file_path": "b.py", "new_path": "c.py"}]

    answer = read_answer(json.dumps(items), LLMResponse).output

    assert isinstance(answer, LLMResponse)
    assert answer.edits == (FileEdit(file_path="a.py", search="x", replace="y", every=True),)
    assert (len(answer.files), len(answer.renames)) == (1, 1)


def test_paths_to_delete_are_read_from_one_text_and_from_objects() -> None:
    for deletions in ("./a.py", ["a.py"], [{"path": "a.py"}], '["a.py"]'):
        answer = read_answer(json.dumps({"deletions": deletions}), LLMResponse).output

        assert isinstance(answer, LLMResponse)
        assert answer.deletions == ("a.py",)


def test_calls_written_as_text_are_one_answer_as_calls_are() -> None:
    calls = [{**CALL, "arguments": {"files": [{**FILE, "file_path": path}]}} for path in "ab"]
    text = "\n".join(f"<tool_call>{json.dumps(call)}</tool_call>" for call in calls)

    answer = read_answer(text, LLMResponse).output

    assert isinstance(answer, LLMResponse)
    assert [file.file_path for file in answer.files] == ["a", "b"]


TWICE = "holds 2 answers that differ"
REFUSED = {
    "two answers": (f"{TEXT}\n{DRAFT}", TWICE),
    "two blocks": (f"{fence(TEXT)}\n{fence(DRAFT)}", TWICE),
    "list of two": (json.dumps([ANSWER, json.loads(DRAFT)]), TWICE),
    "example in the prose": (f'Like {{"files": []}}: {TEXT}', TWICE),
    "one key twice": ('{"files": [], "files": [1]}', "`files` stands twice"),
    "one field twice": (json.dumps({**ANSWER, "Files": []}), "`files` is given twice"),
    "cut off": (TEXT[:-5], "it ends before its JSON does"),
    "cut off behind an item": ('{"files": [' + json.dumps(FILE), "it ends before its JSON does"),
    "cut off with an unknown key in front": (
        '{"mood": "x", "files": [' + json.dumps(FILE) + '], "edits": [',
        "must be one JSON object",
    ),
    "item in prose": (f"I write {json.dumps(FILE)}.", "must be one JSON object"),
    "quotes not escaped": (
        '{"files": [{"file_path": "a.json", "content": "{"files": []}"}]}',
        "a quote is not escaped",
    ),
    "block inside a broken string": (
        '{"files": [{"file_path": "a.md", "content": "' + fence(f"[{json.dumps(FILE)}]") + '"}]}',
        "a quote is not escaped",
    ),
    "content as an object": (
        json.dumps({"files": [{"file_path": "p.json", "content": {"a": 1}}]}),
        "`files[0].content` must be one text",
    ),
    "content as lines": (
        json.dumps({"files": [{"file_path": "p.py", "content": ["a", "b"]}]}),
        "`files[0].content` must be one text",
    ),
    "content null": (
        json.dumps({"files": [{"file_path": "p.py", "content": None}]}),
        "`files[0].content` must be one text",
    ),
    "item of two kinds": (
        json.dumps({**FILE, "search": "x", "replace": "y"}),
        "must be one JSON object",
    ),
    "null": ("null", "must be one JSON object"),
    "a list of numbers": ("[1]", "must be one JSON object"),
    "too many objects": ('{"a": 1}' * (MAX_OBJECTS + 1), "more than 1000 JSON objects"),
}


@pytest.mark.parametrize("form", REFUSED)
def test_answer_with_two_readings_or_none_is_asked_for_again(form: str) -> None:
    text, problem = REFUSED[form]

    with pytest.raises(UnfitAnswer) as caught:
        read_answer(text, LLMResponse)

    assert problem in str(caught.value)


STEP = {"step_id": "a", "description": "A."}


@pytest.mark.parametrize(
    ("said", "ids"),
    [
        ({"steps": [STEP]}, ["a"]),
        ([STEP], ["a"]),
        (STEP, ["a"]),
        ({"steps": STEP}, ["a"]),
        ({"plan": {"steps": [STEP]}}, ["a"]),
        ({"steps": [{"id": 1, "description": "A."}]}, ["1"]),
        ({"steps": [{"description": "A."}, {**STEP, "step_id": None}]}, ["step-1", "step-2"]),
        ({"steps": [STEP], "task_id": None, "explanation": None}, ["a"]),
    ],
)  # fmt: skip
def test_plan_is_read_with_the_same_care(said: object, ids: list[str]) -> None:
    plan = read_answer(json.dumps(said), Plan).output

    assert isinstance(plan, Plan)
    assert [step.step_id for step in plan.steps] == ids


def test_step_without_a_name_gets_its_place_and_no_other_steps_name() -> None:
    said = {"steps": [{"description": "A."}, {**STEP, "step_id": "step-1"}]}

    with pytest.raises(UnfitAnswer, match="step id 'step-1' appears more than once"):
        read_answer(json.dumps(said), Plan)


HOSTILE = {
    "brackets": "{" * 300_000,
    "lists": "[" * 300_000,
    "keys": '{"a":' * 100_000,
    "keys of an answer": '{"files":' * 100_000,
    "keys without quotes": "{a:" * 100_000,
    "strings": '{"a":"' * 100_000,
    "comments": '{"a":/*' * 100_000,
    "thoughts": "<think></think>" * 50_000,
    "thoughts that do not end": "<think>" * 100_000,
    "ends of thoughts": "x</think>" * 100_000,
    "blocks": "```\n{}\n```\n" * 50_000,
    "a block's word": "```" + "a" * 300_000,
    "blanks": "{ " * 300_000,
    "escapes": '{"x":"' + '\\"' * 300_000,
}


@pytest.mark.parametrize("form", HOSTILE)
def test_hostile_text_is_refused_after_bounded_work(form: str) -> None:
    """Were the work the square of the length, one of these would take the test's whole deadline."""
    with pytest.raises(UnfitAnswer):
        read_answer(HOSTILE[form], LLMResponse)

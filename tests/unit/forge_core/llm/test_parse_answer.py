"""Answers are read leniently where it is safe, and refused in words a model can act on."""

import json
from dataclasses import replace

import pytest
from forge_core.llm.answers.sentences import MAX_PROBLEMS, PROBLEM_LENGTH
from forge_core.llm.errors import ModelFailure
from forge_core.llm.parse_answer import (
    UnfitAnswer,
    accept_answer,
    ask_again,
    find_repeated_files,
    parse_answer,
)
from forge_core.llm.request import ModelAnswer, ModelRequest, RequestLabels
from forge_core.models.call.dialect import Dialect, OutputMode
from forge_core.models.call.llm import CallUsage, LLMResponse
from forge_core.models.plan import Plan
from hypothesis import given
from hypothesis import strategies as st

ANSWER = {"files": [{"file_path": "a.py", "content": "x = 1\n"}], "explanation": "one"}
REQUEST = ModelRequest(
    model="openai:m",
    system_prompt="system",
    user_prompt="user",
    output=LLMResponse,
    max_tokens=77,
    labels=RequestLabels("llm"),
)


def answer(text: str, finish_reason: str | None = "stop") -> ModelAnswer:
    return ModelAnswer(text, CallUsage(model_name="m", finish_reason=finish_reason))


def test_code_blocks_inside_a_file_are_left_alone() -> None:
    content = "# Title\n\n```json\n{}\n```\n"
    text = json.dumps({"files": [{"file_path": "README.md", "content": content}]})

    parsed = parse_answer(text, LLMResponse)

    assert isinstance(parsed, LLMResponse)
    assert parsed.files[0].content == content


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        pytest.param("", "it is empty", id="empty"),
        pytest.param(
            "I cannot do that.", "it is not valid JSON: it holds no JSON object", id="prose"
        ),
        pytest.param(
            '{"files": [',
            "it is not valid JSON: it ends before its JSON does, in line 1 of the JSON",
            id="cut-off",
        ),
        pytest.param("[" * 100_000, "it is not valid JSON: it holds no JSON object", id="too-deep"),
        pytest.param("1" * 5000, "it is not valid JSON: it holds no JSON object", id="too-long"),
        pytest.param(
            '{"files": [{"content": "x"}]}',
            "`files[0].file_path` is missing: `files` must be a list of objects with file_path and "
            "content",
            id="missing-field",
        ),
        pytest.param(
            '{"explanation": "x"}',
            "the answer must be one JSON object with `files`, `edits`, `deletions`, `renames`, "
            "`untouched`",
            id="no-list",
        ),
        pytest.param(
            '{"files": [{"file_path": 3, "content": ""}]}',
            "`files[0].file_path` must be one text in double quotes",
            id="wrong-type",
        ),
        pytest.param(
            '{"files": [{"file_path": "a", "content": "\\ud800"}]}',
            "it contains half of a surrogate pair, which is not valid text",
            id="lone-surrogate",
        ),
    ],
)
def test_an_unfit_answer_is_refused_with_its_reason(text: str, problem: str) -> None:
    with pytest.raises(UnfitAnswer) as caught:
        parse_answer(text, LLMResponse)

    assert caught.value.problems == (problem,)


@pytest.mark.parametrize(
    ("steps", "problem"),
    [
        pytest.param([], "`steps` must be a list of at least one object with", id="no-step"),
        pytest.param(
            [{"step_id": "a", "description": "x"}, {"step_id": "a", "description": "y"}],
            "step id 'a' appears more than once",
            id="duplicate-step",
        ),
        pytest.param(
            [{"step_id": "../a", "description": "x"}], "`steps[0].step_id`: id '../a'", id="bad-id"
        ),
        pytest.param(
            [
                {
                    "step_id": "a",
                    "description": "x",
                    "sub_tasks": [
                        {"sub_task_id": "p", "description": "x", "target_files": ["f.py"]},
                        {"sub_task_id": "q", "description": "x", "target_files": ["f.py"]},
                    ],
                }
            ],
            "`steps[0]`: step 'a': target file of two sub-tasks 'f.py'",
            id="shared-target",
        ),
    ],
)
def test_a_plan_that_breaks_its_rules_is_unfit(steps: list[object], problem: str) -> None:
    with pytest.raises(UnfitAnswer) as caught:
        parse_answer(json.dumps({"steps": steps}), Plan)

    assert [line[: len(problem)] for line in caught.value.problems] == [problem]


def test_problems_do_not_echo_the_answer() -> None:
    text = json.dumps({"files": {"secret": ["hunter2"]}, "edits": "hunter2"})

    with pytest.raises(UnfitAnswer) as caught:
        parse_answer(text, LLMResponse)

    assert "hunter2" not in str(caught.value)


def test_problems_are_cut_in_number_and_length() -> None:
    steps = [{"step_id": "!" * 10_000, "description": "x"}] * 30

    with pytest.raises(UnfitAnswer) as caught:
        parse_answer(json.dumps({"steps": steps}), Plan)

    assert len(caught.value.problems) == MAX_PROBLEMS + 1
    assert caught.value.problems[-1] == "and 20 more"
    assert max(map(len, caught.value.problems)) <= PROBLEM_LENGTH + 1


@given(st.text())
def test_no_text_breaks_the_reader(text: str) -> None:
    with pytest.raises(UnfitAnswer):
        parse_answer(text, Plan)


@pytest.mark.parametrize(
    ("finish_reason", "kind", "retryable"),
    [
        ("length", "truncated", False),
        ("content_filter", "refused", False),
        ("error", "server_error", True),
    ],
)
def test_an_answer_that_is_not_whole_is_never_parsed(
    finish_reason: str, kind: str, retryable: bool
) -> None:
    cut = answer(json.dumps(ANSWER), finish_reason)

    with pytest.raises(ModelFailure) as caught:
        accept_answer(REQUEST, cut)

    assert (caught.value.kind, caught.value.retryable) == (kind, retryable)
    assert caught.value.answer is cut


def test_truncation_names_the_limit_and_what_to_raise() -> None:
    with pytest.raises(ModelFailure, match="cut off at 77 tokens: raise output_reserve"):
        accept_answer(REQUEST, answer("{", "length"))


def test_answer_of_no_use_that_is_as_long_as_it_may_be_was_cut_off() -> None:
    long = answer('{"steps": [', "stop")
    long = replace(long, usage=long.usage.model_copy(update={"output_tokens": 77}))

    with pytest.raises(ModelFailure) as caught:
        accept_answer(REQUEST, long)

    assert (caught.value.kind, caught.value.problems) == ("truncated", ())


@pytest.mark.parametrize(
    ("mode", "said", "refused"),
    [
        ("json_schema", "Of course!", "response_format"),
        ("json_schema", '{"steps": 3}', None),
        ("tool", "Of course!", None),
    ],
)
def test_prose_where_a_schema_was_to_be_obeyed_shows_that_it_was_ignored(
    mode: OutputMode, said: str, refused: str | None
) -> None:
    with pytest.raises(ModelFailure) as caught:
        accept_answer(replace(REQUEST, dialect=Dialect(output_mode=mode)), answer(said))

    assert (caught.value.kind, caught.value.refused) == ("invalid_output", refused)


def test_an_unfit_answer_is_carried_by_its_failure() -> None:
    unfit = answer("no JSON")

    with pytest.raises(ModelFailure) as caught:
        accept_answer(REQUEST, unfit)

    assert (caught.value.kind, caught.value.retryable) == ("invalid_output", False)
    assert caught.value.answer is unfit
    assert caught.value.problems == ("it is not valid JSON: it holds no JSON object",)


def test_the_next_request_keeps_the_prompt_in_front_and_ends_with_the_problems() -> None:
    again = ask_again(REQUEST, ("files: Field required", "and 2 more"))

    assert again.user_prompt.startswith("user\n\n## Previous answer\n")
    assert again.user_prompt.endswith("\n- files: Field required\n- and 2 more\n")
    assert again.system_prompt == REQUEST.system_prompt


def test_files_that_a_cut_answer_repeats_are_found_by_their_paths() -> None:
    text = (
        '{"explanation": "a.py", "edits": [{"file_path": "e.py", "search": "x"}], "files": '
        '[{"file_path": "a.py", "content": "x"}, {"file_path" : "d\\u00e9.py","content":"'
    )

    assert find_repeated_files(text, ["a.py", "b.py", "e.py", "dé.py"]) == ["a.py", "dé.py"]

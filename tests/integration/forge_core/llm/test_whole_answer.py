"""A chat completion is read whatever a server leaves out of it that says nothing."""

import json
from dataclasses import replace
from typing import Any

import pytest
from forge_core.llm.calls import request_model
from forge_core.llm.network.whole_answer import mend_completion
from forge_core.llm.parse_answer import read_answer
from forge_core.llm.request import ModelRequest, RequestLabels
from forge_core.models.call.llm import LLMResponse
from forge_core.models.call.settings import CallSettings
from support.llm_server import LLMServer, raw, stream

ANSWER = {"files": [{"file_path": "a.py", "content": "é = 1\n"}], "explanation": "done"}
TEXT = json.dumps(ANSWER)
REQUEST = ModelRequest(
    model="openai-chat:gpt-5.2",
    system_prompt="system",
    user_prompt="user",
    output=LLMResponse,
    max_tokens=100,
    labels=RequestLabels("llm"),
)


def call(arguments: object = TEXT, **over: Any) -> dict[str, Any]:
    function = {"name": over.pop("name", "llmresponse"), "arguments": arguments}
    return {"id": "x", "type": "function", "function": function, **over}


def complete(message: dict[str, Any], finish: str | None = "tool_calls", **over: Any) -> Any:
    choice = {"index": 0, "message": {"role": "assistant", **message}, "finish_reason": finish}
    head = {"id": "c", "object": "chat.completion", "created": 1, "model": "m"}
    usage = {"prompt_tokens": 7, "completion_tokens": 3, "total_tokens": 10}
    return {**head, "choices": [choice], "usage": usage, **over}


def calls(*listed: dict[str, Any]) -> dict[str, Any]:
    return {"content": None, "tool_calls": list(listed)}


BARE = {"function": {"name": "llmresponse", "arguments": TEXT}}
FORMS = {
    "as it should be": complete(calls(call())),
    "arguments as an object": complete(calls(call(ANSWER))),
    "no reason": complete(calls(call()), None),
    "an empty reason": complete(calls(call()), ""),
    "an unknown reason": complete(calls(call()), "eos_token"),
    "call without id and type": complete(calls(BARE)),
    "call with null for both": complete(calls(call(id=None, type=None))),
    "call without a name": complete(calls(call(name=None))),
    "head of nulls": complete(calls(call()), id=None, created=None, object=None, model=None),
    "no role": complete({**calls(call()), "role": None}),
    "old function call": complete({"content": None, "function_call": BARE["function"]}),
    "text beside a silent call": complete({"content": TEXT, "tool_calls": [call(None)]}),
    "text and null for calls": complete({"content": TEXT, "tool_calls": None}, "stop"),
}


@pytest.mark.parametrize("is_stream", [True, False], ids=["stream-asked", "whole-asked"])
@pytest.mark.parametrize("form", FORMS)
async def test_completion_is_read(
    form: str, is_stream: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    request = replace(REQUEST, settings=CallSettings(stream=is_stream))
    with LLMServer(lambda _: raw(json.dumps(FORMS[form]).encode())) as server:
        server.configure(monkeypatch)
        answer = await request_model(request)

    assert read_answer(answer.text, LLMResponse).output == LLMResponse.model_validate(ANSWER)
    assert (answer.usage.input_tokens, len(server.exchanges)) == (7, 1)


def test_completion_that_lacks_nothing_stays_byte_for_byte() -> None:
    body = json.dumps(FORMS["as it should be"], indent=3)

    assert mend_completion(body, "m") == body


HALF = len(TEXT) // 2


def piece(delta: object, finish: str | None = None, word: str = "delta") -> dict[str, Any]:
    return {"id": "c", "choices": [{"index": 0, word: delta, "finish_reason": finish}]}


PIECES: dict[str, list[dict[str, Any]]] = {
    "arguments as an object": [piece(calls(call(ANSWER)))],
    "no index and no id": [
        piece(calls({"function": {"name": "llmresponse", "arguments": TEXT[:HALF]}})),
        piece(calls({"function": {"arguments": TEXT[HALF:]}})),
    ],
    "no name": [
        piece(calls(call(TEXT[:HALF], name=None))),
        piece(calls(call(TEXT[HALF:], name=None))),
    ],
    "old function call": [
        piece({"function_call": {"name": "llmresponse", "arguments": TEXT[:HALF]}}),
        piece({"function_call": {"arguments": TEXT[HALF:]}}),
    ],
    "messages for pieces": [piece(calls(call()), word="message")],
    "text beside a silent call": [piece({"content": TEXT}), piece(calls(call("")))],
    "no pieces": [piece(calls(call())), piece(None), {"id": "c", "choices": None}],
}


@pytest.mark.parametrize("form", PIECES)
async def test_pieces_of_a_stream_are_read(form: str, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = {"prompt_tokens": 7, "completion_tokens": 3, "total_tokens": 10}
    events = [*PIECES[form], piece({}, "stop"), {"id": "c", "choices": [], "usage": usage}]
    lines = [b"data: %s\n\n" % json.dumps(event).encode() for event in events]
    with LLMServer(lambda _: stream(*lines, b"data: [DONE]\n\n")) as server:
        server.configure(monkeypatch)
        answer = await request_model(REQUEST)

    assert read_answer(answer.text, LLMResponse).output == LLMResponse.model_validate(ANSWER)
    assert (answer.usage.input_tokens, len(server.exchanges)) == (7, 1)


SECOND = {"files": [{"file_path": "b.py", "content": "b = 2\n"}], "explanation": "and more"}
PARALLEL: dict[str, list[dict[str, Any]]] = {
    "one index for all": [
        piece(calls(call(TEXT, index=0, id="1"))),
        piece(calls(call(json.dumps(SECOND)[:9], index=0, id="2"))),
        piece(calls({"index": 0, "function": {"arguments": json.dumps(SECOND)[9:]}})),
    ],
    "no index": [piece(calls(call(id=None), call(json.dumps(SECOND), id=None)))],
    "no index and no name": [
        piece(calls(call(name=None, id="1"))),
        piece(calls(call(json.dumps(SECOND), name=None, id="2"))),
    ],
}


@pytest.mark.parametrize("form", PARALLEL)
async def test_parallel_calls_of_a_stream_stay_apart(
    form: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = [b"data: %s\n\n" % json.dumps(event).encode() for event in PARALLEL[form]]
    with LLMServer(lambda _: stream(*lines, b"data: [DONE]\n\n")) as server:
        server.configure(monkeypatch)
        answer = await request_model(REQUEST)

    output = read_answer(answer.text, LLMResponse).output
    assert isinstance(output, LLMResponse)
    assert [file.file_path for file in output.files] == ["a.py", "b.py"]


@pytest.mark.parametrize("ids", [("1", "1"), ("1", "2"), (None, None)], ids=str)
async def test_code_that_looks_like_two_calls_is_one(
    ids: tuple[str | None, str | None], monkeypatch: pytest.MonkeyPatch
) -> None:
    code = {"files": [{"file_path": "a.py", "content": 'x = f"{a}{b}"\n'}], "explanation": "done"}
    text, (first, second) = json.dumps(code), ids
    rest = {"index": 0, "id": second, "function": {"arguments": text[9:]}}
    events = [piece(calls(call(text[:9], index=0, id=first))), piece(calls(rest))]
    lines = [b"data: %s\n\n" % json.dumps(event).encode() for event in events]
    with LLMServer(lambda _: stream(*lines, b"data: [DONE]\n\n")) as server:
        server.configure(monkeypatch)
        answer = await request_model(REQUEST)

    assert read_answer(answer.text, LLMResponse).output == LLMResponse.model_validate(code)


@pytest.mark.parametrize("body", ["", "<html>", "[]", '{"error": {}}', '{"choices": {}}', "null"])
def test_what_is_no_completion_stays_byte_for_byte(body: str) -> None:
    assert mend_completion(body, "m") == body


def test_nothing_is_made_up_that_says_something() -> None:
    mended = json.loads(mend_completion('{"choices": [{"message": {}}, 3]}', "m"))

    assert mended["choices"] == [
        {"message": {"role": "assistant"}, "index": 0, "finish_reason": None},
        3,
    ]
    assert "usage" not in mended

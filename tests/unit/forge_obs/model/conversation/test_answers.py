"""What LangChain returns is read as what its providers return."""

from types import SimpleNamespace
from typing import Any

import pytest
from forge_obs.model.conversation.answers import read_answer, read_piece

USAGE = {"input_tokens": 9, "output_tokens": 2, "total_tokens": 11}
MESSAGE: dict[str, Any] = {
    "type": "ai",
    "content": "Hi.",
    "additional_kwargs": {},
    "id": "lc_run--0193",
    "usage_metadata": USAGE,
    "response_metadata": {
        "id": "chatcmpl-1",
        "model_name": "m-2026",
        "finish_reason": "stop",
        "service_tier": "flex",
    },
}
GENERATION = {"text": "Hi.", "message": SimpleNamespace(**MESSAGE)}
TOLD = {"model_name": "m-2026", "token_usage": {"prompt_tokens": 9}}


@pytest.mark.parametrize(
    "returned",
    [
        pytest.param(MESSAGE, id="message"),
        pytest.param(SimpleNamespace(**MESSAGE), id="object"),
        pytest.param({"generations": [GENERATION], "llm_output": TOLD}, id="result of a chat"),
        pytest.param({"generations": [[GENERATION]], "llm_output": TOLD}, id="result of callbacks"),
    ],
)
def test_answer_is_read_from_whatever_holds_it(returned: object) -> None:
    answer = read_answer(returned)

    assert (answer.text, answer.usage, answer.model_name) == ("Hi.", USAGE, "m-2026")
    assert (answer.response_id, answer.finish_reason) == ("chatcmpl-1", "stop")
    assert answer.service_tier == "flex"


def test_completion_without_a_message_has_the_usage_beside_it() -> None:
    answer = read_answer({"generations": [[{"text": "Hi."}]], "llm_output": TOLD})

    assert (answer.text, answer.usage) == ("Hi.", {"prompt_tokens": 9})
    assert answer.model_name == "m-2026"


@pytest.mark.parametrize("content", ["Hel", [{"type": "text", "text": "Hel", "index": 0}]])
def test_chunk_is_a_piece_of_text(content: object) -> None:
    chunk = SimpleNamespace(type="AIMessageChunk", content=content, usage_metadata=USAGE)

    piece = read_piece(chunk)

    assert (piece.text, piece.usage) == ("Hel", USAGE)


def test_images_are_described() -> None:
    made = {"created": 1, "data": [{"b64_json": "iVBORw==", "url": None, "revised_prompt": None}]}

    output: Any = read_answer(made).output

    [image] = output[0]["parts"]
    assert (image["type"], image["modality"], image["size_bytes"]) == ("blob", "image", 4)


def test_nothing_generated_is_no_answer() -> None:
    assert read_answer({"generations": [], "llm_output": None}).text is None

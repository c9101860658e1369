"""Results are made encodable and kept below Temporal's limit."""

import pytest
from forge_core.models.call.llm import FileOutput, LLMResponse
from forge_core.temporal_client.payload_size import INLINE_LIMIT_BYTES, ensure_transferable
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.exceptions import ApplicationError


class Tree(BaseModel):
    text: str = ""
    table: dict[str, "Tree"] = {}
    rows: tuple[str, ...] = ()


async def encode_and_decode(value: BaseModel) -> BaseModel:
    payloads = await pydantic_data_converter.encode([value])
    [decoded] = await pydantic_data_converter.decode(payloads, [type(value)])
    assert isinstance(decoded, BaseModel)
    return decoded


def answer(content: str) -> LLMResponse:
    return LLMResponse(files=[FileOutput(file_path="a.py", content=content)])


def test_a_value_that_can_be_encoded_is_returned_as_it_is() -> None:
    value = answer("naïve \N{SNOWMAN} \x00")

    assert ensure_transferable(value, "the answer", INLINE_LIMIT_BYTES) is value


async def test_lone_surrogates_are_escaped_wherever_they_are() -> None:
    value = Tree(
        text="a\ud800b", table={"k\udfff": Tree(text="\udc80")}, rows=("fine", "\ud83d\ud83d")
    )

    clean = ensure_transferable(value, "the answer", INLINE_LIMIT_BYTES)

    assert clean.text == r"a\ud800b"
    assert clean.table == {r"k\udfff": Tree(text=r"\udc80")}
    assert clean.rows == ("fine", r"\ud83d\ud83d")
    assert await encode_and_decode(clean) == clean


def test_text_beside_a_lone_surrogate_is_kept() -> None:
    clean = ensure_transferable(
        answer("é \N{GRINNING FACE} \\ \ud800"), "the answer", INLINE_LIMIT_BYTES
    )

    assert clean.files[0].content == "é \N{GRINNING FACE} \\ \\ud800"


@given(st.text(alphabet=st.characters(), max_size=200))
async def test_any_text_can_be_transferred(text: str) -> None:
    clean = ensure_transferable(answer(text), "the answer", INLINE_LIMIT_BYTES)

    assert await encode_and_decode(clean) == clean


@pytest.mark.parametrize(
    "content",
    [
        "x" * (INLINE_LIMIT_BYTES + 1),
        "\N{SNOWMAN}" * (INLINE_LIMIT_BYTES // 2),
        "\ud800" * (INLINE_LIMIT_BYTES // 5),
    ],
    ids=["plain", "multi-byte", "escaped"],
)
def test_a_value_beyond_the_limit_is_refused_for_good(content: str) -> None:
    with pytest.raises(ApplicationError, match="the model's answer takes") as refused:
        ensure_transferable(answer(content), "the model's answer", INLINE_LIMIT_BYTES)

    assert refused.value.non_retryable
    assert f"{INLINE_LIMIT_BYTES:,}" in refused.value.message


def test_a_value_just_below_the_limit_is_taken() -> None:
    value = answer("x" * (INLINE_LIMIT_BYTES - 200))

    assert ensure_transferable(value, "the answer", INLINE_LIMIT_BYTES) is value

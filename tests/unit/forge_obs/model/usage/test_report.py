"""A usage report is kept as it was given, whatever class it is of."""

import enum
from collections import namedtuple
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any
from unittest.mock import MagicMock

import pytest
from forge_obs.model.usage.figures import read_usage
from forge_obs.model.usage.report import MOST_BYTES, keep_report
from support.lazy import LazyModule
from temporalio.api.common.v1 import RetryPolicy

if TYPE_CHECKING:
    from anthropic import types as anthropic
    from openai import types as openai
    from openai.types import chat, responses
    from pydantic_ai import usage as pydantic_ai
else:
    anthropic, openai = LazyModule("anthropic.types"), LazyModule("openai.types")
    chat, responses = LazyModule("openai.types.chat"), LazyModule("openai.types.responses")
    pydantic_ai = LazyModule("pydantic_ai.usage")

PLAIN = {"prompt_tokens": 9, "completion_tokens": 2}


class Tier(enum.Enum):
    FLEX = "flex"


@dataclass
class Record:
    prompt_tokens: int = 9
    completion_tokens: int = 2


class Slotted:
    __slots__ = ("completion_tokens", "prompt_tokens")

    def __init__(self) -> None:
        self.prompt_tokens, self.completion_tokens = 9, 2


class Lazy(Mapping[str, int]):
    def __getitem__(self, name: str) -> int:
        return PLAIN[name]

    def __iter__(self) -> Iterator[str]:
        return iter(PLAIN)

    def __len__(self) -> int:
        return len(PLAIN)


Pair = namedtuple("Pair", ["prompt_tokens", "completion_tokens"])


@pytest.mark.parametrize(
    "given",
    [
        PLAIN,
        Lazy(),
        Record(),
        Slotted(),
        Pair(9, 2),
        SimpleNamespace(**PLAIN, _private="x"),
        '{"prompt_tokens": 9, "completion_tokens": 2}',
        {"id": "x", "choices": [{"text": "secret"}], "usage": PLAIN},
        SimpleNamespace(usage=Record(), output="secret"),
        [PLAIN],
    ],
    ids=lambda given: type(given).__name__,
)
def test_report_of_any_class_is_kept_as_it_was_given(given: object) -> None:
    report = keep_report(given)

    assert (report.document, report.notes) == (PLAIN, ())


def test_pydantic_model_keeps_fields_that_its_version_does_not_know() -> None:
    usage = openai.CompletionUsage.model_validate(PLAIN | {"total_tokens": 11, "cached_tokens": 5})

    document = keep_report(usage).document

    assert document is not None
    assert (document["cached_tokens"], read_usage(document).cache_read_tokens) == (5, 5)


@pytest.mark.parametrize(
    ("build", "figures"),
    [
        (
            lambda: responses.ResponseUsage.model_validate(
                {
                    "input_tokens": 9,
                    "output_tokens": 3,
                    "total_tokens": 12,
                    "input_tokens_details": {"cached_tokens": 4, "cache_write_tokens": 1},
                    "output_tokens_details": {"reasoning_tokens": 2},
                }
            ),
            (9, 3, 4, 2),
        ),
        (
            lambda: anthropic.Usage(input_tokens=9, output_tokens=3, cache_read_input_tokens=4),
            (13, 3, 4, 0),
        ),
        (
            lambda: pydantic_ai.RequestUsage(input_tokens=9, output_tokens=3, cache_read_tokens=4),
            (9, 3, 4, 0),
        ),
    ],
    ids=["openai", "anthropic", "pydantic-ai"],
)
def test_objects_of_real_libraries_are_read(
    build: Callable[[], object], figures: tuple[int, ...]
) -> None:
    document = keep_report(build()).document
    assert document is not None

    read = read_usage(document)

    found = (read.input_tokens, read.output_tokens, read.cache_read_tokens, read.reasoning_tokens)
    assert found == figures


def test_whole_answer_gives_its_report_and_no_text() -> None:
    answer = chat.ChatCompletion.model_validate(
        {
            "id": "chatcmpl-1",
            "object": "chat.completion",
            "created": 1,
            "model": "m",
            "choices": [
                {
                    "index": 0,
                    "finish_reason": "stop",
                    "message": {"role": "assistant", "content": "secret"},
                }
            ],
            "usage": PLAIN | {"total_tokens": 11},
        }
    )

    assert keep_report(answer).document == PLAIN | {"total_tokens": 11}


def test_answer_that_is_its_own_report_gives_no_text_either() -> None:
    ollama = {"model": "m", "message": {"content": "secret"}, "prompt_eval_count": 9}

    assert keep_report(ollama).document == {"model": "m", "prompt_eval_count": 9}


def test_protobuf_message_is_read_by_its_fields() -> None:
    document = keep_report(RetryPolicy(maximum_attempts=3, backoff_coefficient=1.5)).document

    assert document == {"maximum_attempts": 3, "backoff_coefficient": 1.5}


def test_parts_of_a_stream_add_up() -> None:
    begun = anthropic.Usage(input_tokens=9, output_tokens=1, cache_creation_input_tokens=5)
    ended = anthropic.MessageDeltaUsage.model_validate({"output_tokens": 30})

    document = keep_report([begun, None, ended]).document
    assert document is not None

    read = read_usage(document)
    assert (read.input_tokens, read.output_tokens, read.cache_write_tokens) == (14, 30, 5)


def test_values_of_odd_kinds_become_plain() -> None:
    odd = {**PLAIN, "service_tier": Tier.FLEX, "raw": b"\xff", "x": object(), "n": float("nan")}

    document = keep_report(odd).document

    assert document == {**PLAIN, "service_tier": "flex", "x": "<object>"}


@pytest.mark.parametrize("given", ["no JSON", b"\xff", 17, "[1]", [], object], ids=repr)
def test_what_is_no_report_is_noted(given: object) -> None:
    report = keep_report(given)

    assert not report.document
    assert given == [] or report.notes[0].startswith("usage: not understood")


def test_mock_has_nothing_to_say() -> None:
    document = keep_report(MagicMock()).document or {}

    assert read_usage(document).input_tokens is None


def test_endless_and_huge_reports_are_cut_with_a_note() -> None:
    loop: dict[str, Any] = dict(PLAIN)
    loop["again"] = loop
    for given in (
        loop,
        PLAIN | {"remark": "x" * 10**6},
        PLAIN | dict.fromkeys(map(str, range(9999))),
    ):
        report = keep_report(given)

        assert report.notes == ("usage: too long, cut",)
        assert report.document is not None
        assert report.document["prompt_tokens"] == 9
        assert len(str(report.document)) < 4 * MOST_BYTES

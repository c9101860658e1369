"""The completion hook, called as `opentelemetry-util-genai` does."""

from dataclasses import dataclass
from pathlib import Path

import pytest
from forge_obs import observe, upgrade
from forge_obs.otel import ForgeCompletionHook
from forge_obs.otel.process_recorder import get_process_recorder
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.trace import NonRecordingSpan, SpanContext
from opentelemetry.util.genai.completion_hook import CompletionHook
from opentelemetry.util.genai.types import InputMessage, OutputMessage, TextPart
from support.spans import CHAT, list_calls, traced, wait_for_status

ASKED = [InputMessage(role="user", parts=[TextPart(content="Hi")])]
ANSWERED = [OutputMessage(role="assistant", parts=[TextPart(content="Yo")], finish_reason="stop")]


@pytest.fixture
def db(private_environment: Path) -> Path:
    upgrade(private_environment / "forge.db")
    return private_environment / "forge.db"


def test_hook_is_one_though_the_package_is_not_needed() -> None:
    assert isinstance(ForgeCompletionHook(), CompletionHook)


def test_content_is_merged_with_what_the_span_says_later(db: Path) -> None:
    with traced() as provider:
        span = provider.get_tracer("x").start_span("chat", attributes=CHAT)
        ForgeCompletionHook().on_completion(inputs=ASKED, outputs=ANSWERED, span=span)
        (started,) = wait_for_status(db, "started")
        assert (started.user_prompt, started.response) == ("Hi", "Yo")
        span.set_attribute("gen_ai.usage.input_tokens", 3)
        span.end()

        (call,) = wait_for_status(db, "ok")
        assert (call.user_prompt, call.response, call.input_tokens) == ("Hi", "Yo", 3)


def test_content_of_an_outer_request_goes_to_the_inner_one(db: Path) -> None:
    with traced() as provider:
        tracer = provider.get_tracer("x")
        with tracer.start_as_current_span("outer", attributes=CHAT) as outer:
            tracer.start_span("inner", attributes=CHAT).end()
            ForgeCompletionHook().on_completion(inputs=ASKED, span=outer)

    (call,) = list_calls(db)
    assert call.user_prompt == "Hi"


def test_request_that_is_on_record_otherwise_is_left_alone(db: Path) -> None:
    with traced() as provider, observe(task_id="mine", model="m") as call:
        span = provider.get_tracer("x").start_span("chat", attributes=CHAT)
        ForgeCompletionHook().on_completion(inputs=ASKED, outputs=ANSWERED, span=span)
        span.end()
        call.answer("Yo")

    assert [call.task_id for call in list_calls(db)] == ["mine"]


@pytest.mark.parametrize("span", [None, NonRecordingSpan(SpanContext(1, 1, is_remote=False))])
def test_without_a_span_there_is_nothing_to_merge_with(
    span: NonRecordingSpan | None, db: Path
) -> None:
    ForgeCompletionHook().on_completion(inputs=ASKED, outputs=ANSWERED, span=span)

    assert get_process_recorder().flush(60)
    assert list_calls(db) == []


@dataclass
class _Hostile:
    role: str = "user"

    def __deepcopy__(self, memo: object) -> "_Hostile":
        raise RuntimeError("no copy of this")


@dataclass
class _Message:
    role: str
    parts: list[object]


def test_content_that_cannot_be_read_costs_itself_alone(db: Path) -> None:
    with traced() as provider:
        tracer = provider.get_tracer("x")
        for inputs in ([_Message("user", [object(), {_Hostile: object()}])], ASKED):
            span = tracer.start_span("chat", attributes=CHAT)
            ForgeCompletionHook().on_completion(inputs=inputs, span=span)
            span.end()

    assert sorted(call.user_prompt for call in list_calls(db))[-1] == "Hi"
    assert len(list_calls(db)) == 2


def test_provider_without_forge_is_enough(db: Path) -> None:
    span = TracerProvider(shutdown_on_exit=False).get_tracer("x").start_span("c", attributes=CHAT)
    ForgeCompletionHook().on_completion(inputs=ASKED, outputs=ANSWERED, span=span)
    span.end()

    (call,) = wait_for_status(db, "ok")
    assert (call.user_prompt, call.response) == ("Hi", "Yo")

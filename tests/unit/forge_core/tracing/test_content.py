"""Prompts and answers in the form of the GenAI conventions."""

import json

import pytest
from forge_core.tracing.content import (
    CallTexts,
    ContentMode,
    build_messages,
    dump_messages,
    encodable,
    parse_content_mode,
    redact_texts,
)

TEXTS = CallTexts("Be brief.", "Write a.", '{"files": []}', reasoning="A file, then.")


@pytest.mark.parametrize(
    ("value", "mode"),
    [
        ("", ContentMode.NO_CONTENT),
        ("NO_CONTENT", ContentMode.NO_CONTENT),
        ("False", ContentMode.NO_CONTENT),
        ("SPAN_ONLY", ContentMode.SPAN_ONLY),
        (" span_only ", ContentMode.SPAN_ONLY),
        ("True", ContentMode.SPAN_ONLY),
        ("Event_Only", ContentMode.EVENT_ONLY),
        ("SPAN_AND_EVENT", ContentMode.SPAN_AND_EVENT),
        ("yes", None),
        ("SPAN", None),
    ],
)
def test_mode_is_read_in_any_case_and_in_its_older_form(
    value: str, mode: ContentMode | None
) -> None:
    assert parse_content_mode(value) is mode


@pytest.mark.parametrize(
    ("mode", "places"),
    [
        (ContentMode.NO_CONTENT, (False, False)),
        (ContentMode.SPAN_ONLY, (True, False)),
        (ContentMode.EVENT_ONLY, (False, True)),
        (ContentMode.SPAN_AND_EVENT, (True, True)),
    ],
)
def test_mode_says_where_content_goes(mode: ContentMode, places: tuple[bool, bool]) -> None:
    assert (mode.on_span, mode.in_event) == places


def test_messages_have_the_form_of_the_conventions() -> None:
    assert build_messages(TEXTS, "stop") == {
        "gen_ai.system_instructions": [{"type": "text", "content": "Be brief."}],
        "gen_ai.input.messages": [
            {"role": "user", "parts": [{"type": "text", "content": "Write a."}]}
        ],
        "gen_ai.output.messages": [
            {
                "role": "assistant",
                "parts": [
                    {"type": "reasoning", "content": "A file, then."},
                    {"type": "text", "content": '{"files": []}'},
                ],
                "finish_reason": "stop",
            }
        ],
    }


def test_request_without_an_answer_has_no_output() -> None:
    found = build_messages(CallTexts("s", "u"), "stop")

    assert set(found) == {"gen_ai.system_instructions", "gen_ai.input.messages"}


def test_span_takes_messages_as_json() -> None:
    messages = build_messages(CallTexts("Sei kurz. \U0001f642", "u"))

    dumped = dump_messages(messages)

    assert {name: json.loads(text) for name, text in dumped.items()} == messages
    assert "\U0001f642" in dumped["gen_ai.system_instructions"]


def test_every_text_passes_what_takes_secrets_out() -> None:
    found = redact_texts(TEXTS, lambda text: f"<{len(text)}>")

    assert found == CallTexts("<9>", "<8>", "<13>", reasoning="<13>")


def test_text_that_utf_8_does_not_take_is_mended() -> None:
    assert encodable("half \ud83d of \u00e9").encode() == "half ? of \u00e9".encode()

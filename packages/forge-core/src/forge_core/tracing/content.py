"""Prompts and answers in the form of the GenAI conventions, as far as they may leave. Pure.

See D98.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, TypeAlias

INPUT_MESSAGES = "gen_ai.input.messages"
OUTPUT_MESSAGES = "gen_ai.output.messages"
SYSTEM_INSTRUCTIONS = "gen_ai.system_instructions"

DROPPED = "[dropped, redaction failed]"
"""What stands for a text that the user's hook has no answer for."""

Redact: TypeAlias = Callable[[str], str | None]
"""Gives a text without what must not leave; None where it cannot tell: nothing leaves then."""


class ContentMode(StrEnum):
    """Where prompts and answers go: the values of the standard variable."""

    NO_CONTENT = "no_content"
    SPAN_ONLY = "span_only"
    EVENT_ONLY = "event_only"
    SPAN_AND_EVENT = "span_and_event"

    @property
    def on_span(self) -> bool:
        """Whether spans carry them."""
        return self in {ContentMode.SPAN_ONLY, ContentMode.SPAN_AND_EVENT}

    @property
    def in_event(self) -> bool:
        """Whether log events carry them."""
        return self in {ContentMode.EVENT_ONLY, ContentMode.SPAN_AND_EVENT}


OLDER_VALUES = {
    "": ContentMode.NO_CONTENT,
    "false": ContentMode.NO_CONTENT,
    "true": ContentMode.SPAN_ONLY,
}
"""What the variable could be before there were modes."""


def parse_content_mode(value: str) -> ContentMode | None:
    """Parse the standard variable in any case; None for a value that it does not have."""
    word = value.strip().lower()
    if word in OLDER_VALUES:
        return OLDER_VALUES[word]
    return next((mode for mode in ContentMode if mode == word), None)


@dataclass(frozen=True, slots=True)
class CallTexts:
    """What a model was asked, and what it said."""

    system_prompt: str
    user_prompt: str
    answer: str | None = None
    """As received; None where nothing came."""
    reasoning: str = ""
    """What it thought before, as far as the provider tells."""


def redact_texts(texts: CallTexts, redact: Callable[[str], str]) -> CallTexts:
    """Pass each text through a function, as the store passes its columns through the hook."""
    return CallTexts(
        redact(texts.system_prompt),
        redact(texts.user_prompt),
        None if texts.answer is None else redact(texts.answer),
        redact(texts.reasoning),
    )


def encodable(text: str) -> str:
    """Return a text that UTF-8 can encode: an exporter fails on half of a surrogate pair."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode()


def build_messages(texts: CallTexts, finish_reason: str | None = None) -> dict[str, Any]:
    """Build the attributes of the conventions that carry content, as values.

    The answer is text, as received: whether a server wrote it as the arguments of a tool or as
    text is the server's manner, which Forge does not tell apart either.
    """
    messages: dict[str, Any] = {
        SYSTEM_INSTRUCTIONS: [_text(texts.system_prompt)],
        INPUT_MESSAGES: [{"role": "user", "parts": [_text(texts.user_prompt)]}],
    }
    if texts.answer is not None:
        thought = {"type": "reasoning", "content": texts.reasoning}
        answer: dict[str, Any] = {
            "role": "assistant",
            "parts": [*([thought] if texts.reasoning else []), _text(texts.answer)],
        }
        messages[OUTPUT_MESSAGES] = [answer]
        if finish_reason is not None:
            answer["finish_reason"] = finish_reason
    return messages


def dump_messages(messages: Mapping[str, Any]) -> dict[str, str]:
    """Return these attributes in the form of a span, which takes JSON as text."""
    return {
        name: json.dumps(value, ensure_ascii=False, separators=(",", ":"))
        for name, value in messages.items()
    }


def _text(content: str) -> dict[str, str]:
    return {"type": "text", "content": content}

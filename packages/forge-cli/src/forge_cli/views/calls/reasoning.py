"""What a model thought before it answered, as far as its provider told; pure."""

from collections.abc import Iterator
from typing import Any

from forge_cli.views.json_text import load_object

APART = "\n\n"
"""What stands between two thoughts."""


def read_reasoning(messages_json: str | None) -> str | None:
    """Read the reasoning out of a call's messages; None where none is on record."""
    return APART.join(_list_thoughts(load_object(messages_json).get("output"))) or None


def _list_thoughts(messages: Any) -> Iterator[str]:  # noqa: ANN401 - whatever was stored
    for message in messages if isinstance(messages, list) else ():
        parts = message.get("parts") if isinstance(message, dict) else None
        for part in parts if isinstance(parts, list) else ():
            if isinstance(part, dict) and part.get("type") == "reasoning":
                text = part.get("content")
                if isinstance(text, str) and text.strip():
                    yield text

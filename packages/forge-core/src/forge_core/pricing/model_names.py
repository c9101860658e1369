"""Names of models that genai-prices knows, kept on disk: importing the library takes half a second.

They are offered to who types one, and say nothing of what a provider has.
"""

import json
import os
from contextlib import suppress
from pathlib import Path
from typing import Any

from forge_core.pricing.catalogue import get_cache_path, get_data_version

FILE = "model-names.json"
"""Name of the file beside the one of prices."""

SAME_MODELS = {
    "openai-chat": "openai",
    "openai-responses": "openai",
    "azure-responses": "azure",
    "google-cloud": "google",
    "bedrock": "aws",
    "xai": "x-ai",
}
"""Providers by whose name the library has the models of others."""

NO_TEXT = (
    "audio",
    "dall-e",
    "embed",
    "image",
    "moderation",
    "realtime",
    "speech",
    "tts",
    "whisper",
)
"""Parts of the names of models that write no text."""


def list_model_names(provider: str) -> list[str]:
    """List the names of a provider's models, in order; nothing is raised where none are known."""
    names = _load_names()
    mine = names.get(SAME_MODELS.get(provider, provider), ())
    return [name for name in mine if not any(part in name.lower() for part in NO_TEXT)]


def _load_names() -> dict[str, list[str]]:
    """Read the names by provider from the file, or from the library where that is not current."""
    prices = get_cache_path(os.environ)
    path = None if prices is None else prices.with_name(FILE)
    version = get_data_version()
    if path is not None:
        with suppress(OSError, ValueError, KeyError, TypeError):
            document: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
            if document["version"] == version:
                return {str(key): list(map(str, names)) for key, names in document["names"].items()}
    names = _ask_library()
    if path is not None:
        _write(path, {"version": version, "names": names})
    return names


def _ask_library() -> dict[str, list[str]]:
    from genai_prices.data_snapshot import get_snapshot  # noqa: PLC0415 - slow

    return {
        provider.id: sorted({model.id for model in provider.models})
        for provider in get_snapshot().providers
    }


def _write(path: Path, document: dict[str, Any]) -> None:
    from forge_core.files.private import make_private, replace_private  # noqa: PLC0415 - seldom

    with suppress(OSError):
        make_private(path.parent)
        replace_private(path, json.dumps(document).encode())

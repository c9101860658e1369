"""The providers that a model's name may begin with, and what each needs."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from forge_core.errors import ModelNotConfigured
from forge_core.llm.errors import ModelFailure
from forge_core.llm.scripted import load_script

OLLAMA_URL = "http://localhost:11434/v1"
"""Where Ollama listens unless `OLLAMA_BASE_URL` says otherwise."""


@dataclass(frozen=True, slots=True)
class Provider:
    """What a provider reads from the environment."""

    key_variable: str | None
    url_variable: str | None
    key_optional_with_url: bool = False
    """A server of one's own may want no key."""


PROVIDERS: Mapping[str, Provider] = {
    "anthropic": Provider("ANTHROPIC_API_KEY", "ANTHROPIC_BASE_URL"),
    "openai": Provider("OPENAI_API_KEY", "OPENAI_BASE_URL", key_optional_with_url=True),
    "openai-chat": Provider("OPENAI_API_KEY", "OPENAI_BASE_URL", key_optional_with_url=True),
    "ollama": Provider(None, "OLLAMA_BASE_URL"),
}
"""Providers over the network, by the word before the colon."""

SCRIPTED = "scripted"
"""The word before a script's path."""


def split_model(spec: str) -> tuple[str, str]:
    """Split `provider:name`.

    Raises:
        ModelNotConfigured: The provider is unknown or a part is missing.
    """
    provider, _, name = spec.partition(":")
    if (provider not in PROVIDERS and provider != SCRIPTED) or not name:
        known = ", ".join(f"{word}:…" for word in (*PROVIDERS, SCRIPTED))
        raise ModelNotConfigured(f"model {spec!r} is not of the form provider:name ({known})")
    return provider, name


def check_model(spec: str) -> None:
    """Check that a model can be called as it is configured, without calling it.

    Raises:
        ModelNotConfigured: It cannot; the message names the way out.
    """
    provider, name = split_model(spec)
    if provider == SCRIPTED:
        try:
            load_script(Path(name))
        except ModelFailure as error:
            raise ModelNotConfigured(str(error)) from error
        return
    wants = PROVIDERS[provider]
    if wants.key_variable is None or os.environ.get(wants.key_variable):
        return
    if wants.key_optional_with_url and wants.url_variable and os.environ.get(wants.url_variable):
        return
    hint = f" (or {wants.url_variable} to a server without one)" * wants.key_optional_with_url
    raise ModelNotConfigured(f"model {spec!r} needs a key: set {wants.key_variable}{hint}")

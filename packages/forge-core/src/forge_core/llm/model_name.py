"""What may stand before the colon of `provider:name`, as data; pure."""

import posixpath
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from forge_core.errors import ModelNotConfigured


@dataclass(frozen=True, slots=True)
class Provider:
    """Where a provider listens and what it wants, under the names that its own library reads."""

    url_variable: str
    default_url: str
    """Where it listens unless `url_variable` says otherwise."""
    key_variable: str
    key_needed: Literal["always", "unless_url_is_set", "never"] = "always"
    """A server of one's own, named by `url_variable`, may want no key."""


PROVIDERS: Mapping[str, Provider] = {
    "anthropic": Provider("ANTHROPIC_BASE_URL", "https://api.anthropic.com", "ANTHROPIC_API_KEY"),
    "openai": Provider(
        "OPENAI_BASE_URL", "https://api.openai.com/v1", "OPENAI_API_KEY", "unless_url_is_set"
    ),
    "openai-chat": Provider(
        "OPENAI_BASE_URL", "https://api.openai.com/v1", "OPENAI_API_KEY", "unless_url_is_set"
    ),
    "ollama": Provider("OLLAMA_BASE_URL", "http://localhost:11434/v1", "OLLAMA_API_KEY", "never"),
}
"""Providers over the network: `openai` is the responses interface, `openai-chat` the older one."""

SCRIPTED = "scripted"
"""The word before the path of a script."""


def anchor_model(spec: str, directory: str) -> str:
    """Return the name with a scripted model's path made absolute, valid in any directory."""
    word, name = split_model(spec)
    return f"{word}:{posixpath.join(directory, name)}" if word == SCRIPTED else spec


def split_model(spec: str) -> tuple[str, str]:
    """Split `provider:name`; the name may hold colons itself.

    Raises:
        ModelNotConfigured: The provider is unknown or a part is missing.
    """
    provider, _, name = spec.partition(":")
    providers = ", ".join((*PROVIDERS, SCRIPTED))
    if not name.strip():
        raise ModelNotConfigured(f"model {spec!r} is not of the form provider:name ({providers})")
    if provider not in PROVIDERS and provider != SCRIPTED:
        raise ModelNotConfigured(f"model {spec!r}: unknown provider {provider!r} ({providers})")
    return provider, name

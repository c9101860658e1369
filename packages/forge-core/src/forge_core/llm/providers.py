"""Whether a model can be called with this environment, and under which address and key."""

import os
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from forge_core.errors import ModelNotConfigured
from forge_core.llm.errors import ModelFailure
from forge_core.llm.model_name import PROVIDERS, SCRIPTED, Provider, split_model
from forge_core.llm.script import load_script


@dataclass(frozen=True, slots=True)
class Access:
    """How a provider is reached."""

    url: str
    key: str | None
    url_is_set: bool
    """Whether the environment names the address."""


def read_access(provider: Provider) -> Access:
    """Read a provider's address and key from the environment; an empty variable is not set."""
    url = os.environ.get(provider.url_variable, "").strip()
    key = os.environ.get(provider.key_variable, "").strip()
    return Access(url or provider.default_url, key or None, bool(url))


def check_model(spec: str) -> None:
    """Check that a model can be called as it is configured, without calling it.

    Reads the environment or the script, nothing over the network.

    Raises:
        ModelNotConfigured: It cannot; the message names the way out.
    """
    word, name = split_model(spec)
    if word == SCRIPTED:
        _check_script(Path(name))
        return
    provider = PROVIDERS[word]
    access = read_access(provider)
    if not _is_url(access.url):
        raise ModelNotConfigured(
            f"model {spec!r} cannot be reached: {provider.url_variable} is {access.url!r}, "
            "which is not a valid http:// or https:// address"
        )
    if access.key is None and _needs_key(provider, access):
        raise ModelNotConfigured(f"model {spec!r} needs a key: set {_name_ways_out(provider)}")
    if access.key is not None and not (access.key.isascii() and access.key.isprintable()):
        # Sent as a header it would fail later, quoted in the error.
        raise ModelNotConfigured(
            f"{provider.key_variable} contains characters that are never part of a key"
        )


def _check_script(path: Path) -> None:
    try:
        load_script(path)
    except ModelFailure as error:
        raise ModelNotConfigured(str(error)) from error


def _is_url(text: str) -> bool:
    try:
        parts = urlsplit(text)
        return parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False


def _needs_key(provider: Provider, access: Access) -> bool:
    if provider.key_needed == "unless_url_is_set":
        return not access.url_is_set
    return provider.key_needed == "always"


def _name_ways_out(provider: Provider) -> str:
    if provider.key_needed == "unless_url_is_set":
        return f"{provider.key_variable}, or {provider.url_variable} for a server without one"
    return provider.key_variable

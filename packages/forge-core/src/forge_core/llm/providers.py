"""Whether a model can be called with this environment, and under which address and key."""

import os
import re
from dataclasses import dataclass
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import urlsplit

from forge_core.errors import ModelNotConfigured
from forge_core.llm.errors import ModelFailure
from forge_core.llm.model_name import PROVIDERS, SCRIPTED, Provider, split_model
from forge_core.llm.script import load_script

PLACE = re.compile(r"\{([A-Z_]+)\}")
"""Where a default address holds the value of a variable."""

VERSIONED = re.compile(r"/v1/*$|\.models\.ai\.azure\.com")
"""Addresses of Azure's interface that has no versions."""


@dataclass(frozen=True, slots=True)
class Access:
    """How a provider is reached."""

    url: str
    key: str | None
    url_is_set: bool
    """Whether the environment names the address."""


def read_access(provider: Provider) -> Access:
    """Read a provider's address and key from the environment; an empty variable is not set."""
    url = _read(provider.url_variable)
    key = next(filter(None, map(_read, provider.key_variables)), None)
    default = PLACE.sub(lambda name: _read(name[1]), provider.default_url or "")
    return Access(url or default, key, bool(url))


def list_keys(provider: Provider) -> list[str]:
    """Return all keys of a provider that are set, the one that counts first."""
    return [key for key in map(_read, provider.key_variables) if key]


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
    if not is_installed(provider.module):
        raise ModelNotConfigured(
            f"model {spec!r} needs a package that is not installed: "
            f"pydantic-ai-slim[{provider.extra}]=={version('pydantic-ai-slim')}"
        )
    access = read_access(provider)
    _check_address(spec, provider, access)
    if access.key is None and _needs_key(provider, access):
        raise ModelNotConfigured(f"model {spec!r} needs a key: set {_name_ways_out(provider)}")
    if access.key is not None and not (access.key.isascii() and access.key.isprintable()):
        # Sent as a header it would fail later, quoted in the error.
        name = next(name for name in provider.key_variables if _read(name) == access.key)
        raise ModelNotConfigured(f"{name} contains characters that are never part of a key")


def _check_address(spec: str, provider: Provider, access: Access) -> None:
    variable = provider.version_variable
    if variable and access.url_is_set and not (_read(variable) or VERSIONED.search(access.url)):
        raise ModelNotConfigured(
            f"model {spec!r} needs the version of its interface: set {variable}, or let "
            f"{provider.url_variable} end in /openai/v1/"
        )
    if access.url_is_set:
        if not _is_url(access.url):
            raise ModelNotConfigured(
                f"model {spec!r} cannot be reached: {provider.url_variable} is {access.url!r}, "
                "which is not a valid http:// or https:// address"
            )
    elif provider.default_url is None:
        raise ModelNotConfigured(f"model {spec!r} needs an address: set {provider.url_variable}")
    else:
        missing = [name for name in PLACE.findall(provider.default_url) if not _read(name)]
        if missing:
            raise ModelNotConfigured(f"model {spec!r} needs an address: set {missing[0]}")


def _read(variable: str) -> str:
    return os.environ.get(variable, "").strip()


def is_installed(module: str) -> bool:
    """Return whether a module is there, without importing it."""
    try:
        return find_spec(module) is not None
    except ModuleNotFoundError:  # of the package around it
        return False


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

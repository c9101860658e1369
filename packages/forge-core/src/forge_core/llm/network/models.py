"""Building the library's model of a provider's."""

from collections.abc import Mapping
from functools import cache
from inspect import signature
from typing import Any, cast

import httpx2
from pydantic_ai.models import Model, infer_model
from pydantic_ai.models.openai import OpenAIChatModel, OpenAIResponsesModel
from pydantic_ai.profiles import ModelProfile, merge_profile
from pydantic_ai.profiles.openai import OpenAIModelProfile
from pydantic_ai.providers import Provider as Library
from pydantic_ai.providers import infer_provider_class
from pydantic_ai.providers.gateway import gateway_provider
from pydantic_ai.providers.openai_compatible import OpenAICompatibleProvider

from forge_core.llm.model_name import PROVIDERS, split_model
from forge_core.llm.providers import Access, read_access

NO_KEY = "none"
"""Sent to a server of one's own where no key is set; the libraries refuse an empty one."""

VERBATIM = ModelProfile(may_tokenize_special_tokens_in_content=False, supports_thinking=True)
"""Send prompts as they are: no joiners inside what looks like a chat template's token.

And send what is set of reasoning to every model: one that does not take it says so.
"""

OLLAMA = merge_profile(
    VERBATIM, OpenAIModelProfile(openai_chat_supports_max_completion_tokens=False)
)
"""As `VERBATIM`; Ollama limits the answer by `max_tokens` and ignores the newer name."""

ARGUMENTS: Mapping[str, tuple[str | None, str | None]] = {
    "azure": ("api_key", "azure_endpoint"),
    "azure-responses": ("api_key", "azure_endpoint"),
    "cohere": ("api_key", None),
    "google-cloud": (None, None),
    "litellm": ("api_key", "api_base"),
    "snowflake": ("token", "base_url"),
}
"""Names of the arguments for key and address; None where the library reads the environment."""

USUAL = ("api_key", "base_url")


def build_model(spec: str, http: httpx2.AsyncClient) -> Model:
    """Build the client of a model on an HTTP client; the environment names address and key."""
    word, name = split_model(spec)
    provider = PROVIDERS[word]
    access = read_access(provider)
    profile = OLLAMA if word == "ollama" else VERBATIM
    if provider.interface == "openai":
        compatible = OpenAICompatibleProvider(
            word, base_url=access.url, api_key=access.key, http_client=http
        )
        return OpenAIChatModel(name, provider=compatible, profile=profile)
    library = _connect(word, access, http)
    inferred: Any = type(infer_model(f"{word}:{name}", provider_factory=lambda _: library))
    model: Model = inferred(name, provider=library, profile=profile)
    if isinstance(model, OpenAIResponsesModel):
        _prepare_events()
    return model


@cache
def _prepare_events() -> None:
    """Build the models of a response's events in a tenth of the time that the first event takes.

    The library builds them one by one when it comes, and the event loop stands still.
    """
    from openai.types.responses import Response, ResponseOutputItemAddedEvent  # noqa: PLC0415

    Response.model_rebuild()
    ResponseOutputItemAddedEvent.model_rebuild()


def _connect(word: str, access: Access, http: httpx2.AsyncClient) -> Library[Any]:
    if word.startswith("gateway/"):
        route: Any = gateway_provider  # whose overloads name every provider by itself
        url = access.url or None
        gateway: Library[Any] = route(
            word.removeprefix("gateway/"), api_key=access.key, base_url=url, http_client=http
        )
        return gateway
    library: Any = infer_provider_class(word)
    if PROVIDERS[word].client == "botocore":
        return cast("Library[Any]", library(bedrock_client=_build_botocore(http)))
    key, url_name = ARGUMENTS.get(word, USUAL)
    settable = url_name in signature(library).parameters
    named = {key: access.key or NO_KEY, url_name if settable else None: access.url}
    arguments = {name: value for name, value in named.items() if name is not None}
    client = _build_legacy(http) if PROVIDERS[word].client == "httpx" else http
    connected: Library[Any] = library(**arguments, http_client=client)
    if access.url_is_set and not settable and PROVIDERS[word].module == "openai":
        connected.client.base_url = access.url
    return connected


def _build_legacy(http: httpx2.AsyncClient) -> object:
    from forge_core.llm.network.legacy_client import build_legacy_client  # noqa: PLC0415

    return build_legacy_client(http)


def _build_botocore(http: httpx2.AsyncClient) -> object:
    from forge_core.llm.network.botocore_client import build_botocore_client  # noqa: PLC0415

    return build_botocore_client("bedrock-runtime", http)

"""Building the library's model of a provider's."""

import httpx2
from pydantic_ai.models import Model
from pydantic_ai.models.anthropic import AnthropicModel
from pydantic_ai.models.ollama import OllamaModel
from pydantic_ai.models.openai import OpenAIChatModel, OpenAIResponsesModel
from pydantic_ai.profiles import ModelProfile
from pydantic_ai.profiles.openai import OpenAIModelProfile
from pydantic_ai.providers.anthropic import AnthropicProvider
from pydantic_ai.providers.ollama import OllamaProvider
from pydantic_ai.providers.openai import OpenAIProvider

from forge_core.llm.model_name import PROVIDERS, split_model
from forge_core.llm.providers import read_access

NO_KEY = "none"
"""Sent to a server of one's own where no key is set; the libraries refuse an empty one."""

VERBATIM = ModelProfile(may_tokenize_special_tokens_in_content=False)
"""Send prompts as they are: no joiners inside what looks like a chat template's token."""

OLLAMA = OpenAIModelProfile(
    may_tokenize_special_tokens_in_content=False,
    openai_chat_supports_max_completion_tokens=False,
)
"""As `VERBATIM`; Ollama limits the answer by `max_tokens` and ignores the newer name."""


def build_model(spec: str, http: httpx2.AsyncClient) -> Model:
    """Build the client of a model on an HTTP client; the environment names address and key."""
    provider, name = split_model(spec)
    access = read_access(PROVIDERS[provider])
    key = access.key or NO_KEY
    if provider == "anthropic":
        anthropic = AnthropicProvider(api_key=key, base_url=access.url, http_client=http)
        return AnthropicModel(name, provider=anthropic, profile=VERBATIM)
    if provider == "ollama":
        ollama = OllamaProvider(api_key=key, base_url=access.url, http_client=http)
        return OllamaModel(name, provider=ollama, profile=OLLAMA)
    openai = OpenAIProvider(api_key=key, base_url=access.url, http_client=http)
    if provider == "openai":
        return OpenAIResponsesModel(name, provider=openai, profile=VERBATIM)
    return OpenAIChatModel(name, provider=openai, profile=VERBATIM)

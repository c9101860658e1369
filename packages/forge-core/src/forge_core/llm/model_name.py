"""What may stand before the colon of `provider:name`, as data; pure.

The names are pydantic-ai's own, and so are the variables for keys and addresses wherever it or the
provider's library reads one. See D76.
"""

import posixpath
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Literal

from forge_core.errors import ModelNotConfigured


@dataclass(frozen=True, slots=True)
class Provider:
    """Where a provider listens, what it wants, and what its client is made of."""

    url_variable: str
    default_url: str | None
    """Where it listens unless `url_variable` says otherwise; `{NAME}` in it is a variable's value.

    Empty where its library works that out, None where there is no such place.
    """
    key_variables: tuple[str, ...]
    """Variables of which the first that is set holds the key."""
    key_needed: Literal["always", "unless_url_is_set", "never"] = "always"
    """A server of one's own, named by `url_variable`, may want no key."""
    extra: str = "openai"
    """The extra of pydantic-ai-slim that brings its client."""
    module: str = "openai"
    """A module that is there if the extra is."""
    client: Literal["httpx2", "httpx", "botocore"] = "httpx2"
    """What its client sends requests by."""
    interface: Literal["own", "openai"] = "own"
    """Whether it is asked through pydantic-ai's model of its name, or as OpenAI's chat."""
    version_variable: str = ""
    """Variable for the version of its interface, unless the address ends in `/v1`."""

    @property
    def key_variable(self) -> str:
        """The variable to set for its key."""
        return self.key_variables[0]


def _hosted(name: str, url: str) -> Provider:
    """Describe a service that speaks as OpenAI's chat does, under variables of the usual names."""
    return Provider(f"{name}_BASE_URL", url, (f"{name}_API_KEY",))


def _openai() -> Provider:
    url = "https://api.openai.com/v1"
    return Provider("OPENAI_BASE_URL", url, ("OPENAI_API_KEY",), "unless_url_is_set")


def _azure() -> Provider:
    return Provider(
        "AZURE_OPENAI_ENDPOINT",
        None,
        ("AZURE_OPENAI_API_KEY",),
        version_variable="OPENAI_API_VERSION",
    )


def _google(kind: str, *, url: str, keys: tuple[str, ...] = ()) -> Provider:
    names = ("GOOGLE_API_KEY", "GEMINI_API_KEY", *keys)
    return Provider(f"GOOGLE_{kind}_BASE_URL", url, names, extra="google", module="google.genai")


def _gateway(extra: str, module: str) -> Provider:
    return Provider(
        "PYDANTIC_AI_GATEWAY_BASE_URL",
        "",
        ("PYDANTIC_AI_GATEWAY_API_KEY", "PAIG_API_KEY"),
        extra=extra,
        module=module,
    )


PROVIDERS: Mapping[str, Provider] = {
    "anthropic": Provider(
        "ANTHROPIC_BASE_URL",
        "https://api.anthropic.com",
        ("ANTHROPIC_API_KEY",),
        extra="anthropic",
        module="anthropic",
    ),
    "openai": _openai(),
    "openai-chat": _openai(),
    "openai-responses": _openai(),
    "google": _google("GEMINI", url="https://generativelanguage.googleapis.com"),
    "google-cloud": _google("VERTEX", url="", keys=("GOOGLE_APPLICATION_CREDENTIALS",)),
    "openrouter": _hosted("OPENROUTER", "https://openrouter.ai/api/v1"),
    "azure": _azure(),
    "azure-responses": _azure(),
    "bedrock": Provider(
        "AWS_ENDPOINT_URL_BEDROCK_RUNTIME",
        "https://bedrock-runtime.{AWS_DEFAULT_REGION}.amazonaws.com",
        ("AWS_BEARER_TOKEN_BEDROCK", "AWS_SECRET_ACCESS_KEY"),
        "never",  # the AWS library also finds credentials in files and at the machine
        extra="bedrock",
        module="boto3",
        client="botocore",
    ),
    "bedrock-mantle": Provider(
        "BEDROCK_MANTLE_BASE_URL",
        "https://bedrock-mantle.{AWS_DEFAULT_REGION}.api.aws",
        ("AWS_BEARER_TOKEN_BEDROCK",),
        extra="bedrock-mantle",
        module="botocore",
    ),
    "mistral": Provider(
        "MISTRAL_BASE_URL",
        "https://api.mistral.ai",
        ("MISTRAL_API_KEY",),
        extra="mistral",
        module="mistralai",
    ),
    "groq": Provider(
        "GROQ_BASE_URL",
        "https://api.groq.com",
        ("GROQ_API_KEY",),
        extra="groq",
        module="groq",
        client="httpx",
    ),
    "cohere": Provider(
        "CO_BASE_URL",
        "https://api.cohere.com",
        ("CO_API_KEY",),
        extra="cohere",
        module="cohere",
        client="httpx",
    ),
    "xai": Provider("XAI_BASE_URL", "https://api.x.ai/v1", ("XAI_API_KEY",), interface="openai"),
    "huggingface": Provider(
        "HUGGINGFACE_BASE_URL",
        "https://router.huggingface.co/v1",
        ("HF_TOKEN",),
        interface="openai",
    ),
    "deepseek": _hosted("DEEPSEEK", "https://api.deepseek.com"),
    "together": _hosted("TOGETHER", "https://api.together.xyz/v1"),
    "fireworks": _hosted("FIREWORKS", "https://api.fireworks.ai/inference/v1"),
    "cerebras": _hosted("CEREBRAS", "https://api.cerebras.ai/v1"),
    "alibaba": Provider(
        "ALIBABA_BASE_URL",
        "https://dashscope-intl.aliyuncs.com/compatible-mode/v1",
        ("ALIBABA_API_KEY", "DASHSCOPE_API_KEY"),
    ),
    "crusoe": _hosted("CRUSOE", "https://api.inference.crusoecloud.com/v1"),
    "github-copilot": Provider(
        "GITHUB_COPILOT_BASE_URL",
        "https://api.githubcopilot.com",
        ("GITHUB_COPILOT_API_KEY", "GITHUB_COPILOT_API_TOKEN", "COPILOT_GITHUB_TOKEN"),
    ),
    "heroku": Provider(
        "HEROKU_INFERENCE_URL", "https://us.inference.heroku.com", ("HEROKU_INFERENCE_KEY",)
    ),
    "meta": _hosted("META", "https://api.meta.ai/v1"),
    "moonshotai": _hosted("MOONSHOTAI", "https://api.moonshot.ai/v1"),
    "nebius": _hosted("NEBIUS", "https://api.studio.nebius.com/v1"),
    "ovhcloud": _hosted("OVHCLOUD", "https://oai.endpoints.kepler.ai.cloud.ovh.net/v1"),
    "sambanova": _hosted("SAMBANOVA", "https://api.sambanova.ai/v1"),
    "snowflake": Provider(
        "SNOWFLAKE_BASE_URL",
        "https://{SNOWFLAKE_ACCOUNT}.snowflakecomputing.com/api/v2/cortex/v1",
        ("SNOWFLAKE_TOKEN",),
    ),
    "vercel": Provider(
        "VERCEL_AI_GATEWAY_BASE_URL",
        "https://ai-gateway.vercel.sh/v1",
        ("VERCEL_AI_GATEWAY_API_KEY", "VERCEL_OIDC_TOKEN"),
    ),
    "zai": _hosted("ZAI", "https://api.z.ai/api/paas/v4"),
    "gateway/anthropic": _gateway("anthropic", "anthropic"),
    "gateway/google-cloud": _gateway("google", "google.genai"),
    "gateway/openai": _gateway("openai", "openai"),
    "gateway/openai-chat": _gateway("openai", "openai"),
    "litellm": Provider("LITELLM_BASE_URL", None, ("LITELLM_API_KEY",), "never"),
    "vllm": Provider("VLLM_BASE_URL", None, ("VLLM_API_KEY",), "never"),
    "ollama": Provider(
        "OLLAMA_BASE_URL", "http://localhost:11434/v1", ("OLLAMA_API_KEY",), "never"
    ),
}
"""Providers over the network: `openai` is the responses interface, `openai-chat` the older one."""

DECIDES = "chooses between given answers and writes no text"
EMBEDS = "turns texts into vectors and writes none"
LOGS_IN = "logs a person in instead of taking a key: use openai with OPENAI_API_KEY"
FOR_TESTS = "is for tests of programs: use scripted:FILE.json"

REFUSED: Mapping[str, str] = {
    "openai-chatgpt": LOGS_IN,
    "openai-codex": LOGS_IN,
    "openai-decisions": DECIDES,
    "google-decisions": DECIDES,
    "typesafe": DECIDES,
    "system-one": DECIDES,
    "sentence-transformers": EMBEDS,
    "voyageai": EMBEDS,
    "elevenlabs": "speaks and writes no text",
    "github": "was retired in July 2026: use github-copilot",
    "grok": "is called xai",
    "google-gla": "is called google",
    "google-vertex": "is called google-cloud",
    "gateway/bedrock": "is asked directly only, as bedrock",
    "gateway/groq": "is asked directly only, as groq",
    "test": FOR_TESTS,
    "function": FOR_TESTS,
}
"""Names that pydantic-ai has or had, and why no model is asked by them."""

FAMILIES: Mapping[str, str] = {
    "ollama": "gpt-oss llama qwen gemma phi starcoder codellama",
    "openai": "gpt- chatgpt- codex- o1 o3 o4",
    "anthropic": "claude-",
    "google": "gemini-",
    "mistral": "mistral- codestral devstral magistral ministral pixtral",
    "xai": "grok-",
    "deepseek": "deepseek-",
    "cohere": "command-",
    "moonshotai": "kimi-",
    "zai": "glm-",
}
"""Beginnings of names of models by who is most often asked for them; the first that fits counts."""

OFTEN_MEANT = ("anthropic", "openai", "google", "openrouter", "ollama")
"""Providers that stand for all in a message."""

SCRIPTED = "scripted"
"""The word before the path of a script."""


def anchor_model(spec: str, directory: str) -> str:
    """Return the name with a scripted model's path made absolute, valid in any directory."""
    word, name = split_model(spec)
    return f"{word}:{posixpath.join(directory, name)}" if word == SCRIPTED else spec


def split_model(spec: str) -> tuple[str, str]:
    """Split `provider:name`; the name may hold colons itself.

    Raises:
        ModelNotConfigured: The provider is unknown or cannot be asked, or a part is missing.
    """
    provider, colon, name = spec.partition(":")
    if provider in REFUSED:
        raise ModelNotConfigured(f"model {spec!r}: {provider} {REFUSED[provider]}")
    if not name.strip():
        missing = "model" if colon or spec.lower() in PROVIDERS else "provider"
        near = _guess(spec.rstrip(":"))
        hint = f"did you mean {near}?" if near else f"write provider:name ({_list_names()})"
        raise ModelNotConfigured(f"model {spec!r} names no {missing}: {hint}")
    if provider not in PROVIDERS and provider != SCRIPTED:
        if (guess := _guess(spec)) is not None:  # of a server of one's own, with a tag
            raise ModelNotConfigured(f"model {spec!r}: did you mean {guess}?")
        alike = get_close_matches(provider.lower(), (*PROVIDERS, SCRIPTED), n=1)
        hint = f": did you mean {alike[0]}:{name}?" if alike else f" ({_list_names()})"
        raise ModelNotConfigured(f"model {spec!r}: unknown provider {provider!r}{hint}")
    return provider, name


def _guess(spec: str) -> str | None:
    """Guess what a name without a provider was meant for; None where nothing suggests itself."""
    maker, _, name = spec.partition("/")
    if spec.lower().endswith(".json"):
        return f"{SCRIPTED}:{spec}"
    if name and maker.lower() in PROVIDERS:
        return f"{maker.lower()}:{name}"
    if spec.lower() in PROVIDERS:
        return f"{spec.lower()}:NAME"
    families = ((name, provider) for provider, names in FAMILIES.items() for name in names.split())
    provider = next((p for name, p in families if spec.lower().startswith(name)), None)
    return None if provider is None else f"{provider}:{spec}"


def _list_names() -> str:
    some = ", ".join(f"{name}:NAME" for name in OFTEN_MEANT)
    return f"{some}, {SCRIPTED}:FILE.json or one of {len(PROVIDERS) - len(OFTEN_MEANT)} others"

"""What everybody calls the same figure: paths in a usage report, the best spelling first.

Paths are in snake case, whatever the report's own style; parts are joined by dots. A list's items
are named by their modality (`text`, `audio`, …) or lifetime (`5m`, `1h`). Who uses which:

- OpenAI chat: `prompt_tokens`, `completion_tokens`, `…_tokens_details`; so do DeepSeek, Groq, Kimi,
  LiteLLM, Mistral, OpenRouter, xAI and most compatible servers, with fields of their own besides
- OpenAI responses: `input_tokens`, `output_tokens`, `…_tokens_details`; its realtime interface and
  LangChain's `usage_metadata` say `…_token_details`
- Anthropic: `input_tokens` without the cache, `cache_read_input_tokens`, `cache_creation…`
- Gemini: `promptTokenCount`, `candidatesTokenCount`, `thoughtsTokenCount`
- Bedrock: `inputTokens`, `cacheReadInputTokens`, `cacheDetails`
- Cohere: `billed_units` and `tokens`; Ollama: `prompt_eval_count`, `eval_count`
- OpenTelemetry: `gen_ai.usage.…`; OpenInference: `llm.token_count.…`; Vercel: `ai.usage.…`
- pydantic-ai: what its providers report besides, below `details`, where cached tokens are within

See D81.
"""

from collections.abc import Mapping
from typing import Final

INPUT: Final = "input_tokens"
OUTPUT: Final = "output_tokens"
CACHE_READ: Final = "cache_read_tokens"
CACHE_WRITE: Final = "cache_write_tokens"
CACHE_WRITE_5M: Final = "cache_write_5m_tokens"
CACHE_WRITE_1H: Final = "cache_write_1h_tokens"
REASONING: Final = "reasoning_tokens"
TOTAL: Final = "total_tokens"
TOOL_PROMPT: Final = "tool_prompt_tokens"
TOOL_PROMPT_AUDIO: Final = "tool_prompt_audio_tokens"
CITATIONS: Final = "citation_tokens"
INPUT_AUDIO: Final = "input_audio_tokens"
OUTPUT_AUDIO: Final = "output_audio_tokens"
CACHE_READ_AUDIO: Final = "cache_read_audio_tokens"
INPUT_IMAGE: Final = "input_image_tokens"
OUTPUT_IMAGE: Final = "output_image_tokens"

COUNTS: Final[Mapping[str, tuple[str, ...]]] = {
    INPUT: (
        "prompt_tokens",
        "input_tokens",
        "prompt_token_count",
        "billed_units.input_tokens",
        "tokens.input_tokens",
        "prompt_eval_count",
        "input_token_count",
        "input_text_token_count",
        "llm.token_count.prompt",
        "ai.usage.tokens",
    ),
    OUTPUT: (
        "completion_tokens",
        "output_tokens",
        "candidates_token_count",
        "response_token_count",
        "billed_units.output_tokens",
        "tokens.output_tokens",
        "eval_count",
        "output_token_count",
        "completion_token_count",
        "generated_tokens",
        "llm.token_count.completion",
    ),
    CACHE_READ: (
        "prompt_tokens_details.cached_tokens",
        "input_tokens_details.cached_tokens",
        "input_token_details.cached_tokens",
        "input_token_details.cache_read",
        "input_token_details.cache_read_tokens",
        "input_tokens_details.cache_read_input_tokens",
        "cache_read_input_tokens",
        "cacheReadTokens",
        "cached_content_token_count",
        "cache_read_tokens",
        "cached_tokens",
        "prompt_cache_hit_tokens",
        "num_cached_tokens",
        "cached_prompt_text_tokens",
        "cached_input_tokens",
        "cache_read_input_token_count",
        "cache_read.input_tokens",
        "details.cache_read_tokens",
        "details.cached_tokens",
        "details.cache_read_input_tokens",
        "llm.token_count.prompt_details.cache_read",
    ),
    CACHE_WRITE: (
        "prompt_tokens_details.cache_write_tokens",
        "prompt_tokens_details.cache_creation_tokens",
        "input_tokens_details.cache_write_tokens",
        "input_token_details.cache_creation",
        "input_token_details.cache_write_tokens",
        "cache_creation_input_tokens",
        "cache_write_input_tokens",
        "cacheWriteTokens",
        "cache_write_tokens",
        "cache_creation_tokens",
        "cache_write_input_token_count",
        "cache_creation.input_tokens",
        "cache_write.input_tokens",
        "details.cache_write_tokens",
        "details.cache_creation_input_tokens",
        "llm.token_count.prompt_details.cache_write",
    ),
    CACHE_WRITE_5M: (
        "cache_creation.ephemeral_5m_input_tokens",
        "cache_details.5m",
        "cache_write_5m_tokens",
        "input_token_details.ephemeral_5m_input_tokens",
        "prompt_tokens_details.cache_creation_token_details.ephemeral_5m_input_tokens",
    ),
    CACHE_WRITE_1H: (
        "cache_creation.ephemeral_1h_input_tokens",
        "cache_details.1h",
        "cache_write_1h_tokens",
        "input_token_details.ephemeral_1h_input_tokens",
        "prompt_tokens_details.cache_creation_token_details.ephemeral_1h_input_tokens",
    ),
    REASONING: (
        "completion_tokens_details.reasoning_tokens",
        "output_tokens_details.reasoning_tokens",
        "output_tokens_details.thinking_tokens",
        "output_token_details.reasoning",
        "output_token_details.reasoning_tokens",
        "thoughts_token_count",
        "reasoning_tokens",
        "output_reasoning_tokens",
        "reasoning_output_tokens",
        "thinking_tokens",
        "reasoning.output_tokens",
        "details.reasoning_tokens",
        "details.thinking_tokens",
        "details.thoughts_tokens",
        "llm.token_count.completion_details.reasoning",
    ),
    TOTAL: ("total_tokens", "total_token_count", "llm.token_count.total"),
    TOOL_PROMPT: ("tool_use_prompt_token_count",),
    TOOL_PROMPT_AUDIO: ("tool_use_prompt_tokens_details.audio",),
    CITATIONS: ("citation_tokens",),
    INPUT_AUDIO: (
        "prompt_tokens_details.audio_tokens",
        "input_tokens_details.audio_tokens",
        "input_token_details.audio_tokens",
        "input_token_details.audio",
        "prompt_tokens_details.audio",
        "input_audio_tokens",
        "llm.token_count.prompt_details.audio",
    ),
    OUTPUT_AUDIO: (
        "completion_tokens_details.audio_tokens",
        "output_tokens_details.audio_tokens",
        "output_token_details.audio_tokens",
        "output_token_details.audio",
        "candidates_tokens_details.audio",
        "response_tokens_details.audio",
        "output_audio_tokens",
        "llm.token_count.completion_details.audio",
    ),
    CACHE_READ_AUDIO: (
        "input_token_details.cached_tokens_details.audio_tokens",
        "prompt_tokens_details.cached_tokens_details.audio_tokens",
        "cache_tokens_details.audio",
        "cache_audio_read_tokens",
    ),
    INPUT_IMAGE: (
        "prompt_tokens_details.image_tokens",
        "input_tokens_details.image_tokens",
        "input_token_details.image_tokens",
        "prompt_tokens_details.image",
        "prompt_image_tokens",
        "input_image_tokens",
    ),
    OUTPUT_IMAGE: (
        "completion_tokens_details.image_tokens",
        "output_tokens_details.image_tokens",
        "candidates_tokens_details.image",
        "output_image_tokens",
    ),
}
"""Spellings of counts by what they count."""

TIERS: Final = (
    "service_tier",
    "service_tier.type",
    "traffic_type",
    "openai.response.service_tier",
    "gen_ai.openai.response.service_tier",
)
"""Spellings of how urgently a request was served."""

DOLLARS: Final[Mapping[str, float]] = {
    "cost": 1.0,
    "cost_usd": 1.0,
    "total_cost": 1.0,
    "total_cost_usd": 1.0,
    "cost.total_cost": 1.0,
    "response_cost": 1.0,
    "estimated_cost": 1.0,
    "stated_cost_usd": 1.0,
    "llm.cost.total": 1.0,
    "cost_in_usd_ticks": 1e-10,
}
"""Spellings of what the request cost, each with what one of its units is in US dollars."""

UPSTREAM_COST: Final = "cost_details.upstream_inference_cost"
"""What the provider behind a router charges; on top of the router's where `OWN_KEY` is true."""

OWN_KEY: Final = "is_byok"

CACHE_APART: Final = frozenset(
    {
        "cache_read_input_tokens",
        "cache_creation_input_tokens",
        "cache_write_input_tokens",
        "cache_read_input_token_count",
        "cache_write_input_token_count",
        "cacheReadTokens",
        "cacheWriteTokens",
    }
)
"""Cached tokens that stand beside `input_tokens`, not within them."""

REASONING_APART: Final = frozenset({"thoughts_token_count"})
"""Reasoning that stands beside the output, not within it."""

SPOKEN_APART: Final = frozenset({"num_sources_used", "cost_in_usd_ticks", "citation_tokens"})
"""Who reports one of these counts reasoning beside `completion_tokens`: xAI, Perplexity."""

KEPT_NAMES: Final = frozenset({"ai.usage.tokens", "cacheReadTokens", "cacheWriteTokens"})
"""Names that are kept as they are: the style, or what they begin with, makes a difference."""

PREFIXES: Final = ("gen_ai.usage.", "llm.usage.", "ai.usage.", "usage.")
"""What names of attributes begin with, and says nothing."""

WITHIN: Final = frozenset(
    {
        "accepted_prediction_tokens",
        "max_tokens",
        "prompt_text_tokens",
        "cached_tokens_internal",
        "ephemeral_5m_input_tokens",
        "no_cache_tokens",
        "prompt_cache_miss_tokens",
        "rejected_prediction_tokens",
        "text_tokens",
        "video_tokens",
    }
)
"""Last parts of paths whose tokens are counted under another name already."""

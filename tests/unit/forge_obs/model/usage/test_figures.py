"""Usage is read in the words of whoever reports it, and what is in doubt is said."""

from typing import Any

import orjson
import pytest
from forge_obs.model.usage.figures import Usage, read_usage
from genai_prices.data import providers
from genai_prices.types import Provider, UsageExtractor
from hypothesis import given
from hypothesis import strategies as st

CHAT = {"prompt_tokens": 1000, "completion_tokens": 20}


def without_notes(**report: object) -> Usage:
    usage = read_usage(report)
    assert usage.notes == ()
    return usage


@pytest.mark.parametrize(
    ("report", "figures"),
    [
        pytest.param(
            CHAT
            | {
                "total_tokens": 1020,
                "prompt_tokens_details": {"cached_tokens": 900, "audio_tokens": 0},
                "completion_tokens_details": {"reasoning_tokens": 5, "audio_tokens": 7},
            },
            Usage(1000, 20, 900, reasoning_tokens=5, output_audio_tokens=7),
            id="OpenAI chat",
        ),
        pytest.param(
            {
                "gen_ai.usage.input_tokens": 100,
                "gen_ai.usage.output_tokens": 20,
                "gen_ai.usage.cache_read.input_tokens": 30,
                "gen_ai.usage.cache_write.input_tokens": 10,
                "gen_ai.usage.details.cache_read_input_tokens": 30,
                "gen_ai.usage.details.cache_creation_input_tokens": 10,
                "gen_ai.usage.details.thinking_tokens": 5,
            },
            Usage(100, 20, 30, 10, reasoning_tokens=5),
            id="pydantic-ai's spans",
        ),
        pytest.param(
            {
                "gen_ai.usage.input_tokens": 100,
                "gen_ai.usage.output_tokens": 20,
                "ai.usage.inputTokens": 100,
                "ai.usage.outputTokens": 20,
                "ai.usage.totalTokens": 120,
                "ai.usage.inputTokenDetails.noCacheTokens": 70,
                "ai.usage.inputTokenDetails.cacheReadTokens": 30,
                "ai.usage.outputTokenDetails.textTokens": 15,
                "ai.usage.reasoningTokens": 5,
                "ai.usage.cachedInputTokens": 30,
            },
            Usage(100, 20, 30, reasoning_tokens=5),
            id="spans of Vercel's AI SDK",
        ),
        pytest.param(
            {
                "input_tokens": 1000,
                "input_tokens_details": {"cached_tokens": 900},
                "output_tokens": 20,
                "output_tokens_details": {"reasoning_tokens": 5},
                "total_tokens": 1020,
            },
            Usage(1000, 20, 900, reasoning_tokens=5),
            id="OpenAI responses",
        ),
        pytest.param(
            {
                "input_tokens": 3,
                "cache_creation_input_tokens": 100,
                "cache_read_input_tokens": 2000,
                "cache_creation": {
                    "ephemeral_5m_input_tokens": 40,
                    "ephemeral_1h_input_tokens": 60,
                },
                "output_tokens": 20,
                "service_tier": "batch",
                "server_tool_use": {"web_search_requests": 1},
            },
            Usage(2103, 20, 2000, 100, 60, service_tier="batch"),
            id="Anthropic",
        ),
        pytest.param(
            {"input_tokens": 3, "output_tokens": 20, "service_tier": "standard", "speed": "fast"},
            Usage(3, 20, service_tier="fast"),
            id="Anthropic, fast",
        ),
        pytest.param(
            {
                "promptTokenCount": 10,
                "toolUsePromptTokenCount": 3,
                "candidatesTokenCount": 5,
                "thoughtsTokenCount": 50,
                "cachedContentTokenCount": 4,
                "totalTokenCount": 68,
                "promptTokensDetails": [
                    {"modality": "TEXT", "tokenCount": 4},
                    {"modality": "AUDIO", "tokenCount": 6},
                ],
                "trafficType": "ON_DEMAND",
            },
            Usage(13, 55, 4, reasoning_tokens=50, input_audio_tokens=6, service_tier="on_demand"),
            id="Gemini",
        ),
        pytest.param(
            {"prompt_token_count": 10, "thoughts_token_count": 50, "total_token_count": 60},
            Usage(10, 50, reasoning_tokens=50),
            id="Gemini, thoughts alone",
        ),
        pytest.param(
            {
                "inputTokens": 3,
                "outputTokens": 4,
                "cacheReadInputTokens": 100,
                "cacheWriteInputTokens": 20,
                "cacheDetails": [{"ttl": "1h", "inputTokens": 20}],
                "totalTokens": 127,
            },
            Usage(123, 4, 100, 20, 20),
            id="Bedrock",
        ),
        pytest.param(
            CHAT
            | {
                "total_tokens": 1020,
                "prompt_cache_hit_tokens": 900,
                "prompt_cache_miss_tokens": 100,
            },
            Usage(1000, 20, 900),
            id="DeepSeek",
        ),
        pytest.param(CHAT | {"cached_tokens": 900}, Usage(1000, 20, 900), id="Kimi"),
        pytest.param(
            CHAT | {"cost": 0.0123, "is_byok": False},
            Usage(1000, 20, stated_cost_usd=0.0123),
            id="OpenRouter",
        ),
        pytest.param(
            CHAT | {"cost": 0.5, "is_byok": True, "cost_details": {"upstream_inference_cost": 2}},
            Usage(1000, 20, stated_cost_usd=2.5),
            id="OpenRouter with a key of one's own",
        ),
        pytest.param(
            {
                "prompt_tokens": 32,
                "completion_tokens": 9,
                "completion_tokens_details": {"reasoning_tokens": 94},
                "total_tokens": 135,
                "num_sources_used": 0,
                "cost_in_usd_ticks": 5_000_000_000,
            },
            Usage(32, 103, reasoning_tokens=94, stated_cost_usd=0.5),
            id="xAI",
        ),
        pytest.param(
            CHAT | {"total_tokens": 1020, "num_cached_tokens": 64},
            Usage(1000, 20, 64),
            id="Mistral",
        ),
        pytest.param(
            CHAT | {"queue_time": 0.03, "total_time": 0.2, "total_tokens": 1020},
            Usage(1000, 20),
            id="Groq",
        ),
        pytest.param(
            {"billed_units": {"input_tokens": 5.0, "output_tokens": 9.0}}, Usage(5, 9), id="Cohere"
        ),
        pytest.param(
            {
                "input_tokens": 9,
                "output_tokens": 2,
                "total_tokens": 11,
                "input_token_details": {"cache_read": 3, "audio": 1},
                "output_token_details": {"reasoning": 1},
            },
            Usage(9, 2, 3, reasoning_tokens=1, input_audio_tokens=1),
            id="LangChain",
        ),
        pytest.param(
            {
                "gen_ai.usage.input_tokens": 9,
                "gen_ai.usage.output_tokens": 2,
                "gen_ai.usage.cache_read.input_tokens": 4,
                "gen_ai.usage.cache_creation.input_tokens": 1,
                "gen_ai.usage.reasoning.output_tokens": 1,
                "gen_ai.request.max_tokens": 100,
            },
            Usage(9, 2, 4, 1, reasoning_tokens=1),
            id="OpenTelemetry",
        ),
        pytest.param(
            {
                "llm.token_count.prompt": 9,
                "llm.token_count.completion": 2,
                "llm.token_count.total": 11,
                "llm.token_count.prompt_details.cache_read": 4,
                "llm.cost.total": 0.25,
            },
            Usage(9, 2, 4, stated_cost_usd=0.25),
            id="OpenInference",
        ),
        pytest.param(
            CHAT
            | {
                "total_tokens": 1020,
                "cache_creation_input_tokens": 10,
                "cache_read_input_tokens": 900,
                "prompt_tokens_details": {"cached_tokens": 900},
            },
            Usage(1000, 20, 900, 10),
            id="LiteLLM",
        ),
        pytest.param(
            {"prompt_eval_count": 9, "eval_count": 3, "total_duration": 10**9},
            Usage(9, 3),
            id="Ollama",
        ),
        pytest.param(
            {
                "inputTokens": 9,
                "outputTokens": 3,
                "inputTokenDetails": {"noCacheTokens": 5, "cacheReadTokens": 4},
                "outputTokenDetails": {"textTokens": 2, "reasoningTokens": 1},
                "totalTokens": 12,
            },
            Usage(9, 3, 4, reasoning_tokens=1),
            id="Vercel",
        ),
        pytest.param(
            {"prompt_tokens": 9, "total_tokens": 9}, Usage(9, 0), id="embedding, with a total"
        ),
        pytest.param({"input_tokens": 9}, Usage(9, 0), id="embedding"),
    ],
)
def test_report_is_read_in_its_own_words(report: dict[str, object], figures: Usage) -> None:
    assert without_notes(**report) == figures


@pytest.mark.parametrize(
    ("report", "figures", "note"),
    [
        pytest.param(
            CHAT | {"total_tokens": 1999},
            (1000, 20),
            "total_tokens: 1999 reported, 1020 counted",
            id="total that disagrees",
        ),
        pytest.param(
            CHAT | {"reasoning_tokens": 5, "total_tokens": 1025},
            (1000, 25),
            "usage: reasoning beside the output, by the total",
            id="total that says where reasoning stands",
        ),
        pytest.param(
            {
                "input_tokens": 1000,
                "cache_read_input_tokens": 900,
                "output_tokens": 20,
                "total_tokens": 1020,
            },
            (1000, 20),
            "usage: cached tokens within the input, by the total",
            id="total that says where the cache stands",
        ),
        pytest.param(
            CHAT | {"foo_tokens": 7}, (1000, 20), "usage: not understood: 'foo_tokens'", id="word"
        ),
        pytest.param(
            {"total_tokens": 9},
            (None, None),
            "usage: only a total of 9 tokens is reported",
            id="total alone",
        ),
        pytest.param({"output_tokens": 9}, (None, 9), "input_tokens: not reported", id="no input"),
        pytest.param(
            {"prompt_tokens": 9, "total_tokens": 12},
            (9, 3),
            "output_tokens: not reported, the total less the input",
            id="no output",
        ),
        pytest.param(
            {"prompt_tokens": -9, "completion_tokens": "3"},
            (0, 3),
            "input_tokens: negative became 0",
            id="negative",
        ),
        pytest.param(
            {"prompt_tokens": True, "completion_tokens": 3},
            (None, 3),
            "input_tokens: not a number",
            id="flag",
        ),
        pytest.param(
            CHAT | {"cached_tokens": 8, "prompt_cache_hit_tokens": 9},
            (1000, 20),
            "cache_read_tokens: 8, and elsewhere 9, reported",
            id="two spellings that differ",
        ),
    ],
)
def test_what_is_in_doubt_is_said(
    report: dict[str, object], figures: tuple[int, int], note: str
) -> None:
    usage = read_usage(report)

    assert (usage.input_tokens, usage.output_tokens) == figures
    assert note in usage.notes


def test_zero_under_one_name_does_not_hide_what_stands_under_another() -> None:
    usage = without_notes(**CHAT, cached_tokens=900, prompt_tokens_details={"cached_tokens": 0})

    assert usage.cache_read_tokens == 900


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers(-(2**63), 2**63) | st.floats() | st.text(),
        lambda inner: (
            st.lists(inner, max_size=4)
            | st.dictionaries(
                st.sampled_from(
                    ["usage", "cost", "input_tokens", "cache_details", "ttl", "modality"]
                )
                | st.text(max_size=9),
                inner,
            )
        ),
        max_leaves=12,
    )
)
def test_no_report_raises(value: object) -> None:
    usage = read_usage({"usage": value, **(value if isinstance(value, dict) else {})})

    orjson.dumps(usage)


SUMS = {"x-ai default", "x-ai chat", "perplexity default"}
"""Reports that say nowhere but in their total that reasoning stands beside the output."""

COMPARED = {
    "input_tokens": "input_tokens",
    "output_tokens": "output_tokens",
    "cache_read_tokens": "cache_read_tokens",
    "cache_write_tokens": "cache_write_tokens",
    "cache_write_1h_tokens": "cache_write_1h_tokens",
    "output_reasoning_tokens": "reasoning_tokens",
    "input_audio_tokens": "input_audio_tokens",
    "output_audio_tokens": "output_audio_tokens",
    "cache_audio_read_tokens": "cache_read_audio_tokens",
}
"""Counts of genai-prices, and what we call them."""

EXTRACTORS = [
    pytest.param(provider, extractor, id=f"{provider.id} {extractor.api_flavor}")
    for provider in providers
    for extractor in provider.extractors or []
    if any(mapping.dest == "input_tokens" for mapping in extractor.mappings)
]


@pytest.mark.parametrize(("provider", "extractor"), EXTRACTORS)
def test_every_provider_is_read_as_genai_prices_does(
    provider: Provider, extractor: UsageExtractor
) -> None:
    report = build_report(extractor)
    theirs = vars(extractor.extract(wrap(extractor.root, report))[1])
    if f"{provider.id} {extractor.api_flavor}" in SUMS:
        report["total_tokens"] = theirs["input_tokens"] + theirs["output_tokens"]

    ours = read_usage(report)

    for name, count in theirs.items():
        if name in COMPARED:
            assert getattr(ours, COMPARED[name]) == count, name


def build_report(extractor: UsageExtractor) -> dict[str, Any]:
    """Report something for each path that is looked at: parts smaller than their wholes."""
    report: dict[str, Any] = {}
    wholes = find_wholes(extractor)
    for number, mapping in enumerate(extractor.mappings, 1):
        steps: list[Any]
        last: Any
        *steps, last = [mapping.path] if isinstance(mapping.path, str) else mapping.path
        place: Any = report
        for step, after in zip(steps, [*steps[1:], last], strict=False):
            if isinstance(step, str):
                place = place.setdefault(step, {} if isinstance(after, str) else [])
            else:
                item = {step.field: vars(step.match)["equals"]}
                known = next((i for i in place if i.items() >= item.items()), None)
                if known is None:
                    place.append(known := item)
                place = known
        place.setdefault(last, wholes.get(str(mapping.path), 1) * number)
    return report


def find_wholes(extractor: UsageExtractor) -> dict[str, int]:
    """Say how much larger than a part what stands at a path is."""
    wholes: dict[str, int] = {}
    for name in ("cache_read_tokens", "cache_write_tokens"):
        paths = [str(m.path) for m in extractor.mappings if m.dest == name]
        wholes.update(dict.fromkeys(paths[:1], 100))
    for name in ("input_tokens", "output_tokens"):
        paths = [str(m.path) for m in extractor.mappings if m.dest == name]
        wholes.update(dict.fromkeys(paths[:1], 10_000))
    return wholes


def wrap(root: Any, report: dict[str, Any]) -> dict[str, Any]:
    for step in reversed([root] if isinstance(root, str) else root):
        report = {step: report}
    return report

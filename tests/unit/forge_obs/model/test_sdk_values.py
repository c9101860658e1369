"""What an SDK gave becomes columns; what a caller says in our words counts before it."""

from types import SimpleNamespace

import orjson
import pytest
from forge_obs.model.entries import Entry, build_interaction
from forge_obs.stats import LLMStats

CALL = {"task_id": "t", "role": "llm"}
USAGE = {"prompt_tokens": 1000, "completion_tokens": 20, "cached_tokens": 900}


def interaction(**fields: object) -> Entry:
    return build_interaction(CALL | fields, entry_id="e" * 32, now="2026-11-03T10:00:00.000000Z")


def prompted(**fields: object) -> Entry:
    return interaction(system_prompt="s", user_prompt="u", **fields)


def tokens(entry: Entry) -> tuple[object, ...]:
    names = ("input_tokens", "output_tokens", "cache_read_tokens", "usage_known")
    return tuple(entry.row[name] for name in names)


def test_usage_gives_the_figures_and_stays_as_it_was() -> None:
    entry = prompted(usage=USAGE | {"service_tier": "flex", "cost": 0.5})

    assert tokens(entry) == (1000, 20, 900, 1)
    assert entry.row["notes"] is None
    assert orjson.loads(str(entry.facts["usage_json"]))["cached_tokens"] == 900
    assert (entry.facts["service_tier"], entry.facts["stated_cost_usd"]) == ("flex", 0.5)


def test_stats_count_before_usage_which_fills_their_gaps() -> None:
    stats = LLMStats(model_name="m", input_tokens=999, output_tokens=20, latency_ms=1)

    entry = prompted(stats=stats, usage=USAGE, service_tier="priority")

    assert tokens(entry) == (999, 20, 900, 1)
    assert entry.row["notes"] == "input_tokens: 999 in stats, 1000 in usage"
    assert entry.facts["service_tier"] == "priority"


def test_words_that_stats_do_not_know_are_read_and_kept() -> None:
    stats = {"model": "m", "prompt_tokens": 1000, "completion_tokens": 20, "audio_seconds": 3}

    entry = prompted(stats=stats)

    assert tokens(entry) == (1000, 20, 0, 1)
    assert entry.row["model_name"] == "m"
    assert orjson.loads(str(entry.facts["usage_json"])) == stats
    assert str(entry.row["notes"]).startswith("stats: kept in usage_json: 'audio_seconds', ")


def test_figures_beyond_the_columns_are_kept_too() -> None:
    stats = {"model_name": "m", "input_tokens": 9, "output_tokens": 2, "cost_usd": 0.5}

    entry = prompted(stats=stats)

    assert tokens(entry) == (9, 2, 0, 1)
    assert entry.facts["stated_cost_usd"] == 0.5


@pytest.mark.parametrize(
    "fields",
    [
        {"stats": {"model_name": "m", "input_tokens": 9, "latency_ms": 1.0}},
        {"usage": {"prompt_tokens": 9, "total_tokens": 9}},
    ],
    ids=["stats", "usage"],
)
def test_embedding_has_input_alone(fields: dict[str, object]) -> None:
    assert tokens(prompted(**fields)) == (9, 0, 0, 1)


def test_usage_of_nothing_leaves_the_tokens_unknown_and_says_so() -> None:
    entry = prompted(usage=object())

    assert tokens(entry) == (0, 0, 0, 0)
    assert "usage: " in str(entry.row["notes"]) or "input_tokens: " in str(entry.row["notes"])


def test_prompts_and_response_come_from_the_messages() -> None:
    messages = {
        "system": "Be brief.",
        "messages": [{"role": "user", "content": "Hi"}],
        "output": [{"role": "assistant", "content": "Hello."}],
    }

    row = interaction(messages=messages).row

    assert (row["system_prompt"], row["user_prompt"]) == ("Be brief.", "Hi")
    assert (row["response"], row["notes"]) == ("Hello.", None)


def test_prompts_that_are_given_count_before_the_messages() -> None:
    row = prompted(messages=[{"role": "user", "content": "Hi"}]).row

    assert (row["system_prompt"], row["user_prompt"]) == ("s", "u")


def test_whole_answer_gives_text_figures_and_ids() -> None:
    answer = SimpleNamespace(
        id="chatcmpl-1",
        model="m-2026",
        service_tier="flex",
        choices=[
            SimpleNamespace(
                finish_reason="stop", message={"role": "assistant", "content": "Hello."}
            )
        ],
        usage=USAGE,
        _request_id="req-1",
    )

    entry = prompted(answer=answer)

    assert tokens(entry) == (1000, 20, 900, 1)
    assert (entry.row["response"], entry.row["model_name"]) == ("Hello.", "m-2026")
    assert (entry.row["finish_reason"], entry.row["messages_json"]) == ("stop", None)
    facts = ("response_id", "request_id", "service_tier")
    assert [entry.facts[name] for name in facts] == ["chatcmpl-1", "req-1", "flex"]


def test_answer_that_calls_a_tool_is_kept_as_messages_too() -> None:
    answer = {
        "content": [{"type": "tool_use", "id": "c", "name": "add", "input": {"a": 1}}],
        "stop_reason": "tool_use",
    }

    row = prompted(answer=answer).row

    assert row["response"] == '[{"name":"add","arguments":{"a":1}}]'
    assert orjson.loads(str(row["messages_json"]))["output"][0]["finish_reason"] == "tool_use"

"""A finished call as columns, from whatever a program has of it."""

from types import SimpleNamespace

from forge_obs.model.finished_call import build_interaction_dict
from forge_obs.stats import LLMStats

STATS = LLMStats(model_name="m-1", input_tokens=10, output_tokens=5, latency_ms=7.5).model_dump()


def test_interaction_dict_collects_context_and_result() -> None:
    context = SimpleNamespace(
        system_prompt="s", user_prompt="u", context_stats={"files": 3}, attempt=2
    )
    result = SimpleNamespace(
        **STATS, response=SimpleNamespace(explanation="why"), finish_reason="stop"
    )

    row = build_interaction_dict("t", "s1", None, "llm", context, result)

    assert row["task_id"] == "t"
    assert row["step_id"] == "s1"
    assert "sub_task_id" not in row
    assert (row["explanation"], row["finish_reason"], row["attempt"]) == ("why", "stop", 2)
    assert (row["context_stats_json"], row["usage_known"]) == ('{"files":3}', 1)


def test_interaction_dict_takes_mappings() -> None:
    row = build_interaction_dict(
        "t", None, None, "planner", {"system_prompt": "s", "user_prompt": "u"}, STATS
    )

    assert (row["system_prompt"], row["model_name"]) == ("s", "m-1")

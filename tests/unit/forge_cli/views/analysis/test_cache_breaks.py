"""A call is compared with the earlier one that its prompt shares most with."""

from datetime import UTC, datetime, timedelta
from typing import Any

from forge_cli.views.analysis.cache_breaks import CACHE_LIFE, find_cache_breaks
from forge_obs import Interaction

BEGAN = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
A, B, C = (
    f"## Context file: {name}\n\n```\n{name * 400}\n```\n" for name in ("a.py", "b.py", "c.py")
)


def call(at_s: float, *sections: str, **fields: Any) -> Interaction:
    given = {"model_name": "m", "latency_ms": 1000.0, "system_prompt": "Write.", **fields}
    return Interaction(
        id=int(at_s) + 1,
        created_at=BEGAN + timedelta(seconds=at_s),
        user_prompt="\n".join(sections),
        context_manifest_json='[{"path": "a.py"}]',
        **given,
    )


def test_section_that_differs_first_is_named_with_what_is_paid_again() -> None:
    [found] = find_cache_breaks([call(0, A, B), call(9, A, C, B, cache_read_tokens=7)])

    assert found.section == "Context file: c.py"
    assert found.common_tokens > 400
    assert 400 < found.repeated_tokens < 500
    assert found.reported_tokens == 7
    assert found.is_missed


def test_call_is_compared_with_the_earlier_one_that_begins_alike_for_longest() -> None:
    [_, found] = find_cache_breaks([call(0, A, B), call(9, C), call(20, A, B, C)])

    assert found.earlier.id == 1
    assert found.section == "Context file: c.py"
    assert found.repeated_tokens == 0


def test_same_prompt_breaks_nothing() -> None:
    [found] = find_cache_breaks([call(0, A), call(9, A, cache_read_tokens=10_000)])

    assert (found.section, found.repeated_tokens, found.is_missed) == ("", 0, False)


def test_call_before_the_answer_after_the_cache_or_to_another_model_is_not_compared() -> None:
    first = call(0, A, latency_ms=5000.0)

    assert find_cache_breaks([first, call(4, A)]) == []
    assert find_cache_breaks([first, call(400, A)]) == []
    assert find_cache_breaks([first, call(9, A, model_name="other")]) == []


def test_call_at_the_moment_of_the_answer_or_of_the_caches_end_is_compared() -> None:
    first = call(0, A, latency_ms=5000.0)
    ends_s = 5 + CACHE_LIFE.total_seconds()

    assert [found.earlier for found in find_cache_breaks([first, call(5, A)])] == [first]
    assert [found.earlier for found in find_cache_breaks([first, call(ends_s, A)])] == [first]


def test_models_are_told_apart_by_what_was_asked_for_where_that_is_known() -> None:
    first = call(0, A, request_model="p:alias", model_name="m-1")

    [found] = find_cache_breaks([first, call(9, A, request_model="p:alias", model_name="m-2")])

    assert found.earlier is first
    assert find_cache_breaks([first, call(9, A, request_model="p:other", model_name="m-1")]) == []


def test_calls_of_a_planner_and_a_writer_are_not_compared() -> None:
    plan = call(0, A, role="planner")
    first, second = call(9, A, role="llm"), call(19, A, role="llm")

    assert [found.earlier.id for found in find_cache_breaks([plan, first, second])] == [10]


def test_provider_that_says_nothing_reported_nothing() -> None:
    [scripted] = find_cache_breaks([call(0, A), call(9, A, origin="scripted")])
    [unknown] = find_cache_breaks([call(0, A), call(9, A, usage_known=False)])
    [silent] = find_cache_breaks([call(0, A), call(9, A, usage_json='{"prompt_tokens": 9}')])

    assert scripted.reported_tokens is None
    assert unknown.reported_tokens is None
    assert silent.reported_tokens is None

"""Sums over calls: exact, in whatever groups, and to the cent what the calls cost one by one."""

import random
import sqlite3
from array import array
from collections import defaultdict
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from forge_cli.store.prices import load_prices, load_schedule
from forge_cli.store.statistics import GroupedBy, StatisticsQuery, add_up
from forge_cli.views.costs import tally_calls
from forge_cli.views.statistics import Group, find_percentiles
from forge_core.pricing.rates import price_usage
from forge_obs import PROVIDER, CallQuery, Interaction, LLMStats, StoreReader, flush, record
from forge_obs.store import call_scope
from support.time_zone import local_time

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)

MODELS = (
    "anthropic:claude-sonnet-4-5",  # another price from 200,000 tokens on
    "deepseek:deepseek-chat",  # at some hours another price
    "openai:gpt-4o",
    "google-gla:gemini-2.5-pro",
    "ollama:nobody-knows",
)
USAGES = (
    None,
    {"input_tokens": 5, "audio_tokens": 0, "ephemeral_1h_input_tokens": 0},
    {"cache_creation": {"ephemeral_1h_input_tokens": 60}, "cache_creation_input_tokens": 90},
)
CONTRADICTORY = LLMStats(
    model_name="m", input_tokens=5, output_tokens=3, latency_ms=1, cache_read_tokens=9
)
ENDS: tuple[dict[str, Any], ...] = (
    {"outcome": "accepted"},
    {"outcome": "accepted", "attempt": 2},
    {"outcome": "refused", "failed_checks": [{"check_name": "lint"}, {"check_name": "tests"}]},
    {"outcome": "unusable"},
    {"outcome": "asked"},
    {"status": "error", "error_type": "rate_limited", "stats": None},
    {"status": "error", "error_type": "timeout", "stats": None},
    {"status": "error", "error": "HTTP 500 at 12:00:01"},
    {"status": "error", "error": "HTTP 503 at 12:00:02"},
    {"status": "started", "stats": None},
    {"origin": "scripted"},
    {"origin": "scripted", "outcome": "accepted"},
    {"origin": "scripted", "stats": None},
    {"origin": "replay"},
    {"stats": None},
    {"stated_cost_usd": 0.25},
    {"stated_cost_usd": 0.1 + 0.2},
    {"stated_cost_usd": 0.01, "stats": CONTRADICTORY},
    {"stated_cost_usd": 0.5, "status": "error", "error_type": "timeout"},
    {"service_tier": "priority"},
    {"service_tier": "nobody-knows"},
    {
        "stats": LLMStats(
            model_name="m", input_tokens=5, output_tokens=3, latency_ms=1, cache_read_tokens=9
        )
    },
)


@pytest.fixture(scope="module")
def db(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Record calls of every kind, once for all tests, which only read."""
    path = tmp_path_factory.mktemp("statistics") / "forge.db"
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("FORGE_DB_PATH", str(path))
        fill()
    return path


@pytest.fixture
def reader(db: Path, monkeypatch: pytest.MonkeyPatch) -> StoreReader:
    """Read in many ranges."""
    monkeypatch.setattr(call_scope, "FIRST_SPAN", 3)
    monkeypatch.setattr(call_scope, "WIDEST_SPAN", 40)
    found = StoreReader.open(db)
    assert found is not None
    return found


def fill() -> None:
    dice = random.Random(5)  # noqa: S311
    for number in range(300):
        model = dice.choice(MODELS)
        stats = LLMStats(
            model_name=model.partition(":")[2],
            input_tokens=dice.choice([900, 1_800, 250_000]),
            output_tokens=dice.randrange(200, 900),
            cache_read_tokens=dice.randrange(500),
            reasoning_tokens=dice.randrange(200),
            latency_ms=float(dice.randrange(5_000)),
        )
        call: dict[str, Any] = {
            "task_id": f"t{number % 3}",
            "role": dice.choice(["llm", "planner"]),
            "system_prompt": "",
            "user_prompt": "",
            "request_model": model,
            "stats": stats,
            "usage": dice.choice(USAGES),
            "created_at": NOON + timedelta(hours=number),
            "first_token_ms": dice.choice([None, 10.0 * number]),
            **dice.choice(ENDS),
        }
        outcome, checks = call.pop("outcome", None), call.pop("failed_checks", None)
        assert record("interaction", entry_id=f"call-{number}", **call)
        if outcome is not None:
            assert record(
                "outcome", entry_id=f"call-{number}", outcome=outcome, failed_checks=checks
            )
    flush()


Key = Callable[[Interaction], str | None]

KEYS: dict[str, Key] = {
    "model": lambda call: call.request_model,
    "role": lambda call: call.role,
    "task": lambda call: call.task_id,
    "day": lambda call: f"{call.created_at.astimezone():%Y-%m-%d}",
    "outcome": lambda call: call.outcome or call.status,
}


def assert_agrees(group: Group, calls: list[Interaction]) -> None:
    expected = tally_calls(calls, load_prices(calls))
    figures = group.figures
    assert figures.tally.usd == expected.usd, group.name
    latency = pytest.approx(expected.latency_ms)
    assert figures.tally.latency_ms == latency
    assert {**vars_of(figures.tally), "latency_ms": 0} == {**vars_of(expected), "latency_ms": 0}
    answered = [c.latency_ms for c in calls if c.status == "ok" and c.origin == "provider"]
    assert sorted(figures.latencies_ns) == sorted(round(ms * 1e6) for ms in answered)


def vars_of(tally: object) -> dict[str, object]:
    return {name: getattr(tally, name) for name in tally.__slots__}  # type: ignore[attr-defined]


@pytest.mark.parametrize("by", KEYS)
def test_groups_have_the_figures_of_their_calls(reader: StoreReader, by: str) -> None:
    with local_time("America/New_York"):
        calls: dict[str | None, list[Interaction]] = defaultdict(list)
        for call in reader.calls.iterate(CallQuery()):
            calls[KEYS[by](call)].append(call)

        statistics = add_up(reader, StatisticsQuery(CallQuery(), by))  # type: ignore[arg-type]

    assert {group.name for group in statistics.groups} == set(calls)
    for group in statistics.groups:
        assert_agrees(group, calls[group.name])
    assert_agrees(
        Group("all", statistics.total), [call for some in calls.values() for call in some]
    )


def test_days_are_those_of_a_time_zone_that_differs_by_half_hours(reader: StoreReader) -> None:
    with local_time("Asia/Kathmandu"):
        names = {KEYS["day"](call) for call in reader.calls.iterate(CallQuery())}
        statistics = add_up(reader, StatisticsQuery(CallQuery(), "day"))

    assert [group.name for group in statistics.groups] == sorted(name for name in names if name)


def test_failures_are_grouped_by_kind_whatever_the_time_in_their_text(reader: StoreReader) -> None:
    statistics = add_up(reader, StatisticsQuery(CallQuery(), "error"))

    assert {group.name for group in statistics.groups} == {
        None,
        "HTTP N at N:N:N",
        "no outcome on record",
        "rate_limited",
        "refused by checks",
        "timeout",
        "unusable answer",
    }


def test_failed_checks_are_counted_each(reader: StoreReader) -> None:
    refused = list(reader.calls.iterate(CallQuery(outcome="refused")))

    statistics = add_up(reader, StatisticsQuery(CallQuery(), "check"))

    assert [(g.name, g.figures.tally.calls) for g in statistics.groups] == [
        ("lint", len(refused)),
        ("tests", len(refused)),
    ]
    assert statistics.total.tally.calls == len(refused)


def test_waste_is_what_calls_cost_that_were_not_accepted(reader: StoreReader) -> None:
    calls = list(reader.calls.iterate(CallQuery()))
    wasted = [c for c in calls if c.status == "error" or c.outcome in {"refused", "unusable"}]
    judged = {"accepted", "refused", "unusable"}
    first = [c for c in calls if c.outcome in judged and (c.attempt or 1) == 1]

    total = add_up(reader, StatisticsQuery(CallQuery())).total

    assert total.wasted_usd == tally_calls(wasted, load_prices(calls)).usd > 0
    assert total.first_judged == len(first)
    assert total.first_accepted == sum(call.outcome == "accepted" for call in first)


@pytest.mark.parametrize("by", ["model", "step", "day"])
def test_accepted_answer_costs_what_failed_and_refused_ones_did_besides(
    reader: StoreReader, by: GroupedBy
) -> None:
    calls = list(reader.calls.iterate(CallQuery()))
    accepted = [call for call in calls if call.outcome == "accepted"]
    judged = [call for call in calls if call.outcome or call.status == "error"]

    statistics = add_up(reader, StatisticsQuery(CallQuery(), by))

    total, groups = statistics.total, statistics.groups
    paid = [call for call in accepted if call.origin == PROVIDER]
    assert total.accepted == len(paid) < len(accepted)
    assert sum(group.figures.accepted for group in groups) == len(paid)
    assert total.usd_per_accepted == tally_calls(judged, load_prices(calls)).usd / len(paid)


@pytest.mark.parametrize("model", [MODELS[0], MODELS[1], "openai:gpt-4o-mini"])
def test_same_tokens_are_priced_at_another_model(reader: StoreReader, model: str) -> None:
    schedule = load_schedule(model)
    assert schedule is not None
    paid = [
        call
        for call in reader.calls.iterate(CallQuery())
        if call.origin == "provider" and call.usage_known and call.status != "started"
    ]
    costs = [price_usage(schedule, call, call.created_at) for call in paid]

    total = add_up(reader, StatisticsQuery(CallQuery(), as_schedule=schedule)).total

    assert total.as_model_usd == sum(usd for usd in costs if usd is not None)
    assert total.as_model_unknown == costs.count(None)


def test_percentiles_are_values_that_occurred() -> None:
    found = find_percentiles(array("Q", range(100_000_000, 0, -1_000_000)))

    assert found is not None
    assert (found.p50, found.p95, found.p99) == (50, 95, 99)
    assert find_percentiles(array("Q")) is None


@pytest.mark.parametrize("value", ["9e999", "'abc'", "x'00ff'", "-1"])
def test_figure_that_is_none_hides_no_other(value: str, db: Path, tmp_path: Path) -> None:
    path = copy_store(db, tmp_path)
    with closing(sqlite3.connect(path)) as connection, connection:
        odd = f"input_tokens = {value}, latency_ms = {value}"
        connection.execute(f"UPDATE interactions SET {odd} WHERE id IN (40, 41)")  # noqa: S608
    reader = StoreReader.open(path)
    assert reader is not None
    calls = list(reader.calls.iterate(CallQuery()))

    parts = list(reader.calls.sum(CallQuery()))
    statistics = add_up(reader, StatisticsQuery(CallQuery(), "model"))

    singles = [call for part in parts for _, call in part.singles]
    assert {40, 41} <= {call.id for call in singles}
    assert len(singles) < 80 < sum(total.calls for part in parts for total in part.sums)
    assert_agrees(Group("all", statistics.total), calls)
    assert statistics.damaged == sum(call.broken is not None for call in calls)


def test_tokens_are_added_up_beyond_64_bits(db: Path, tmp_path: Path) -> None:
    path = copy_store(db, tmp_path)
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("UPDATE interactions SET output_tokens = 9223372036854775807")
    reader = StoreReader.open(path)
    assert reader is not None
    calls = list(reader.calls.iterate(CallQuery()))

    statistics = add_up(reader, StatisticsQuery(CallQuery(), "role"))

    assert_agrees(Group("all", statistics.total), calls)


def copy_store(db: Path, folder: Path) -> Path:
    """Copy a store into one file."""
    path = folder / "forge.db"
    with closing(sqlite3.connect(db)) as source, closing(sqlite3.connect(path)) as copy:
        source.backup(copy)
    return path

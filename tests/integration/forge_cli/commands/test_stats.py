"""``forge stats``: what calls did, took and cost, in figures that other commands show, too."""

from datetime import UTC, datetime, timedelta

import pytest
from forge_obs import record
from support.documents import validate
from support.forge import Forge
from support.records import STATS, record_call, record_run
from support.time_zone import local_time

CLAUDE = STATS.model_copy(update={"model_name": "claude-sonnet-4-5"})
SONNET = "anthropic:claude-sonnet-4-5"


def record_some() -> None:
    record_run("forge-a-01", task_id="a")
    record_run("forge-b-02", task_id="b")
    for number, run in enumerate(["forge-a-01", "forge-a-01", "forge-b-02"]):
        record_call(
            run, task_id=run[6], request_model=SONNET, stats=CLAUDE, entry_id=f"call-{number}"
        )
    assert record("outcome", entry_id="call-0", outcome="accepted")
    refusal = [{"check_name": "ruff_lint", "passed": False}]
    assert record("outcome", entry_id="call-1", outcome="refused", failed_checks=refusal)
    record_call("forge-b-02", task_id="b", status="error", error_type="rate_limited", stats=None)
    record_call(None, task_id="c", origin="scripted")


def test_totals_are_those_of_status(forge: Forge) -> None:
    record_some()

    runs = forge("status", "--json").document["runs"]
    document = forge("stats", "--json").document
    of_run = forge("stats", "--run", "forge-a-01", "--json").document

    total = document["total"]
    assert total["cost"]["usd"] == pytest.approx(sum(run["cost"]["usd"] for run in runs), abs=1e-9)
    assert total["input_tokens"] == sum(run["input_tokens"] for run in runs)
    assert total["calls"] == sum(run["calls"] for run in runs) + 1
    [a] = [run for run in runs if run["workflow_id"] == "forge-a-01"]
    assert of_run["total"]["cost"] == a["cost"]
    validate("statistics", document)


def test_overview_says_what_was_accepted_wasted_and_failed(forge: Forge) -> None:
    record_some()

    outcome = forge("stats")

    assert outcome.code == 0
    assert "5 calls, 1 failed, 1 of no provider" in outcome.stdout
    assert "1 of 2 at the first attempt (50.0%)" in outcome.stdout
    assert "(50.0%), 1 of a provider at $0.0099 each\n" in outcome.stdout
    assert "(33.3%) on what was not accepted" in outcome.stdout
    assert "p50 820 ms, p95 820 ms, p99 820 ms" in outcome.stdout
    assert [line.split("  ")[-1] for line in outcome.stdout.splitlines()[-2:]] == [
        "rate_limited",
        "refused by checks",
    ]


@pytest.mark.parametrize(
    ("by", "names"),
    [
        ("model", [SONNET, "writer-1", "(none)"]),
        ("role", ["llm"]),
        ("step", ["a"]),
        ("task", ["a", "b", "c"]),
        ("outcome", ["accepted", "refused", "answered, not judged", "failed"]),
        ("error", ["(not failed)", "rate_limited", "refused by checks"]),
        ("check", ["ruff_lint"]),
        ("session", ["(none)"]),
    ],
)
def test_calls_are_grouped(forge: Forge, by: str, names: list[str]) -> None:
    record_some()

    outcome = forge("stats", "--by", by)
    document = forge("stats", "--by", by, "--json").document

    header, *lines = outcome.stdout.splitlines()
    listed = {line.split("  ")[0] for line in lines[: len(document["groups"])]}
    assert header.startswith(by.upper())
    assert listed == set(names)
    validate("statistics", document)


def test_refusals_of_a_provider_are_told_from_those_of_checks(forge: Forge) -> None:
    record_call(status="error", error_type="refused", stats=None, response=None)

    assert "refused by the provider" in forge("stats").stdout
    assert "refused by the provider" in forge("stats", "--by", "error").stdout


def test_scripts_of_one_name_are_one_model_in_text(forge: Forge) -> None:
    for directory in ("/a", "/b"):
        script = STATS.model_copy(update={"model_name": f"scripted:{directory}/answers.json"})
        record_call(None, origin="scripted", stats=script)

    lines = forge("stats", "--by", "model").stdout.splitlines()
    groups = forge("stats", "--by", "model", "--json").document["groups"]

    assert [line.split()[:2] for line in lines[1:3]] == [
        ["scripted:answers.json", "2"],
        ["all", "2"],
    ]
    assert len(groups) == 2


def test_days_come_in_order_and_the_last_are_shown(forge: Forge) -> None:
    now = datetime.now(UTC)
    for ago in (3, 1, 2):
        record_call(None, created_at=now - timedelta(days=ago))

    lines = forge("stats", "--by", "day", "--limit", "2").stdout.splitlines()

    days = [f"{(now - timedelta(days=ago)).astimezone():%Y-%m-%d}" for ago in (2, 1)]
    assert [line.split()[0] for line in lines[1:3]] == days
    assert "1 more: --limit shows them" in lines


def test_day_begins_and_ends_where_the_users_clocks_say_so(forge: Forge) -> None:
    # Berlin's clocks are put back on 25 October, which lasts for 25 hours.
    moments = ("24T21:59:59", "24T22:00:00", "25T22:59:59", "25T23:00:00")
    for moment in moments:
        record_call(None, created_at=datetime.fromisoformat(f"2026-10-{moment}+00:00"))

    with local_time("Europe/Berlin"):
        shown = forge("stats", "--by", "day").stdout.splitlines()
        document = forge("stats", "--by", "day", "--json").document
        period = ("--since", "2026-10-25", "--until", "2026-10-26")
        within = forge("stats", "--by", "day", *period, "--json").document

    days = [("2026-10-24", 1), ("2026-10-25", 2), ("2026-10-26", 1)]
    assert [(line.split()[0], int(line.split()[1])) for line in shown[1:4]] == days
    assert [(group["name"], group["calls"]) for group in document["groups"]] == days
    assert [(group["name"], group["calls"]) for group in within["groups"]] == [days[1]]


def test_same_tokens_are_priced_at_another_model(forge: Forge) -> None:
    record_some()

    outcome = forge("stats", "--as-model", SONNET)
    unknown = forge("stats", "--as-model", "nobody:knows")

    total = forge("stats", "--as-model", SONNET, "--json").document["total"]
    assert total["as_model_usd"] == total["cost"]["usd"]
    assert f"for the same tokens at {SONNET}" in outcome.stdout
    assert unknown.code == 2
    assert "does not know the prices of 'nobody:knows'" in unknown.error


def test_tokens_of_a_script_cost_nothing_known_elsewhere(forge: Forge) -> None:
    record_call(None, origin="scripted")

    overview = forge("stats", "--as-model", SONNET).stdout
    table = forge("stats", "--by", "role", "--as-model", SONNET).stdout

    assert "elsewhere  unknown: no provider counted tokens\n" in overview
    header, line, *_ = table.splitlines()
    end = header.index("AS MODEL") + len("AS MODEL")
    assert line[:end].split()[-1] == "-"


def test_what_tokens_cost_elsewhere_is_a_part_where_a_call_did_not_report_them(
    forge: Forge,
) -> None:
    record_some()
    record_call("forge-a-01", task_id="a", status="error", error_type="timeout", stats=None)

    outcome = forge("stats", "--as-model", SONNET)

    assert f"+ for the same tokens at {SONNET}" in outcome.stdout


def test_nothing_to_add_up_is_exit_code_1(forge: Forge) -> None:
    nothing, mistaken = forge("stats"), forge("stats", "--since", "tomorow")
    record_call()

    assert nothing.code == 1
    assert (mistaken.code, "tomorow" in mistaken.error) == (2, True)
    assert forge("stats", "--task", "nobody").code == 1
    document = forge("stats", "--task", "nobody", "--json").document
    assert (document["groups"], document["total"]["calls"]) == ([], 0)
    validate("statistics", document)

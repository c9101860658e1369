"""What a row holds."""

import math

import pytest
from forge_obs.model.entries import (
    Entry,
    Row,
    build_interaction,
    build_run,
    clean_columns,
)
from forge_obs.model.liveness import Owner
from forge_obs.model.rows import INTERACTIONS
from forge_obs.stats import LLMStats

NOW = "2026-11-03T10:00:00.000000Z"
OWNER = Owner("here", 42, "boot:1")
CALL = {"task_id": "t", "role": "llm", "system_prompt": "s", "user_prompt": "u"}


def stats(given: int = 10, taken: int = 5) -> LLMStats:
    return LLMStats(model_name="m-1", input_tokens=given, output_tokens=taken, latency_ms=7.5)


def interaction(**fields: object) -> Entry:
    return build_interaction(CALL | fields, entry_id="e" * 32, now=NOW)


def run(**fields: object) -> Row:
    given = {"task_id": "t", "workflow_id": "w", "status": "running"}
    return build_run(given | fields, owner=OWNER, now=NOW).row


def test_row_has_every_column() -> None:
    assert list(interaction().row) == [column.name for column in INTERACTIONS]


def test_figures_come_from_the_stats() -> None:
    row = interaction(stats=stats()).row

    assert (row["model_name"], row["input_tokens"], row["output_tokens"]) == ("m-1", 10, 5)
    assert (row["latency_ms"], row["usage_known"], row["notes"]) == (7.5, 1, None)


def test_stats_may_be_a_mapping() -> None:
    assert interaction(stats=stats().model_dump()).row == interaction(stats=stats()).row


def test_requested_model_stands_in_where_none_answered() -> None:
    row = interaction(status="error", request_model="m-2").row

    assert (row["model_name"], row["request_model"]) == ("m-2", "m-2")


@pytest.mark.parametrize(
    ("fields", "known"),
    [
        ({"stats": None}, 0),
        ({"stats": stats(0, 0)}, 0),
        ({"stats": stats(0, 0), "origin": "scripted"}, 1),
        ({"stats": stats(0, 3)}, 1),
        ({"stats": {"model_name": "m", "latency_ms": 2.0}}, 0),
        ({"stats": stats(), "status": "started"}, 0),
    ],
    ids=["none", "provider says 0", "script says 0", "some", "absent", "started"],
)
def test_usage_is_known_only_where_tokens_were_reported(
    fields: dict[str, object], known: int
) -> None:
    assert interaction(**fields).row["usage_known"] == known


def test_unknown_keywords_are_kept_as_json() -> None:
    entry = interaction(temperature=0.5, id="mine")

    assert entry.unknown == ("temperature", "id")
    assert entry.row["extra_json"] == '{"temperature":0.5,"id":"mine"}'
    assert entry.row["model_name"] == ""


def test_documents_become_json_columns() -> None:
    row = interaction(params={"t": 1}, context_manifest=[{"p": "a.py"}], context_stats="{}").row

    assert row["params_json"] == '{"t":1}'
    assert row["context_manifest_json"] == '[{"p":"a.py"}]'
    assert row["context_stats_json"] == "{}"


def test_notes_of_the_caller_stand_before_what_was_cleaned() -> None:
    assert interaction(notes="mine").row["notes"] == "mine"
    assert str(interaction(notes="mine", seq=-1).row["notes"]).startswith("mine; seq: ")


def test_what_was_cleaned_is_in_the_notes() -> None:
    bad = {"model_name": "m", "input_tokens": -1, "output_tokens": 2**80, "latency_ms": math.nan}

    row = interaction(stats=bad, system_prompt="\udc00", attempt="x").row

    assert (row["input_tokens"], row["output_tokens"]) == (0, 2**63 - 1)
    assert (row["latency_ms"], row["attempt"], row["system_prompt"]) == (0.0, None, "\\udc00")
    for name in ("input_tokens", "output_tokens", "latency_ms", "system_prompt", "attempt"):
        assert f"{name}: " in str(row["notes"])


def test_missing_keywords_do_not_cost_the_row() -> None:
    row = build_interaction({"role": "llm"}, entry_id="e", now=NOW).row

    assert row["task_id"] == row["user_prompt"] == ""
    assert "task_id: missing" in str(row["notes"])


def test_call_key_is_complete_only_with_all_its_parts() -> None:
    key = {"run_id": "r", "activity_id": "1", "activity_attempt": 1}

    assert interaction(**key).has_call_key
    assert not interaction(**key | {"activity_attempt": None}).has_call_key
    assert not interaction().has_call_key


def test_given_entry_id_is_kept() -> None:
    assert interaction(entry_id="mine").row["entry_id"] == "mine"
    assert interaction().row["entry_id"] == "e" * 32


def test_running_run_carries_its_owner() -> None:
    row = run()

    assert (row["owner_host"], row["owner_pid"], row["owner_start"]) == ("here", 42, "boot:1")
    assert (row["seen_at"], row["finished_at"], row["result_json"]) == (NOW, None, "{}")


def test_run_at_its_budget_was_seen_now_and_is_not_finished() -> None:
    row = run(status="budget")

    assert (row["seen_at"], row["finished_at"], row["owner_pid"]) == (NOW, None, None)


def test_final_run_is_finished_now_and_leaves_the_owner_alone() -> None:
    row = run(status="success", result={"status": "success"})

    assert (row["finished_at"], row["owner_pid"], row["seen_at"]) == (NOW, None, None)
    assert row["result_json"] == '{"status":"success"}'


def test_given_finish_is_kept() -> None:
    given = "2026-11-03T11:00:00+02:00"

    assert run(status="error", finished_at=given)["finished_at"] == "2026-11-03T09:00:00.000000Z"


def test_stranger_among_columns_is_refused() -> None:
    with pytest.raises(TypeError, match="no column colour"):
        clean_columns("interactions", {"colour": "red"})


def test_columns_are_cleaned_with_a_note() -> None:
    row = clean_columns("interactions", {"input_tokens": -3, "notes": "mine"})

    assert (row["input_tokens"], row["notes"]) == (0, "mine; input_tokens: negative became 0")


def test_imported_call_keeps_the_moment_of_its_beginning() -> None:
    entry = interaction(created_at="2025-01-02T03:04:05+01:00")

    assert entry.row["created_at"] == "2025-01-02T02:04:05.000000Z"


def test_moment_that_is_none_is_noted_and_now_stands_in() -> None:
    entry = interaction(created_at="lately")

    assert entry.row["created_at"] == NOW
    assert "created_at: not a time" in str(entry.row["notes"])


def test_what_has_no_keyword_is_kept_as_extra_beside_unknown_keywords() -> None:
    entry = interaction(extra={"a": 1}, flavour="b")

    assert entry.unknown == ("flavour",)
    assert entry.row["extra_json"] == '{"a":1,"flavour":"b"}'

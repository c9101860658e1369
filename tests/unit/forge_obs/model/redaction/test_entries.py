"""What a redaction hook gets to see, and what becomes of its answers."""

import orjson
import pytest
from forge_obs.database.commits.group_commit import Commit
from forge_obs.model.columns import Kind
from forge_obs.model.entries import Entry, Row, clean_columns
from forge_obs.model.redaction.entries import DROPPED, redact_entry
from forge_obs.model.rows import TABLES, Interaction, Run
from hypothesis import given
from hypothesis import strategies as st

SECRET = "sk-ant-secret"
IDENTIFYING = {
    *("entry_id", "task_id", "step_id", "sub_task_id", "workflow_id", "run_id", "activity_id"),
    *("role", "status", "origin", "trace_id", "span_id", "owner_host", "owner_start", "notes"),
    *("base_commit", "branch"),
}
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


def hide(text: str) -> str:
    return text.replace(SECRET, "***")


def filled(table: str) -> Entry:
    """Make an entry with the secret in every text column."""
    texts = {column.name: f"a {SECRET}" for column in TABLES[table] if column.kind is Kind.TEXT}
    json = {name: f'{{"{SECRET}":["{SECRET}"]}}' for name in texts if name.endswith("_json")}
    return Entry(table, clean_columns(table, {**texts, **json}))


def interaction(**columns: object) -> Row:
    return clean_columns("interactions", columns)


def redacted(columns: Row, hook: object = hide) -> Row:
    return redact_entry(Entry("interactions", columns), hook).row  # type: ignore[arg-type]


@pytest.mark.parametrize("table", ["interactions", "runs"])
def test_every_text_but_the_identifying_ones_is_seen(table: str) -> None:
    row = redact_entry(filled(table), hide).row

    left = {name for name, value in row.items() if SECRET in str(value)}
    assert left == {name for name in row if name in IDENTIFYING}


@pytest.mark.parametrize("table", ["interactions", "runs"])
def test_hook_without_an_answer_drops_the_texts_and_keeps_the_row(table: str) -> None:
    entry = filled(table)

    row = redact_entry(entry, lambda _: None).row

    assert {name for name, value in row.items() if SECRET in str(value)} <= IDENTIFYING
    assert [row[name] for name in IDENTIFYING - {"notes"} if name in row] == [
        entry.row[name] for name in IDENTIFYING - {"notes"} if name in row
    ]


def test_dropped_text_is_noted() -> None:
    row = redacted(interaction(user_prompt=SECRET, notes="seq: was str"), lambda _: None)

    assert (row["user_prompt"], row["notes"]) == ("", f"seq: was str; user_prompt: {DROPPED}")


@given(JSON)
def test_document_stays_a_document_and_loses_the_secret_in_its_strings(document: object) -> None:
    text = orjson.dumps({"a": [document, f"x\n{SECRET}\n"]}).decode()

    row = redacted(interaction(extra_json=text))

    assert orjson.loads(str(row["extra_json"])) == {"a": [document, "x\n***\n"]}


def test_secret_over_several_lines_inside_json_is_seen_as_it_is() -> None:
    key = "-----BEGIN KEY-----\nabc\n-----END KEY-----"

    row = redacted(
        interaction(params_json=orjson.dumps({"k": key}).decode()),
        lambda text: text.replace(key, "***"),
    )

    assert row["params_json"] == '{"k":"***"}'


def test_hook_that_knows_keys_sees_the_whole_document() -> None:
    row = redacted(
        interaction(params_json='{"token": "abc"}'),
        lambda text: text.replace('"token": "abc"', '"token": null'),
    )

    assert row["params_json"] == '{"token": null}'


def test_document_that_the_hook_breaks_is_kept_as_a_json_string() -> None:
    row = redacted(interaction(params_json='{"a":1}'), lambda text: text.replace('{"a', "gone"))

    assert row["params_json"] == '"gone\\":1}"'
    assert row["notes"] == "params_json: was no JSON"


def test_untouched_document_keeps_its_spelling() -> None:
    text = '{ "big": 123456789012345678901234567890, "x": 1.0 }'

    assert redacted(interaction(extra_json=text))["extra_json"] == text


@pytest.mark.parametrize("depth", [300, 900])
def test_document_too_deep_to_look_into_or_to_write_is_dropped(depth: int) -> None:
    row = redacted(interaction(extra_json="[" * depth + f'"{SECRET}"' + "]" * depth))

    assert SECRET not in str(row)
    assert row["notes"] == "extra_json: dropped, redaction failed"


def test_answer_that_utf_8_cannot_encode_is_cleaned() -> None:
    row = redacted(interaction(user_prompt="x"), lambda _: "a\ud800")

    assert (row["user_prompt"], row["notes"]) == (
        "a\\ud800",
        "user_prompt: lone surrogates escaped",
    )


def test_no_repr_holds_a_text() -> None:
    call = Interaction(id=1, user_prompt=SECRET, response=SECRET, error=SECRET, extra_json=SECRET)
    run = Run(id=1, workflow_id="w", result_json=SECRET)
    entry = Entry("interactions", interaction(user_prompt=SECRET), (SECRET,))
    commit = Commit("INSERT ...", ("id", SECRET))

    assert SECRET not in f"{call!r} {run!r} {entry!r} {commit!r} {call} {run} {entry} {commit}"
    assert repr(call) == "Interaction(id=1, entry_id=None, status='ok')"

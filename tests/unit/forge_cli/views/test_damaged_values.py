"""Stored values of another version, or damaged ones, neither end a command nor spoil its JSON."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from forge_cli.escape import escape
from forge_cli.render.calls.listing import render_interactions
from forge_cli.render.figures import format_milliseconds
from forge_cli.render.json_documents import build_interactions, build_status
from forge_cli.render.runs.run_list import render_run_list
from forge_cli.render.runs.run_tree import render_run
from forge_cli.views.costs import Prices
from forge_cli.views.json_text import MAX_DEPTH, dump, load_json, load_object, load_or_keep
from forge_cli.views.run import RunView, build_run_view
from forge_obs import Interaction, Run
from hypothesis import given
from hypothesis import strategies as st

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
UNWRITABLE = ['{"a": NaN}', '{"a": -Infinity}', '{"a": 1e999}', "[" * 100_000, "{", "", "1" * 400]
UNWRITABLE_IDS = ["nan", "infinity", "overflow", "deep", "cut", "empty", "digits"]

keys = st.sampled_from(
    [
        "plan",
        "steps",
        "step_results",
        "sub_task_results",
        "step_id",
        "attempts",
        "attempt",
        "duration_ms",
        "validation_results",
        "details",
        "planner_stats",
        "llm_stats",
        "latency_ms",
        "output_files",
        "error",
        "status",
    ]
)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=5),
    max_leaves=20,
)


def make_view(result_json: str, **columns: Any) -> RunView:
    run = Run(workflow_id="forge-t-0a", task_id="t", result_json=result_json, **columns)
    return build_run_view(run, run.status, None, NOW)


@pytest.mark.parametrize("text", UNWRITABLE, ids=UNWRITABLE_IDS)
def test_json_that_could_not_be_written_again_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        load_json(text)
    assert load_object(text) == {}
    assert load_or_keep(text) == text


@pytest.mark.parametrize("level", ["[%s]", '{"a": %s}'], ids=["lists", "objects"])
def test_json_nested_beyond_what_its_readers_follow_is_refused(level: str) -> None:
    nested = "0"
    for _ in range(MAX_DEPTH):
        nested = level % nested

    assert load_or_keep(nested) != nested
    assert load_or_keep(level % nested) == level % nested


def test_brackets_inside_a_text_are_no_nesting() -> None:
    assert load_object(json.dumps({"a": "[" * 1000})) == {"a": "[" * 1000}


@pytest.mark.parametrize("text", UNWRITABLE, ids=UNWRITABLE_IDS)
def test_damaged_column_leaves_the_document_valid(text: str) -> None:
    call = Interaction(context_stats_json=text, extra_json='{"kept": 1}')

    document = json.loads(dump(build_status(make_view(text), [call], verbose=True)))

    assert document["result"] == text
    assert document["interactions"][0]["context_stats"] == text
    assert document["interactions"][0]["extra"] == {"kept": 1}


@given(st.dictionaries(keys, json_values, max_size=8))
def test_result_of_any_shape_is_rendered(result: dict[str, Any]) -> None:
    view = make_view(json.dumps(result))

    assert "forge-t-0a" in render_run(view, [], Prices()).plain
    assert "forge-t-0a" in render_run_list([view]).plain


@pytest.mark.parametrize("text", [*UNWRITABLE, "[1]", '{"budget_utilization": "much"}'])
def test_damaged_context_stats_leave_the_call_readable(text: str) -> None:
    shown = render_interactions([Interaction(context_stats_json=text, user_prompt="Do it.")])

    assert "user prompt:\nDo it." in shown


def test_absurd_latency_is_no_error() -> None:
    assert [format_milliseconds(ms) for ms in (1e300, float("inf"), -5.0)] == ["?", "?", "0 ms"]


def test_attempt_whose_call_is_not_on_record_shows_the_results_figures() -> None:
    stats = {"model_name": "m", "input_tokens": 3, "output_tokens": 4, "latency_ms": 12.0}
    attempt = {
        "attempt": 1,
        "signal": "success",
        "llm_stats": stats,
        "commit_sha": "0123456789abcd",
    }

    text = render_run(make_view(json.dumps({"attempts": [attempt]})), [], Prices()).plain

    assert [line.split() for line in text.splitlines()[-2:]] == [
        ["attempt", "1", "success", "3", "4", "12", "ms", "unknown"],
        ["commit", "0123456789ab"],
    ]


def test_wide_characters_keep_the_columns_aligned() -> None:
    wide = make_view("{}", status="success")
    wide.run.task_id = "漢字"

    header, line = render_run_list([wide]).plain.splitlines()

    assert header.index("STATUS") == line.index("success") + 2


@pytest.mark.parametrize(
    "hidden",
    ["\ufe0f", "\U000e0100", "\u3164", "\u2800", "\U000e0000", "\u00ad", "\ue000"],
    ids=["variation", "supplement", "filler", "blank", "reserved", "soft hyphen", "private"],
)
def test_characters_that_nobody_sees_are_shown(hidden: str) -> None:
    assert escape(f"a{hidden}b") == f"a{hidden.encode('unicode_escape').decode()}b"


def test_five_megabytes_in_one_line_are_escaped_and_whole() -> None:
    call = Interaction(user_prompt="é\x1b[0m]" * 1_000_000, response="x" * 5_000_000)

    text = render_interactions([call])

    assert text.count("\\x1b[0m]") == 1_000_000
    assert "x" * 5_000_000 in text


def test_verbose_document_carries_prompts_byte_for_byte() -> None:
    prompt = "\x1b[2J \u202e \ud800 a[/b]c ☃"

    [call] = build_interactions([Interaction(user_prompt=prompt)], verbose=True)

    text = dump({"interactions": [call]})
    assert text.isascii()
    assert json.loads(text)["interactions"][0]["user_prompt"] == prompt

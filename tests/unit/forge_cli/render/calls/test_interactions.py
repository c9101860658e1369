"""A context is shown with its figures as estimates and its parts one by one."""

import json

import pytest
from forge_cli.render.calls import facts
from forge_cli.render.calls.facts import describe_stats
from forge_cli.render.calls.manifest import render_manifest
from forge_cli.views.calls.reasoning import read_reasoning
from forge_core.models.call import settings as call_settings
from forge_core.models.call.context import ContextEntry, ContextStats

STATS = ContextStats(
    files_discovered=40,
    files_included_full=2,
    files_included_signatures=9,
    files_truncated=3,
    files_left_out={"vendored": 7, "lock file": 1},
    files_unparsed=1,
    unparsed=("a.py: not parsed: invalid syntax, line 3",),
    total_estimated_tokens=5000,
    budget_utilization=0.25,
    repo_map_tokens=900,
)


def test_stats_are_one_line_that_says_what_is_missing() -> None:
    assert describe_stats(STATS.model_dump_json()) == (
        "about 5000 tokens (25.0% of the budget), an estimate, 40 files known, 2 shown in full, "
        "9 as signatures, 3 shortened or left out for lack of room, map 900 tokens, "
        "left out by default: 7 vendored, 1 lock file, "
        "1 without signatures (a.py: not parsed: invalid syntax, line 3)"
    )


def test_usual_time_limit_is_that_of_the_engine() -> None:
    assert facts.TIMEOUT_S == call_settings.TIMEOUT_S


@pytest.mark.parametrize(
    "stored",
    [None, "", "{", "[]", '{"output": 3}', '{"output": [3, {"parts": [{"type": "reasoning"}]}]}'],
)
def test_damaged_messages_hold_no_reasoning(stored: str | None) -> None:
    assert read_reasoning(stored) is None


def test_manifest_is_a_table_of_form_tokens_rank_and_reason() -> None:
    entries = [
        ContextEntry(kind="repo_map", name="", form="text", tokens=12, reason="the map"),
        ContextEntry(
            kind="dependency",
            name="b.py",
            path="b.py",
            form="full",
            tokens=3400,
            reason="x",
            rank=2,
        ),
    ]
    manifest = json.dumps([entry.model_dump() for entry in entries])

    assert render_manifest(manifest) == [
        "",
        "manifest (tokens are estimates):",
        "  form  tokens  rank  part      reason",
        "  text      12        repo map  the map",
        "  full    3400     2  b.py      x",
    ]


@pytest.mark.parametrize("text", [None, "", "{", "[]", "7", '["x"]', '[{"rank": {}}]', '{"a": 1}'])
def test_damaged_manifest_breaks_nothing(text: str | None) -> None:
    assert isinstance(render_manifest(text), list)


def test_name_of_a_file_cannot_tell_the_terminal_anything() -> None:
    manifest = json.dumps([{"name": "a\x1b[2J\nb.py", "reason": "\u202e"}])

    assert "a\\x1b[2J\\nb.py" in render_manifest(manifest)[-1]
    assert "\\u202e" in render_manifest(manifest)[-1]

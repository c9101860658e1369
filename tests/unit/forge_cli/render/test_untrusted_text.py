"""Whatever stands in a stored field, nothing of it reaches a terminal raw, and nothing is lost."""

import json
from collections.abc import Callable
from dataclasses import fields, replace
from datetime import UTC, datetime
from typing import Any

import pytest
from forge_cli.escape import escape, escape_line
from forge_cli.render.calls.listing import render_interactions
from forge_cli.render.calls.page import CallPage, Canvas, render_page
from forge_cli.render.json_documents import build_call, build_run_list, build_status
from forge_cli.render.live.events import Look, render_progress
from forge_cli.render.live.frame import render_live
from forge_cli.render.live.state import LiveState
from forge_cli.render.outcome import Ending, render_outcome
from forge_cli.render.runs.layout import Layout
from forge_cli.render.runs.run_list import render_run_list, render_run_news
from forge_cli.render.runs.run_tree import render_run
from forge_cli.views.calls.place import locate_call
from forge_cli.views.costs import NO_PRICES
from forge_cli.views.json_text import dump
from forge_cli.views.outline import build_outline
from forge_cli.views.request import RequestView
from forge_cli.views.result import build_result_view
from forge_cli.views.run import RunView, build_run_view
from forge_core.models.run import PendingActivity
from forge_obs import Interaction, Run
from support.hostile import HOSTILE, LONG, find_raw, show_escaped

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)

texts = pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE.keys())


def make_result(text: str) -> dict[str, Any]:
    """Build a result with a text in every place that holds one."""
    attempt = {
        "attempt": 1,
        "signal": text,
        "error": text,
        "commit_sha": text,
        "llm_stats": {"model_name": text},
        "validation_results": [
            {"check_name": text, "passed": False, "summary": text, "details": text}
        ],
    }
    part = {"sub_task_id": text, "status": text, "error": text, "digest": text}
    step = {
        "step_id": text,
        "status": text,
        "error": text,
        "commit_sha": text,
        "attempts": [attempt],
        "sub_task_results": [{**part, "attempts": [attempt]}],
    }
    plan = {"step_id": text, "description": text, "sub_tasks": [{**part, "description": text}]}
    return {
        "status": text,
        "error": text,
        "worktree_branch": text,
        "worktree_path": f"/{text}/.forge-worktrees/t",
        "plan": {"steps": [plan, {"step_id": "next", "description": text}]},
        "step_results": [step],
        "attempts": [attempt],
        "output_files": {text: text},
        "planner_stats": {"model_name": text},
    }


def fill(shape: type[Any], text: str) -> dict[str, Any]:
    """Give every text column of a row that text."""
    return {field.name: text for field in fields(shape) if field.type in (str, str | None)}


def test_every_text_column_is_filled() -> None:
    assert {"entry_id", "model_name", "origin", "error", "broken"} <= fill(Interaction, "x").keys()


def make_call(text: str) -> Interaction:
    columns = fill(Interaction, text)
    return Interaction(**{**columns, "created_at": NOW})


def make_view(text: str, status: str = "running") -> RunView:
    columns = {**fill(Run, text), "result_json": json.dumps(make_result(text))}
    return build_run_view(Run(**{**columns, "created_at": NOW}), status, None, NOW)


def make_live(text: str) -> LiveState:
    view, calls = make_view(text), [make_call(text), replace(make_call(text), status="started")]
    outline = build_outline(view.result, calls, running=True)
    pending = PendingActivity(text, text, text, 2, NOW, running=False, failure=text)
    request = RequestView(text)
    return LiveState(text, NOW, outline, NO_PRICES, (pending,), request=request)


def render_runs_sound(text: str) -> str:
    view = make_view(text, text)
    view.run.broken = None
    news = "\n".join(render_run_news([], [view]))
    return render_run_list([view]).plain + news


def render_events(text: str) -> str:
    result = build_result_view(make_result(text))
    failed = replace(make_call(text), status="error")
    lines = render_progress(Look(build_result_view({})), Look(result, [failed]))
    assert not any("\n" in line for line in lines)
    return "\n".join(lines)


def render_ending(text: str) -> str:
    result = build_result_view(make_result(text))
    return render_outcome(Ending(text, text, result, reason=text, is_recorded=True)).plain


def render_call_page(text: str) -> str:
    view, call = make_view(text), make_call(text)
    call.id, call.sub_task_id = 1, None
    place = locate_call(call, view, [call, replace(call, id=2)])
    assert place is not None
    return render_page(CallPage(call, place), Canvas()).plain


PLACES: dict[str, Callable[[str], str]] = {
    "list": render_runs_sound,
    "broken row": lambda text: render_run_list([make_view(text)]).plain,
    "tree": lambda text: render_run(make_view(text), [make_call(text)], NO_PRICES).plain,
    "details": lambda text: render_run(make_view(text), [], NO_PRICES, Layout(details=True)).plain,
    "call": lambda text: render_interactions([make_call(text)]),
    "page": render_call_page,
    "foreign page": lambda text: render_page(CallPage(make_call(text)), Canvas()).plain,
    "live": lambda text: render_live(make_live(text), NOW, width=2000, height=100).plain,
    "events": render_events,
    "ending": render_ending,
}
"""Everything that is printed of stored text, by where it is seen."""

places = pytest.mark.parametrize("render", PLACES.values(), ids=PLACES.keys())


@texts
@places
def test_nothing_reaches_a_terminal_raw_and_nothing_is_lost(
    render: Callable[[str], str], text: str
) -> None:
    shown = render(text)

    assert not find_raw(shown)
    expected = show_escaped(text)
    on_one_line = expected.replace("\n", "\\n").replace("\t", " ")
    assert expected in shown or on_one_line in shown


@texts
def test_document_is_ascii_and_gives_the_text_back(text: str) -> None:
    view, call = make_view(text), make_call(text)

    written = [
        dump(build_run_list([view], pending=0, lost=0)),
        dump(build_status(view, [call], verbose=True)),
        dump({"interaction": build_call(call, verbose=True)}),
    ]

    assert all(document.isascii() for document in written)
    found = json.loads(written[2])["interaction"]
    assert {found["user_prompt"], found["model_name"], found["error"], found["notes"]} == {text}
    assert json.loads(written[1])["result"]["error"] == text


@texts
def test_escaping_twice_changes_nothing_more(text: str) -> None:
    assert escape(escape(text)) == escape(text)
    assert "\n" not in escape_line(text)


@places
def test_line_of_a_megabyte_is_rendered(render: Callable[[str], str]) -> None:
    shown = render(LONG)

    assert "x" * 20 in shown


def test_line_of_a_megabyte_is_whole_where_a_call_is_shown() -> None:
    assert LONG in render_interactions([Interaction(user_prompt=LONG)])

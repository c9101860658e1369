"""Sections, answers, repairs and runs are paired by what they are about."""

import json
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from forge_cli.views.calls.sections import PromptSection
from forge_cli.views.comparison.answers import WHOLE, pair_answers
from forge_cli.views.comparison.repair import list_repairs
from forge_cli.views.comparison.runs import Side, compare_texts, list_settings, pair_work
from forge_cli.views.comparison.sections import list_sections, pair_sections, sum_tokens
from forge_cli.views.costs import NO_PRICES
from forge_cli.views.outline import build_outline
from forge_cli.views.result import build_result_view
from forge_cli.views.run import RunView, build_run_view
from forge_obs import Interaction, Run

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


def section(kind: str, text: str, name: str = "") -> PromptSection:
    return PromptSection("user", kind, name, f"{kind} {name}", text, len(text), len(text))


def call(number: int, **columns: Any) -> Interaction:
    given: dict[str, Any] = {
        "id": number,
        "entry_id": f"{number:032x}",
        "role": "llm",
        "attempt": 1,
        "created_at": NOW,
        "user_prompt": "Do it.",
        "response": "Done.",
    }
    return Interaction(**{**given, **columns})


def test_sections_are_the_same_changed_new_or_gone() -> None:
    old = [section("task", "a"), section("target_file", "x", "a.py"), section("plan", "p")]
    new = [section("task", "a"), section("target_file", "xy", "a.py"), section("failure", "why")]

    pairs = pair_sections(old, new)

    assert [(pair.state, pair.section.kind) for pair in pairs] == [
        ("same", "task"),
        ("changed", "target_file"),
        ("new", "failure"),
        ("gone", "plan"),
    ]
    assert sum_tokens(pairs) == (3, 6)


def test_sections_of_the_same_name_are_paired_in_their_order() -> None:
    old = [section("refused_edits", "1"), section("refused_edits", "2")]
    new = [section("refused_edits", "1"), section("refused_edits", "3"), section("task", "t")]

    assert [pair.state for pair in pair_sections(old, new)] == ["same", "changed", "new"]
    assert [pair.state for pair in pair_sections(new, old)] == ["same", "changed", "gone"]


def answer(**lists: Any) -> str:
    return json.dumps(lists)


def test_answers_are_compared_file_by_file() -> None:
    old = answer(files=[{"file_path": p, "content": "x\n"} for p in ("a.py", "b.py", "c.py")])
    new = answer(
        files=[
            {"file_path": "a.py", "content": "x\n"},
            {"file_path": "b.py", "content": "y\n"},
            {"file_path": "d.py", "content": "z\n"},
        ]
    )

    pairs = pair_answers(call(1, response=old), call(2, response=new))

    assert [(pair.name, pair.state) for pair in pairs] == [
        ("a.py", "same"),
        ("b.py", "changed"),
        ("c.py", "gone"),
        ("d.py", "new"),
    ]
    assert pairs[1].old == ("x",)
    assert pairs[1].new == ("y",)


def test_file_whose_lines_one_side_does_not_know_is_compared_by_what_is_said() -> None:
    edit = {"file_path": "a.py", "search": "x\n", "replace": "y\n"}
    old = answer(files=[{"file_path": "a.py", "content": "y\n"}])

    (pair,) = pair_answers(call(1, response=old), call(2, response=answer(edits=[edit])))

    assert not pair.is_whole
    assert (pair.old, pair.new) == (("y",), ("@@", "-x", "+y"))


def test_other_answers_are_compared_whole_and_json_by_values() -> None:
    (pair,) = pair_answers(call(1, response='{"a": 1}'), call(2, response='{"a":\n1}'))
    (other,) = pair_answers(call(1, response="one\ntwo"), call(2, response=None))

    assert (pair.name, pair.state) == (WHOLE, "same")
    assert (other.old, other.new, other.state) == (("one", "two"), None, "gone")
    assert pair_answers(call(1, response=None), call(2, response=None)) == ()


def outline(*calls: Interaction) -> Any:
    return build_outline(build_result_view({}), calls, running=False)


def test_last_repair_is_the_last_two_attempts_of_the_unit_that_was_tried_last() -> None:
    repairs = list_repairs(
        outline(
            call(1, step_id="a", attempt=1),
            call(2, step_id="a", attempt=2),
            call(3, step_id="b", attempt=1),
            call(4, step_id="b", attempt=2),
            call(5, step_id="b", attempt=2, seq=1),
            call(6, step_id="c", attempt=1),
            call(7, step_id="c", attempt=1, seq=1),
        )
    )

    assert [(r.before.id, r.after.id, r.are_requests) for r in repairs] == [
        (3, 5, False),
        (1, 2, False),
        (6, 7, True),
    ]


def test_sub_task_that_was_tried_again_with_its_step_is_a_repair() -> None:
    part = {"step_id": "a", "sub_task_id": "p"}

    (repair,) = list_repairs(
        outline(call(1, **part, step_attempt=1), call(2, **part, step_attempt=2))
    )

    assert (repair.before.id, repair.after.id) == (1, 2)


def test_what_was_done_once_is_no_repair() -> None:
    assert list_repairs(outline(call(1, step_id="a"), call(2, role="planner"))) == []


def make_side(*calls: Interaction, **columns: Any) -> Side:
    run = Run(workflow_id="w", created_at=NOW, **columns)
    view: RunView = build_run_view(run, "success", None, NOW)
    return Side(view, calls, NO_PRICES)


def test_work_of_two_runs_is_paired_by_step_sub_task_role_and_attempt() -> None:
    old = make_side(
        call(1, role="planner"),
        call(2, step_id="a", latency_ms=5.0),
        call(3, step_id="a", attempt=2, outcome="accepted"),
    )
    new = make_side(
        call(1, role="planner"),
        call(2, step_id="a", outcome="refused", latency_ms=7.0, stated_cost_usd=0.5),
        call(3, step_id="b", sub_task_id="p", step_attempt=1),
    )

    pairs = pair_work(old, new)

    assert [(p.name, p.old is not None, p.new is not None) for p in pairs] == [
        ("planner", True, True),
        ("a attempt 1", True, True),
        ("a attempt 2", True, False),
        ("b/p attempt 1.1", False, True),
    ]
    assert pairs[1].old is not None
    assert pairs[1].new is not None
    assert pairs[1].new.outcome.word == "refused"
    assert (pairs[1].old.tally.latency_ms, pairs[1].new.tally.latency_ms) == (5.0, 7.0)
    assert pairs[1].new.tally.usd == Decimal("0.5")


def test_attempt_that_only_the_second_run_made_stands_with_its_step() -> None:
    old = make_side(call(1, step_id="a"), call(2, step_id="b"))
    new = make_side(call(1, step_id="a"), call(2, step_id="a", attempt=2))

    names = [pair.name for pair in pair_work(old, new)]

    assert names == ["a attempt 1", "a attempt 2", "b attempt 1"]


def test_settings_that_differ_are_named_by_their_place_in_the_request() -> None:
    old = {"model": "a", "task": {"task_id": "x", "context": {"token_budget": 5}, "files": ["p"]}}
    new = {"model": "a", "task": {"task_id": "y", "context": {"token_budget": 7}, "files": []}}

    settings = list_settings(
        make_side(request_json=json.dumps(old)).view, make_side(request_json=json.dumps(new)).view
    )

    assert [(s.name, s.old, s.new) for s in settings] == [
        ("task.context.token_budget", "5", "7"),
        ("task.files", "p", "-"),
    ]


def test_runs_without_a_request_are_compared_by_their_rows() -> None:
    settings = list_settings(make_side(model_name="a").view, make_side(model_name="b").view)

    assert [(s.name, s.old, s.new) for s in settings] == [("model_name", "a", "b")]


def test_first_difference_of_two_calls_is_in_the_prompt_else_in_the_answer() -> None:
    one = call(1)

    assert compare_texts(one, call(2)) == ""
    assert "prompt is changed" in compare_texts(one, call(2, user_prompt="Do that.", response="x"))
    assert compare_texts(one, call(2, response="x")) == "the same prompt has another answer"
    assert "'error'" in compare_texts(one, call(2, status="error"))


def converse(*texts: str, tool: str | None = None) -> dict[str, str]:
    roles = ("user", "assistant")
    asked = [
        {"role": roles[number % 2], "parts": [{"type": "text", "content": text}]}
        for number, text in enumerate(texts)
    ]
    call_part = {"type": "tool_call", "name": tool, "arguments": {"at": "Bern"}}
    output = [{"role": "assistant", "parts": [call_part]}] if tool else []
    return {"messages_json": json.dumps({"input": asked, "output": output})}


def test_conversations_are_compared_message_by_message_with_the_tools_that_are_called() -> None:
    old = call(1, response="", **converse("Rain?", tool="weather"))
    new = call(2, response="", **converse("Rain?", "Where?", "Here.", tool="map"))

    pairs = pair_sections(list_sections(old), list_sections(new))
    (answers,) = pair_answers(old, new)

    assert [(pair.state, pair.section.title) for pair in pairs] == [
        ("same", "Message 1, user"),
        ("new", "Message 2, assistant"),
        ("new", "Message 3, user"),
    ]
    assert answers.old is not None
    assert answers.new is not None
    assert (answers.old[0], answers.new[0]) == ("calls weather", "calls map")
    other = call(2, response="", **converse("Rain?", tool="map"))
    assert compare_texts(old, other) == "the same prompt has another answer"

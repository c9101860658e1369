"""What differs is told in figures first, then as diffs, within the terminal's width."""

import re
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from forge_cli.render.comparison.calls import CallComparison, JudgedCall, render_call_comparison
from forge_cli.render.comparison.documents import build_call_comparison, build_run_comparison
from forge_cli.render.comparison.runs import RunComparison, render_run_comparison
from forge_cli.views.calls.outcome import Outcome, judge_call
from forge_cli.views.calls.sections import PromptSection
from forge_cli.views.comparison.answers import AnswerPair
from forge_cli.views.comparison.runs import FirstDifference, Setting, Work, WorkPair
from forge_cli.views.comparison.sections import pair_sections
from forge_cli.views.costs import Simulation, Tally
from forge_cli.views.run import build_run_view
from forge_obs import Interaction, Run
from rich.cells import cell_len
from support.hostile import HOSTILE, find_raw

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
CALL = Interaction(
    id=1, entry_id="1" * 32, role="llm", step_id="a", attempt=1, model_name="m", created_at=NOW
)


def section(kind: str, text: str, name: str = "") -> PromptSection:
    title = f"{kind.capitalize()}: {name}" if name else kind.capitalize()
    return PromptSection("user", kind, name, title, text, len(text), 10 * len(text))


def compare_calls(**changes: Any) -> CallComparison:
    other = replace(CALL, id=2, entry_id="2" * 32, attempt=2, latency_ms=1500.0)
    old = [section("task", "Do it."), section("file", "x = 1\ny = 2", "a.py")]
    new = [old[0], section("file", "x = 1\ny = 3", "a.py"), section("failure", "It failed.")]
    compared = CallComparison(
        JudgedCall(CALL, Outcome("refused", "lint: F821")),
        JudgedCall(other, Outcome("accepted")),
        pair_sections(old, new),
        (
            AnswerPair("a.py", ("x", "y"), ("x", "z")),
            AnswerPair("b.py", None, ("new",)),
            AnswerPair("c.py", ("s",), ("s",)),
        ),
    )
    return replace(compared, **changes)


def test_attempts_and_outcomes_of_two_calls_are_told_apart_in_a_narrow_terminal() -> None:
    text = render_call_comparison(compare_calls(), 36).plain

    assert text.split("\n")[:4] == [
        "A  11111111  llm, step a, attempt 1",
        "             refused: lint: F821",
        "B  22222222  llm, step a, attempt 2",
        "             accepted",
    ]


def test_sections_are_counted_listed_and_compared() -> None:
    text = re.sub("─{3,}", "─", render_call_comparison(compare_calls(), None).plain)

    assert text.split("\n") == [
        "A  11111111  llm, step a, attempt 1  refused: lint: F821",
        "B  22222222  llm, step a, attempt 2  accepted",
        "latency    A  0 ms",
        "           B  1.5 s",
        "",
        "prompts: 1 same, 1 new, 1 changed; about 170 → 270 tokens (+100)",
        "  changed  110 → 110  File: a.py",
        "  new            100  Failure",
        "  same  60 tokens: Task",
        "",
        "answers: 3 files",
        "  changed    a.py",
        "  only in B  b.py",
        "  same       c.py",
        "",
        "── changed: File: a.py ─ about 110 → 110 tokens ──",
        "@@ -1,2 +1,2 @@",
        " x = 1",
        "-y = 2",
        "+y = 3",
        "",
        "── new: Failure ─ about 100 tokens ──",
        "+It failed.",
        "",
        "── answer: a.py ─ changed ──",
        "@@ -1,2 +1,2 @@",
        " x",
        "-y",
        "+z",
        "",
        "── answer: b.py ─ only in B ──",
        "+new",
    ]


def test_calls_are_the_same_if_all_that_they_say_is() -> None:
    same = compare_calls(sections=(), answers=())

    assert same.is_same
    assert not compare_calls().is_same
    assert "answers: none on record" in render_call_comparison(same, None).plain


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE.keys())
def test_nothing_of_a_comparison_reaches_a_terminal_raw(text: str) -> None:
    call = replace(CALL, step_id=text, model_name=text)
    compared = CallComparison(
        JudgedCall(call, Outcome(text, text)),
        JudgedCall(replace(CALL, model_name="m"), Outcome("accepted")),
        pair_sections([section(text, text, text)], [section("task", text)]),
        (AnswerPair(text, (text,), None),),
    )
    work = Work((call,), Outcome(text, text), Tally())
    pair = WorkPair(text, text, text, 1, 1, work, None)
    view = build_run_view(Run(workflow_id=text, created_at=NOW), text, None, NOW)
    first = FirstDifference(pair, text, call)
    runs = RunComparison(view, view, [Setting(text, text, "-")], (pair,), first)

    assert not find_raw(render_call_comparison(compared, None).plain)
    assert not find_raw(render_run_comparison(runs, None).plain)


def compare_runs() -> RunComparison:
    run = Run(workflow_id="forge-iso-dates-0a1b2c3d", created_at=NOW, finished_at=NOW)
    old = build_run_view(run, "success", None, NOW)
    new = build_run_view(replace(run, workflow_id="forge-iso-dates-7f3a"), "error", None, NOW)
    tally = Tally(calls=1, input_tokens=4000, output_tokens=120, latency_ms=1600.0)
    accepted = Work((CALL,), judge_call(replace(CALL, outcome="accepted")), tally)
    refused = Work((CALL,), Outcome("refused", "tests"), replace(tally, latency_ms=900.0))
    pairs = (
        WorkPair("planner", None, None, 0, 1, accepted, accepted),
        WorkPair("llm", "a", None, 0, 1, accepted, refused),
        WorkPair("llm", "b", "p", 1, 2, None, accepted),
    )
    first = FirstDifference(pairs[1], "the same prompt has another answer", CALL, CALL)
    return RunComparison(old, new, [Setting("model", "a", "b")], pairs, first)


def test_runs_are_compared_attempt_by_attempt() -> None:
    assert render_run_comparison(compare_runs(), None).plain.split("\n") == [
        "A  forge-iso-dates-0a1b2c3d  success  0 calls  - tokens  -  0.0 s",
        "B  forge-iso-dates-7f3a      failed   0 calls  - tokens  -  0.0 s",
        "",
        "started differently",
        "  model",
        "    A  a",
        "    B  b",
        "",
        "WORK             OUTCOME             TOKENS     COST       TIME",
        "planner          accepted            4.12k      $0.00      1.6 s",
        "a attempt 1      accepted → refused  4.12k      $0.00      1.6 s → 900 ms",
        "b/p attempt 1.2  - → accepted        - → 4.12k  - → $0.00  - → 1.6 s",
        "",
        "first difference: a attempt 1: the same prompt has another answer",
        "  forge diff 11111111 11111111",
    ]


def test_scripts_have_their_simulated_tokens_and_lost_requests_no_time() -> None:
    compared = compare_runs()
    simulation = Simulation(1, input_tokens=900, output_tokens=100, usd=Decimal("0.01"))
    scripted = Tally(calls=1, scripted=1, latency_ms=5.0, simulation=simulation)
    lost = Tally(calls=1, scripted=1, unanswered=1)
    works = [Work((CALL,), Outcome("accepted"), tally) for tally in (scripted, lost)]
    pair = WorkPair("llm", "a", None, 0, 1, *works)

    line = render_run_comparison(replace(compared, work=(pair,)), None).plain.split("\n")[9]

    assert line == "a attempt 1  accepted  1.00k → -  sim $0.0100 → -  5 ms → -"


@pytest.mark.parametrize("width", [40, 60, 80])
def test_comparison_of_runs_leaves_columns_out_for_a_narrow_terminal(width: int) -> None:
    lines = render_run_comparison(compare_runs(), width).plain.split("\n")

    assert max(map(cell_len, lines)) <= max(width, 44)
    assert "a attempt 1      accepted → refused" in "\n".join(lines)
    assert not any(line.endswith("…") for line in lines)


def test_documents_have_both_sides() -> None:
    calls = build_call_comparison(compare_calls())
    runs = build_run_comparison(compare_runs())

    assert [s["state"] for s in calls["sections"]] == ["same", "changed", "new"]
    assert calls["sections"][2]["tokens_a"] is None
    assert calls["answers"][1] == {
        "state": "new",
        "name": "b.py",
        "whole": True,
        "text_a": None,
        "text_b": "new",
    }
    assert calls["b"]["outcome"] == {"word": "accepted", "reason": None}
    assert runs["first_difference"]["a"] == "1" * 32
    assert runs["work"][2]["a"] is None

"""The tree of a run: what was tried, what it cost, what failed, where the time went."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from forge_cli.render.figures import describe_cost
from forge_cli.render.runs.layout import Layout
from forge_cli.render.runs.run_tree import render_run
from forge_cli.views.calls.selection import CallFilter
from forge_cli.views.costs import Prices, Tally, tally_calls
from forge_cli.views.outline import build_outline
from forge_cli.views.result import parse_result
from forge_cli.views.run import RunView, build_run_view
from forge_cli.views.spending import find_waste, split_time
from forge_core.pricing.rates import Period, UnitPrices
from forge_obs import Interaction, Run
from rich.cells import cell_len

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
BEGAN = NOW - timedelta(seconds=20)
UNIT = UnitPrices(input=((0, Decimal(3)),), output=((0, Decimal(15)),))
PRICES = Prices("9.9", {("p", "writer"): (Period(UNIT),)})
DETAILS = "\n".join(f"a.py:{number}:1 F821" for number in range(1, 10))


def make_attempt(number: int, signal: str = "success", **fields: Any) -> dict[str, Any]:
    return {"attempt": number, "signal": signal, **fields}


def make_check(name: str, *, passed: bool, details: str | None = None) -> dict[str, Any]:
    summary = "ok" if passed else "9 findings"
    return {"check_name": name, "passed": passed, "summary": summary, "details": details}


FAILED = make_attempt(
    1,
    "failure_retryable",
    error="validation failed (ruff_lint: 9 findings)",
    validation_results=[
        make_check("ruff_lint", passed=False, details=DETAILS),
        make_check("tests", passed=True),
    ],
)
RESULT: dict[str, Any] = {
    "worktree_branch": "forge/t",
    "plan": {
        "steps": [
            {"step_id": "a", "description": "First.\nMore."},
            {
                "step_id": "b",
                "description": "Second.",
                "sub_tasks": [
                    {"sub_task_id": "p", "description": "Part."},
                    {"sub_task_id": "q", "description": "Other."},
                ],
            },
            {"step_id": "c", "description": "Third."},
        ]
    },
    "step_results": [
        {
            "step_id": "a",
            "status": "success",
            "commit_sha": "0123456789abcdef",
            "attempts": [FAILED, make_attempt(2, commit_sha="0123456789abcdef")],
        },
        {
            "step_id": "b",
            "status": "running",
            "attempts": [make_attempt(1, "failure_retryable", error="sub-task q failed: 401")],
            "sub_task_results": [
                {"sub_task_id": "p", "status": "success", "attempts": [make_attempt(1)]},
                {
                    "sub_task_id": "q",
                    "status": "failure_terminal",
                    "error": "401",
                    "attempts": [make_attempt(1, "failure_terminal", error="401")],
                },
            ],
        },
    ],
}


def make_call(number: int, **columns: Any) -> Interaction:
    given: dict[str, Any] = {
        "entry_id": f"{number:08x}ffff",
        "role": "llm",
        "attempt": 1,
        "model_name": "writer",
        "request_model": "p:writer",
        "input_tokens": 4000,
        "output_tokens": 1000,
        "latency_ms": 1000.0,
        "created_at": BEGAN + timedelta(seconds=number),
    }
    return Interaction(**{**given, **columns})


CALLS = [
    make_call(0, role="planner", status="error", error_type="llm.schema", error="no steps"),
    make_call(1, role="planner", seq=1),
    make_call(2, step_id="a"),
    make_call(3, step_id="a", attempt=2, cache_read_tokens=3000),
    make_call(4, step_id="b", sub_task_id="p", step_attempt=1),
    make_call(5, step_id="b", sub_task_id="q", step_attempt=1, usage_known=False, status="error"),
    make_call(6, step_id="b", sub_task_id="p", step_attempt=2, status="started", usage_known=False),
]
NODES = ("planner", "step", "sub-task", "attempt", "request")


def make_view(status: str = "running", result: object = RESULT) -> RunView:
    text = result if isinstance(result, str) else json.dumps(result)
    run = Run(workflow_id="forge-t-0a", task_id="t", created_at=BEGAN, result_json=text)
    return build_run_view(run, status, tally_calls(CALLS, PRICES), NOW)


def render(status: str = "running", layout: Layout = Layout(), **query: Any) -> str:  # noqa: B008
    return render_run(make_view(status), CALLS, PRICES, layout, CallFilter(**query)).plain


def list_tree(text: str) -> list[str]:
    """List the lines below the facts, without their guide lines."""
    return [line.strip("│├└─ ") for line in text.rsplit("\n\n", maxsplit=1)[-1].splitlines()]


def find_line(text: str, start: str) -> str:
    [line] = [line for line in list_tree(text) if line.startswith(start)]
    return line


def test_attempt_has_a_row_with_its_figures() -> None:
    text = render()

    assert find_line(text, "CALL").split() == ["CALL", "IN", "CACHED", "OUT", "LATENCY", "COST"]
    assert find_line(text, "attempt 2 success").split()[3:] == [
        *("00000003", "4.00k", "3.00k", "1.00k", "1.0", "s", "$0.0270"),
    ]


def test_step_has_the_sums_of_its_attempts_its_commit_and_what_it_is() -> None:
    line = find_line(render(), "step a success")

    assert line.split()[3:] == [
        *("8.00k", "3.00k", "2.00k", "2.0", "s", "$0.0540"),
    ]
    assert "0123456789ab First." in list_tree(render())


@pytest.mark.parametrize("width", [80, 110, 200])
def test_every_line_fits_the_terminal(width: int) -> None:
    text = render("interrupted", Layout(width))

    assert max(map(cell_len, text.splitlines())) <= width
    assert "CALL" in text


def test_id_that_would_run_over_the_edge_stands_below_its_label() -> None:
    workflow_id = "w" * 75
    view = build_run_view(Run(workflow_id=workflow_id, created_at=BEGAN), "success", None, NOW)

    assert render_run(view, [], PRICES, Layout(80)).plain.startswith(f"run\n{workflow_id}\n")
    assert render_run(view, [], PRICES).plain.startswith(f"run       {workflow_id}\n")


def test_description_and_reason_are_broken_between_words() -> None:
    run = Run(
        workflow_id="w",
        task_id="t",
        created_at=BEGAN,
        description="Keep track\nof dates. " * 9,
        reason="日付" * 60,
    )
    view = build_run_view(run, "failure_terminal", None, NOW)

    lines = render_run(view, [], PRICES, Layout(60)).plain.splitlines()

    assert lines[2].startswith("asked for Keep track of dates. Keep track of")
    assert lines[3].startswith("          ")
    assert lines[7].startswith("reason    日付")
    assert max(map(cell_len, lines)) <= 60


def test_units_attempts_and_requests_hang_on_guide_lines() -> None:
    lines = render(layout=Layout(100)).split("\n\n")[1].splitlines()

    nodes = [(line, line.lstrip("│├└─ ")) for line in lines[1:]]
    guides = [line[: -len(rest)] for line, rest in nodes if rest.startswith(NODES)]
    assert guides == [
        *("", "├─ ", "└─ "),  # the planner and its requests
        *("", "├─ ", "└─ "),  # step a and its attempts
        *("", "├─ ", "│  ├─ ", "│  └─ "),  # step b, sub-task p
        *("├─ ", "│  └─ ", "│     └─ ", "└─ "),  # sub-task q, the attempt at step b
        *("      ", ""),  # its error, and step c
    ]


def test_failed_checks_are_told_in_short_and_whole_with_details() -> None:
    short, whole = render(), render(layout=Layout(details=True))

    assert "│     ruff_lint failed: 9 findings\n│       a.py:1:1 F821\n" in short
    assert "a.py:6:1" in short
    assert "a.py:7:1" not in short
    assert "… 3 more lines with --full" in short
    assert "tests passed" not in short
    assert "a.py:9:1" in whole
    assert "tests passed: ok" in whole


def test_output_of_failed_tests_is_shown_from_both_ends() -> None:
    output = "\n".join(f"line {number}" for number in range(1, 21))
    check = make_check("tests", passed=False, details=output)
    failed = make_attempt(1, "failure_retryable", validation_results=[check])

    text = render_run(make_view(result={"attempts": [failed]}), (), PRICES).plain
    details = Layout(details=True)
    whole = render_run(make_view(result={"attempts": [failed]}), (), PRICES, details).plain

    shown = [line.strip() for line in text.splitlines() if "line" in line]
    assert shown == [
        *("line 1", "line 2", "line 3"),
        "… 14 more lines with --full",
        *("line 18", "line 19", "line 20"),
    ]
    assert whole.count("line ") == 20


def test_failed_requests_of_a_call_are_rows_with_their_reason() -> None:
    text = render()

    assert "00000000  4.00k      -  1.00k   1.0 s  $0.0270  llm.schema: no steps" in text
    assert "request 2 answered" in text


def test_reason_of_a_request_stands_below_it_where_its_line_has_no_room() -> None:
    lines = render(layout=Layout(80)).splitlines()

    [number] = [number for number, line in enumerate(lines) if "request 1 failed" in line][:1]
    assert lines[number + 1] == "│     llm.schema: no steps"


def test_call_in_flight_has_its_age() -> None:
    assert find_line(render(), "attempt 2.1 running").endswith("sent 14 s ago")


def test_sub_tasks_of_an_earlier_step_attempt_stay_in_sight() -> None:
    text = render()

    assert "├─ sub-task p running" in text
    assert "│  ├─ attempt 1.1 success" in text
    assert "│  └─ attempt 2.1 running" in text
    assert "├─ sub-task q failed  " in text


def test_latency_of_parallel_sub_tasks_is_not_their_sum() -> None:
    calls = [
        make_call(1, step_id="b", sub_task_id="p", created_at=BEGAN, latency_ms=4000.0),
        make_call(2, step_id="b", sub_task_id="q", created_at=BEGAN, latency_ms=5000.0),
        make_call(3, step_id="b", sub_task_id="q", created_at=BEGAN + timedelta(seconds=6)),
    ]

    text = render_run(make_view(), calls, PRICES).plain

    assert find_line(text, "step b").split()[5:7] == ["6.0", "s"]


def test_id_of_sixty_characters_stays_whole_and_its_figures_stand_below_it() -> None:
    name = "n" * 60
    result = {"plan": {"steps": [{"step_id": name, "description": "d" * 100}]}}
    calls = [make_call(1, step_id=name)]

    text = render_run(make_view(result=result), calls, PRICES, Layout(80)).plain

    _, tree = text.split("\n\n")
    header, first, state, description, attempt = tree.splitlines()[:5]
    assert first == f"step {name}"
    assert state.split()[:2] == ["│", "running"]
    assert description.endswith("d…")
    assert len(header) == len(state) == len(attempt) <= 80


@pytest.mark.parametrize(
    ("query", "shown"),
    [
        ({"step": "c"}, ["step c waiting", "Third."]),
        (
            {"sub_task": "q"},
            ["step b running", "sub-task q failed", "attempt 1 failed", "request 1 failed"],
        ),
        ({"role": "planner"}, ["planner", "request 1 failed", "request 2 answered"]),
        ({"attempt": 2}, ["step a success", "attempt 2 success"]),
        (
            {"failed": True},
            [
                *("planner", "request 1 failed", "step a success", "attempt 1 failed"),
                *("step b running", "sub-task q failed", "attempt 1 failed"),
                *("request 1 failed", "attempt 1 failed", "sub-task q failed"),
            ],
        ),
    ],
    ids=["step", "sub-task", "role", "attempt", "failed"],
)
def test_tree_is_narrowed_to_what_is_asked_for(query: dict[str, Any], shown: list[str]) -> None:
    text = render(**query)

    nodes = [line for line in list_tree(text) if line.startswith(NODES)]
    heads = [next((s for s in shown if node.startswith(s)), node) for node in nodes]
    assert heads == [name for name in shown if name.startswith(NODES)]
    assert "calls     7 (20,000 in" in text


def test_narrowed_tree_says_that_it_is_and_that_nothing_matches() -> None:
    assert render(attempt=9).endswith("\n\nonly attempt 9: nothing matches")


@pytest.mark.parametrize(
    ("status", "under_way", "idle"),
    [("running", "running", "waiting"), ("interrupted", "unfinished", "not started")],
)
def test_what_has_no_end_is_under_way_only_while_the_run_is(
    status: str, under_way: str, idle: str
) -> None:
    text = render(status)

    assert find_line(text, "step b").startswith(f"step b {under_way}")
    assert find_line(text, "step c") == f"step c {idle}"


def test_header_sums_calls_cost_and_waste() -> None:
    text = render()

    assert (
        "calls     7 (20,000 in, 3,000 of them cached, 5,000 out, 1 reported none, 1 under way)"
        in text
    )
    assert "cost      $0.1350 by genai-prices 9.9, 2 of 7 calls unknown" in text
    # Of 25,000 tokens: the refused plan, the first attempt at a, the parts of b's failed attempt.
    assert "waste     60% of tokens went to discarded attempts" in text


@pytest.mark.parametrize(
    ("tally", "shown"),
    [
        pytest.param(Tally(), "", id="no calls"),
        pytest.param(Tally(calls=2, scripted=2), "", id="scripted"),
        pytest.param(Tally(calls=1, unpriced=1), "unknown by genai-prices 9.9", id="unknown"),
        pytest.param(
            Tally(calls=1, usd=Decimal("0.00001234")), "$0.000012 by genai-prices 9.9", id="little"
        ),
        pytest.param(Tally(calls=1, usd=Decimal(0)), "$0.00 by genai-prices 9.9", id="free"),
    ],
)
def test_cost_is_unknown_rather_than_nothing(tally: Tally, shown: str) -> None:
    assert describe_cost(tally, PRICES) == shown


def test_waste_of_a_run_without_tokens_is_not_told() -> None:
    outline = build_outline(parse_result("{}"), [make_call(0, origin="scripted")], running=False)

    assert find_waste(outline, PRICES) is None


@pytest.mark.parametrize(
    ("model", "cost"), [("scripted:answers", "sim $0.00"), ("writer-1", "unknown")]
)
def test_figures_that_a_script_pretends_are_told_from_those_of_a_provider(
    model: str, cost: str
) -> None:
    stats = {"model_name": model, "input_tokens": 4120, "output_tokens": 45, "latency_ms": 2000.0}
    result = json.dumps({"attempts": [make_attempt(1, llm_stats=stats)]})
    view = build_run_view(Run(workflow_id="w", result_json=result), "success", None, BEGAN)

    assert f"4.12k  45   2.0 s {cost}" in render_run(view, [], PRICES).plain


NO_WAITS = dict.fromkeys(("start", "repeat", "unanswered", "between", "end"), 0.0)


def test_time_is_split_so_that_each_moment_counts_once() -> None:
    phases = {"context": 500, "model": 2000, "write": 250, "validation": 3000, "git": 250}
    attempt = make_attempt(
        1, started_at=BEGAN.isoformat().replace("+00:00", "Z"), duration_ms=phases
    )
    result = parse_result(json.dumps({"attempts": [attempt]}))
    calls = [
        make_call(0, created_at=BEGAN + timedelta(seconds=0.5), latency_ms=2000.0),
        make_call(0, created_at=BEGAN + timedelta(seconds=1.5), latency_ms=2000.0),
    ]
    outline = build_outline(result, calls, running=False)

    split = split_time(outline, BEGAN, timedelta(seconds=10))

    # The second call, of another worker, covers the first 0.75 s of the validation.
    assert split.spent_s == pytest.approx(
        {"model": 3.0, "validation": 2.25, "git": 0.25, "files": 0.5}
    )
    assert split.waits_s == pytest.approx({**NO_WAITS, "end": 4})


def test_what_a_run_waits_for_is_told_apart() -> None:
    failed = make_call(0, created_at=BEGAN + timedelta(seconds=1), status="error")
    again = make_call(0, created_at=BEGAN + timedelta(seconds=5))
    later = make_call(0, attempt=2, created_at=BEGAN + timedelta(seconds=8))
    outline = build_outline(parse_result("{}"), [failed, again, later], running=False)

    split = split_time(outline, BEGAN, timedelta(seconds=10))

    assert split.spent_s["model"] == pytest.approx(3)
    assert split.waits_s == pytest.approx(
        {**NO_WAITS, "start": 1, "repeat": 3, "between": 2, "end": 1}
    )


def test_pause_is_no_wait_for_an_activity() -> None:
    first = make_call(0, created_at=BEGAN + timedelta(seconds=1))
    later = make_call(0, attempt=2, created_at=BEGAN + timedelta(seconds=62))
    outline = build_outline(parse_result("{}"), [first, later], running=False)

    split = split_time(outline, BEGAN, timedelta(seconds=63), paused_s=59)

    assert split.waits_s == pytest.approx({**NO_WAITS, "start": 1, "between": 1, "pause": 59})


def test_time_of_a_request_that_was_lost_is_none_of_waiting_for_an_activity() -> None:
    lost = make_call(0, created_at=BEGAN + timedelta(seconds=1), latency_ms=0.0, status="started")
    again = make_call(0, created_at=BEGAN + timedelta(seconds=31), latency_ms=2000.0)
    outline = build_outline(parse_result("{}"), [lost, again], running=False)

    split = split_time(outline, BEGAN, timedelta(seconds=34), paused_s=26)

    assert split.spent_s["model"] == 2
    assert split.waits_s == pytest.approx(
        {**NO_WAITS, "start": 1, "unanswered": 4, "pause": 26, "end": 1}
    )


def test_request_that_was_lost_is_not_under_way_once_it_was_repeated() -> None:
    lost = make_call(0, created_at=BEGAN + timedelta(seconds=1), latency_ms=0.0, status="started")
    again = make_call(0, created_at=BEGAN + timedelta(seconds=31), latency_ms=0.0, status="started")
    outline = build_outline(parse_result("{}"), [lost, again], running=True)

    split = split_time(outline, BEGAN, timedelta(seconds=40), running=True)

    assert split.spent_s["model"] == 9
    assert split.waits_s == pytest.approx({**NO_WAITS, "start": 1, "unanswered": 30})


def test_stopped_run_is_paused_since_its_last_activity() -> None:
    outline = build_outline(parse_result("{}"), [make_call(0)], running=False)

    split = split_time(outline, BEGAN, timedelta(seconds=61), paused_s=59.5)

    assert split.waits_s["pause"] == pytest.approx(59.5)
    assert sum(split.waits_s.values()) + sum(split.spent_s.values()) == pytest.approx(61)


@pytest.mark.parametrize(("status", "is_told"), [("success", True), ("running", False)])
def test_pause_is_told_where_the_runs_own_account_is_complete(status: str, is_told: bool) -> None:
    view = make_view(status, {**RESULT, "elapsed_s": 0.5})

    view.run.finished_at = NOW + timedelta(hours=1)
    rendered = render_run(replace(view, now=NOW + timedelta(hours=1)), CALLS, PRICES)

    assert ("while it was paused" in rendered.plain) == is_told
    assert (" of it paused" in rendered.plain) == is_told


def test_request_that_is_out_is_the_models_time_while_the_run_goes_on() -> None:
    call = make_call(0, created_at=BEGAN + timedelta(seconds=2), latency_ms=0.0, status="started")
    outline = build_outline(parse_result("{}"), [call], running=True)

    now, later = (
        split_time(outline, BEGAN, timedelta(seconds=10), running=running)
        for running in (True, False)
    )

    assert (now.spent_s["model"], now.waits_s["start"]) == (8, 2)
    assert (later.spent_s["model"], later.waits_s["unanswered"]) == (0, 8)


def test_calls_that_outlast_the_record_do_not_make_a_run_longer() -> None:
    outline = build_outline(parse_result("{}"), [make_call(0, latency_ms=1e9)], running=False)

    split = split_time(outline, BEGAN, timedelta(seconds=10))

    assert sum(split.spent_s.values()) + sum(split.waits_s.values()) == pytest.approx(10.0)


@pytest.mark.parametrize(
    "result",
    ["", "[]", "{", '{"plan": 3, "step_results": [1, {"attempts": {}}]}', "[" * 10_000],
    ids=["empty", "list", "cut", "other shapes", "deep"],
)
def test_damaged_result_still_shows_the_run(result: str) -> None:
    view = make_view(result=result)

    assert "forge-t-0a" in render_run(view, CALLS, PRICES).plain


def test_calls_of_other_teams_without_a_run_are_units_of_their_own() -> None:
    calls = [make_call(0, step_id="x"), make_call(1, role="critic")]

    text = render_run(make_view("unknown", "{}"), calls, PRICES).plain

    assert "step x unfinished" in text
    assert "\nattempt 1 unfinished" in text


def test_check_that_did_not_apply_is_not_said_to_have_passed() -> None:
    verdict = {"check_name": "ruff_format", "passed": True, "summary": "not run (no ruff)"}
    view = make_view("success", {"attempts": [make_attempt(1, validation_results=[verdict])]})

    text = render_run(view, [], PRICES, Layout(details=True)).plain

    assert "  ruff_format not run (no ruff)\n" in text + "\n"


@pytest.mark.parametrize(
    ("warning", "line"),
    [(True, "targets warning: b.py as it was"), (False, "targets passed: b.py as it was")],
    ids=["warning", "note"],
)
def test_what_became_of_named_files_is_told_although_it_passed(*, warning: bool, line: str) -> None:
    verdict = {
        "check_name": "targets",
        "passed": True,
        "warning": warning,
        "summary": "b.py as it was",
    }
    attempt = make_attempt(1, validation_results=[verdict, make_check("ruff_lint", passed=True)])

    text = render_run(make_view("success", {"attempts": [attempt]}), [], PRICES).plain

    assert line in text
    assert "ruff_lint" not in text

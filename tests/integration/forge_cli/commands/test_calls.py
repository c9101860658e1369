"""``forge calls``: calls of any run, and where a text stands in them."""

import csv
import json
import sys
from datetime import UTC, datetime, timedelta

import pytest
from forge_obs import record
from support.documents import validate
from support.forge import Forge
from support.records import STATS, record_call, record_run
from support.terminal import on_terminal

HOURS_AGO = datetime.now(UTC) - timedelta(hours=12)
"""A moment whose age reads the same however long a test takes."""

HOSTILE = "\x1b]52;c;aGk=\x07 \u202e needle \x9b31m"


def test_calls_of_runs_and_of_other_programs_are_listed_newest_first(forge: Forge) -> None:
    record_run()
    record_call(entry_id="00000001" + "0" * 24)
    record_call(None, task_id="elsewhere", entry_id="00000002" + "0" * 24, attempt=2)
    assert record("outcome", entry_id="00000002" + "0" * 24, outcome="refused")

    outcome = forge("calls")
    header, *lines = outcome.stdout.split("\n\n")[0].splitlines()

    assert outcome.code == 0
    assert header.startswith("CALL      AGE")
    assert [line.split()[0] for line in lines] == ["00000002", "00000001"]
    assert "elsewhere/a #2" in lines[0]
    assert "refused" in lines[0]
    assert "4.12k" in lines[0]


def test_time_of_a_call_without_an_answer_is_unknown(forge: Forge) -> None:
    started = {"status": "started", "system_prompt": "", "user_prompt": "Hi"}
    assert record("interaction", task_id="bot", role="llm", entry_id="ab" * 16, **started)  # type: ignore[call-overload]

    line = forge("calls").stdout.splitlines()[1]
    page = forge("show", "abab").stdout

    assert "no answer yet" in line
    assert line.split()[-1] == "-"
    assert "latency    unknown" in page


def test_call_without_an_answer_for_hours_is_not_said_to_get_one(forge: Forge) -> None:
    started = {"status": "started", "system_prompt": "", "user_prompt": "Hi"}
    began = datetime.now(UTC) - timedelta(hours=2)
    assert record("interaction", task_id="bot", role="llm", created_at=began, **started)  # type: ignore[call-overload]

    line = forge("calls").stdout.splitlines()[1]

    assert "unknown" in line.split("?")[0]


def test_failed_call_is_named_by_what_failed(forge: Forge) -> None:
    record_call(None, task_id="known", status="error", error_type="rate_limited", response=None)
    record_call(None, task_id="unknown", status="error", error="no idea", response=None)

    _, unknown, known = forge("calls").stdout.splitlines()[:3]

    assert "rate_limited" in known
    assert " error " in unknown


def test_store_of_calls_alone_suggests_no_demonstration(forge: Forge) -> None:
    record_call(None, task_id="bot")

    assert forge("status").stdout.startswith("no runs recorded yet\n1 call belongs to no run")


def test_call_whose_run_is_over_is_not_said_to_be_answered_yet(forge: Forge) -> None:
    for task_id, status in (("a", "running"), ("b", "error")):
        run = f"forge-{task_id}-01"
        record_run(run, task_id=task_id, status=status, finished_at=None)
        record_call(run, task_id=task_id, status="started", stats=None, response=None)

    ended, running = forge("calls").stdout.split("\n\n")[0].splitlines()[1:]

    assert "unknown" in ended.split("?")[0]
    assert "no answer yet" in running
    assert [line.split()[-1] for line in (ended, running)] == ["-", "-"]


@pytest.mark.parametrize("args", [[], ["nothing"], ["--task", "x"]], ids=str)
def test_nothing_found_is_exit_code_1(forge: Forge, args: list[str]) -> None:
    record_run()
    if args:
        record_call()

    assert forge("calls", *args).code == 1


def test_text_that_an_answer_of_json_spells_otherwise_is_said_to_be(forge: Forge) -> None:
    record_call(response='{"content": "say(\\"hi\\")"}')

    nothing = forge("calls", 'say("hi")')
    found = forge("calls", 'say(\\"hi\\")')
    elsewhere = forge("calls", 'say("hi")', "--in", "prompts")

    assert nothing.code == 1
    assert 'in answers of JSON it is spelt say(\\"hi\\")' in nothing.stderr
    assert found.code == 0
    assert "spelt" not in elsewhere.stderr


def test_hits_of_a_run_are_one_line_with_the_number_of_the_others(forge: Forge) -> None:
    def record_then(workflow_id: str | None, **texts: str) -> None:
        record_call(workflow_id, created_at=HOURS_AGO, **texts)

    for number in range(3):
        record_then("forge-a-01", user_prompt=f"first line\nMend the parser, number {number}.")
    record_then("forge-b-02", response="the PARSER")
    record_then("forge-a-01", user_prompt="about the parser once more")
    record_then(None, user_prompt="a parser elsewhere")
    record_then(None, user_prompt="one more parser elsewhere")

    lines = forge("calls", "parser").stdout.splitlines()
    of_run = forge("calls", "parser", "--run", "forge-a-01").stdout.splitlines()
    few = forge("calls", "parser", "--limit", "3").stdout.splitlines()

    assert [line.partition("prompts ")[2] or line.split()[-2:] for line in lines] == [
        "  one more parser elsewhere",
        "  a parser elsewhere",
        "  about the parser once more  +3 more",
        ["the", "PARSER"],
    ]
    assert len(of_run) == 4
    assert of_run[1].endswith("prompts   Mend the parser, number 2.")
    assert few == lines[:3]


def test_lines_around_a_hit_are_shown(forge: Forge) -> None:
    record_call(user_prompt="one\n  two\n    three needle\nfour\nfive")

    [_, *lines] = forge("calls", "needle", "--context", "1").stdout.splitlines()

    assert [line[10:] for line in lines] == ["  two", "    three needle", "four"]


def test_list_that_ends_at_the_usual_limit_says_so(forge: Forge) -> None:
    for _ in range(21):
        record_call(None, user_prompt="needle")

    listed, found = forge("calls"), forge("calls", "needle")
    chosen = forge("calls", "--limit", "3")

    note = "these are the newest 20: --limit shows more\n"
    assert (listed.stderr, found.stderr, chosen.stderr) == (note, note, "")


@pytest.mark.parametrize(
    ("args", "reason"),
    [
        (["--model", "gtp-5"], "no model 'gtp-5' is among them: did you mean openai:gpt-5?"),
        (["--task", "pantri"], "no task 'pantri' is among them: did you mean pantry?"),
        (["--role", "llmm"], "no role 'llmm' is among them: did you mean llm?"),
        (["--step", "ab"], "no step 'ab' is among them: did you mean a?"),
        (["--session", "nothing-like-it"], "no session 'nothing-like-it' is among them"),
    ],
    ids=["model", "task", "role", "step", "session"],
)
def test_name_that_no_call_has_is_said_with_those_that_are_near(
    forge: Forge, args: list[str], reason: str
) -> None:
    record_call(None, task_id="pantry", request_model="openai:gpt-5", session_id="s")

    for command in ("calls", "stats"):
        outcome = forge(command, *args)

        assert (outcome.code, outcome.stdout) == (1, "")
        assert outcome.stderr == f"no matching calls on record: {reason}\n"


def test_names_that_only_different_calls_have_are_not_said_to_be_unknown(forge: Forge) -> None:
    record_call(None, task_id="a", session_id="s")
    record_call(None, task_id="b")

    outcome = forge("calls", "--task", "b", "--session", "s")

    assert outcome.stderr == "no matching calls on record\n"


def test_hostile_text_is_escaped(forge: Forge) -> None:
    record_call(
        task_id=HOSTILE, user_prompt=HOSTILE, stats=STATS.model_copy(update={"model_name": HOSTILE})
    )

    listed, hits = forge("calls").stdout, forge("calls", "needle").stdout

    for text in (listed, hits, forge("calls", "needle", "--context", "3").stdout):
        assert not {"\x1b", "\x07", "\x9b", "\u202e"} & set(text)
    assert "\\x1b]52;c;aGk=\\x07 \\u202e needle \\x9b31m" in hits


def test_documents_name_each_call_and_where_the_text_stands(forge: Forge) -> None:
    record_call(user_prompt="the needle", response="another needle")
    record_call(user_prompt="needle", session_id="s")

    outcome = forge("calls", "needle", "--json")
    lines = [json.loads(line) for line in forge("calls", "needle", "--jsonl").stdout.splitlines()]

    calls = outcome.document["calls"]
    assert [len(call["matches"]) for call in calls] == [1, 2]
    assert calls[1]["matches"][0] == {
        "in": "prompts",
        "column": "user_prompt",
        "start": 4,
        "end": 10,
    }
    assert "user_prompt" not in calls[0]
    assert [line["interaction"] for line in lines] == calls
    validate("call_list", outcome.document)
    for line in lines:
        validate("call_line", line)


def test_csv_has_a_line_of_names_and_a_cost(forge: Forge) -> None:
    record_call(
        step_id='a "quoted", step',
        stats=STATS.model_copy(update={"model_name": "claude-sonnet-4-5"}),
        request_model="anthropic:claude-sonnet-4-5",
    )

    [row] = csv.DictReader(forge("calls", "--csv").stdout.splitlines())

    assert row["step_id"] == 'a "quoted", step'
    assert row["input_tokens"] == "4120"
    assert float(row["cost_usd"]) > 0
    assert row["origin"] == "provider"


def test_terminal_obeys_no_name_in_csv_and_a_file_gets_it_whole(forge: Forge) -> None:
    record_call(step_id=HOSTILE)
    command = [sys.executable, "-m", "forge_cli", "calls", "--csv"]

    with on_terminal(command, {}) as terminal:
        shown = terminal.read_to_end()

    assert "needle" in shown
    assert not set("\x1b\x07\u202e\x9b") & set(shown)
    assert HOSTILE in forge("calls", "--csv").stdout


def test_calls_are_counted_with_their_runs(forge: Forge) -> None:
    for workflow_id in ("forge-a-01", "forge-a-01", "forge-b-02", None):
        record_call(workflow_id, user_prompt="needle")
    record_call(user_prompt="other")

    assert forge("calls", "needle", "--count").stdout == "4 calls, 2 runs\n"
    document = forge("calls", "needle", "--count", "--json").document
    assert document == {"schema_version": 1, "calls": 4, "runs": 2, "unreadable": 0}
    validate("call_count", document)


def test_calls_are_chosen_by_model_and_period(forge: Forge) -> None:
    now = datetime.now(UTC)
    for days, model in ((10, "openai:gpt-5"), (5, "openai:gpt-5-mini"), (1, "openai:gpt-5")):
        created_at = now - timedelta(days=days)
        record_call(None, request_model=model, created_at=created_at, task_id=f"t{days}")

    def list_tasks(*args: str) -> list[str]:
        text = forge("calls", *args, "--csv").stdout
        return [row["task_id"] for row in csv.DictReader(text.splitlines())]

    assert list_tasks("--model", "gpt-5") == ["t1", "t10"]
    assert list_tasks("--model", "gpt") == ["t1", "t5", "t10"]
    assert list_tasks("--since", "7d") == ["t1", "t5"]
    assert list_tasks("--since", "7d", "--until", "2d") == ["t5"]


@pytest.mark.parametrize(
    ("args", "expected"),
    [
        (["--regex", "("], "'(' is no regular expression"),
        ([""], "the text to search for is empty"),
    ],
    ids=["bad-expression", "empty"],
)
def test_text_that_cannot_be_searched_is_a_usage_error(
    forge: Forge, args: list[str], expected: str
) -> None:
    outcome = forge("calls", *args)

    assert outcome.code == 2
    assert expected in outcome.error


def test_options_that_contradict_each_other_are_refused(forge: Forge) -> None:
    assert forge("calls", "--json", "--csv").code == 2
    assert forge("calls", "--context", "2").code == 2
    assert forge("calls", "x", "--in", "nowhere").code == 2
    assert forge("calls", "--count", "--csv").code == 2
    assert forge("calls", "--run", "nothing-such").code == 1
    assert forge("calls", "--since", "1h", "--until", "2h").code == 2

"""Which runs ``forge status`` lists, and which calls of one it shows."""

import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from support.forge import Forge, Outcome
from support.records import STATS, WORKFLOW_ID, record_call, record_run


def list_ids(outcome: Outcome) -> list[str]:
    assert outcome.code == 0
    listed = outcome.stdout.split("\n\n")[0]  # a hint may follow
    return [line.split()[0] for line in listed.splitlines()[1:]]


def test_runs_are_narrowed_by_task_status_and_model(forge: Forge) -> None:
    record_run("forge-a-01", task_id="a", model_name="openai:x")
    record_run("forge-b-02", task_id="b", model_name="openai:x", status="failure_terminal")
    record_run("forge-b-03", task_id="b", model_name="openai:y")
    record_run("forge-d-04", task_id="d", status="error", model_name="openai:z")

    assert list_ids(forge("status", "--task", "b")) == ["forge-b-03", "forge-b-02"]
    assert list_ids(forge("status", "--status", "failure_terminal")) == ["forge-b-02"]
    assert list_ids(forge("status", "--status", "failed")) == ["forge-d-04", "forge-b-02"]
    assert list_ids(forge("status", "--failed")) == ["forge-d-04", "forge-b-02"]
    assert list_ids(forge("status", "--model", "openai:x", "--limit", "1")) == ["forge-b-02"]
    assert list_ids(forge("status", "--task", "\udcff")) == []
    assert list_ids(forge("status", "--task", "b", "--model", "openai:y")) == ["forge-b-03"]


def test_runs_are_found_by_a_part_of_the_model_they_asked_for(forge: Forge) -> None:
    record_run("forge-a-01", model_name="openai:gpt-5")
    record_run("forge-a-02", model_name="anthropic:claude-x")
    record_run("forge-a-03", model_name="openai:gpt-5-mini")

    assert list_ids(forge("status", "--model", "gpt-5")) == ["forge-a-01"]
    assert list_ids(forge("status", "--model", "gpt")) == ["forge-a-03", "forge-a-01"]
    assert list_ids(forge("status", "--model", "openai:*", "--limit", "1")) == ["forge-a-03"]
    assert forge("status", "--model", "mini").stdout == "no matching runs on record\n"


def test_runs_are_found_by_the_model_that_answered(forge: Forge) -> None:
    record_run("forge-a-01", model_name="openai:house")
    record_call("forge-a-01")
    record_run("forge-a-02", model_name="openai:house")
    record_call("forge-a-02", stats=STATS.model_copy(update={"model_name": "writer-2"}))

    assert list_ids(forge("status", "--model", STATS.model_name)) == ["forge-a-01"]
    assert list_ids(forge("status", "--model", "writer")) == ["forge-a-02", "forge-a-01"]


def test_interrupted_runs_are_told_from_running_ones(forge: Forge) -> None:
    record_run("forge-alive-01", status="running", finished_at=None)
    script = (
        "from forge_obs import record\n"
        "record('run', task_id='t', workflow_id='forge-dead-02', status='running', result={})\n"
    )
    subprocess.run([sys.executable, "-c", script], check=True)

    assert list_ids(forge("status", "--status", "running")) == ["forge-alive-01"]
    assert list_ids(forge("status", "--status", "interrupted")) == ["forge-dead-02"]


def test_since_leaves_out_older_runs(forge: Forge) -> None:
    record_run("forge-now-01")
    tomorrow = (datetime.now(UTC) + timedelta(days=1)).date()

    assert list_ids(forge("status", "--since", "2h")) == ["forge-now-01"]
    assert list_ids(forge("status", "--since", "2020-11-01")) == ["forge-now-01"]
    assert forge("status", "--since", str(tomorrow)).stdout == "no matching runs on record\n"


@pytest.mark.parametrize("since", ["soon", "3 parsecs", "2026-13-01", "9" * 9 + "w"])
def test_since_that_is_no_moment_is_a_usage_error(forge: Forge, since: str) -> None:
    outcome = forge("status", "--since", since)

    assert outcome.code == 2
    assert "such as 30m, 2h or 7d" in outcome.error


@pytest.mark.parametrize(
    ("options", "prompts"),
    [
        (["--step", "a"], ["one", "two", "three"]),
        (["--attempt", "2"], ["two"]),
        (["--role", "planner"], ["plan"]),
        (["--step", "a", "--sub-task", "p"], ["three"]),
        (["--failed"], ["two", "three"]),
        (["--attempt", "9"], []),
    ],
    ids=str,
)
def test_calls_are_narrowed_in_text_and_document(
    forge: Forge, options: list[str], prompts: list[str]
) -> None:
    record_run()
    record_call(user_prompt="plan", role="planner", step_id=None)
    record_call(user_prompt="one")
    record_call(user_prompt="two", attempt=2, status="error")
    record_call(user_prompt="three", sub_task_id="p", status="started")
    command = ["status", "--workflow-id", WORKFLOW_ID, "--verbose", *options]

    text, document = forge(*command).stdout, forge(*command, "--json").document

    shown = [prompt for prompt in ("plan", "one", "two", "three") if f":\n{prompt}\n" in text]
    assert shown == prompts
    assert [call["user_prompt"] for call in document["interactions"]] == prompts
    assert ("no matching calls on record" in text) == (not prompts)


def test_filters_of_calls_narrow_the_tree_and_refuse_unknown_steps(forge: Forge) -> None:
    record_run()
    record_call(user_prompt="one")
    record_call(user_prompt="two", attempt=2, status="error")
    command = ["status", "--workflow-id", WORKFLOW_ID]

    tree = forge(*command, "--failed").stdout.split("\n\n")
    unknown = forge(*command, "--step", "none")

    assert tree[1] == "only failed"
    assert ["attempt 1" in tree[2], "attempt 2" in tree[2]] == [False, True]
    assert (unknown.code, unknown.error) == (1, "error: the run has no step 'none': it has a")


@pytest.mark.parametrize("choice", [["--limit", "3"], ["--task", "t"], ["--since", "2h"]])
def test_choice_of_runs_beside_a_run_is_told_to_be_of_no_use(
    choice: list[str], forge: Forge
) -> None:
    record_run()

    outcome = forge("status", "--workflow-id", WORKFLOW_ID, *choice)

    note = "note: --limit and filters of runs apply to the list, not to one run\n"
    assert (outcome.code, outcome.stderr) == (0, note)


def test_limit_of_the_users_own_file_is_no_choice_beside_a_run(
    forge: Forge, private_environment: Path
) -> None:
    record_run()
    (private_environment / "config/forge").mkdir(parents=True)
    (private_environment / "config/forge/config.toml").write_text("[status]\nlimit = 3\n")

    assert forge("status", "--workflow-id", WORKFLOW_ID).stderr == ""

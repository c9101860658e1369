"""``forge status`` where one workflow id has several runs, as other programs may have them."""

import pytest
from forge_obs import record
from support.forge import Forge
from support.records import WORKFLOW_ID, record_call, record_run

RUNS = ("run-1", "run-2")


@pytest.fixture(autouse=True)
def two_runs() -> None:
    """Record two runs of a workflow: one call in the first, two in the second."""
    for number, run_id in enumerate(RUNS, start=1):
        record_run(run_id=run_id)
        for seq in range(number):
            record_call(run_id=run_id, root_run_id=run_id, seq=seq, response=f"{run_id}/{seq}")


def test_list_sums_each_run_by_itself(forge: Forge) -> None:
    runs = forge("status", "--json").document["runs"]

    assert [(run["run_id"], run["calls"]) for run in runs] == [("run-2", 2), ("run-1", 1)]


@pytest.mark.parametrize("run_id", RUNS)
def test_run_id_shows_that_run_alone(forge: Forge, run_id: str) -> None:
    args = ("status", "--workflow-id", WORKFLOW_ID, "--run-id", run_id)
    document = forge(*args, "--verbose", "--json").document
    lines = forge(*args, "--jsonl").stdout.splitlines()

    assert document["run"]["run_id"] == run_id
    assert {call["response"].partition("/")[0] for call in document["interactions"]} == {run_id}
    assert document["run"]["calls"] == len(document["interactions"]) == len(lines) - 1


def test_workflow_id_alone_shows_the_newest_and_says_so(forge: Forge) -> None:
    outcome = forge("status", "--workflow-id", WORKFLOW_ID)

    assert "note: this is the newest of 2 runs of this workflow id" in outcome.stderr
    assert "--run-id run-1 shows another" in outcome.stderr


def test_unknown_run_id_names_those_on_record(forge: Forge) -> None:
    outcome = forge("status", "--workflow-id", WORKFLOW_ID, "--run-id", "run-3")

    assert outcome.code == 1
    assert f"no run 'run-3' of '{WORKFLOW_ID}' is on record: it has run-1, run-2" in outcome.stderr


def test_run_id_without_a_workflow_id_is_refused(forge: Forge) -> None:
    assert forge("status", "--run-id", "run-1").code == 2


def test_calls_that_name_no_run_count_for_the_only_one(forge: Forge) -> None:
    record_run("another")
    record_call("another", run_id="child")

    newest = forge("status", "--json").document["runs"][0]

    assert (newest["workflow_id"], newest["calls"]) == ("another", 1)


def test_call_shows_its_outcome_commit_and_first_token(forge: Forge) -> None:
    record_call(entry_id="f" * 32, first_token_ms=12.5, response_id="chatcmpl-1", session_id="s-1")
    record("outcome", entry_id="f" * 32, outcome="refused", reason="ruff_lint: F401")
    record("outcome", entry_id="f" * 32, outcome=None, commit_sha="abc123")

    shown = forge("show", "f" * 32).stdout

    assert "outcome    refused: ruff_lint: F401\n" in shown
    assert "commit     abc123\n" in shown
    assert "the first token after 12 ms" in shown
    assert "answer id  chatcmpl-1\n" in shown
    assert "session    s-1\n" in shown


def test_calls_of_no_run_are_counted(forge: Forge) -> None:
    for _ in range(2):
        record_call(None, task_id="sums")

    assert "2 calls belong to no run" in forge("status").stdout
    assert "2 calls belong to no run" in forge("status", "--task", "sums").stdout
    assert "belong" not in forge("status", "--task", "add-parser").stdout
    assert "belong" not in forge("status", "--json").stdout

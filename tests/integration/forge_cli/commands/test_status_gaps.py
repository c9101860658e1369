"""What is not on record, or not whole, is said by ``forge status``."""

import os
import signal
from pathlib import Path

import pytest
from forge_obs import record, upgrade
from forge_obs.spool.file import add_lost
from support.children import run_in_child, start_child
from support.forge import Forge
from support.records import WORKFLOW_ID, record_call, record_run
from support.store import locked


@pytest.fixture
def db_path() -> Path:
    return Path(os.environ["FORGE_DB_PATH"])


@pytest.mark.usefixtures("impatient")
def test_records_that_wait_or_are_lost_are_counted_and_warned_about(
    forge: Forge, db_path: Path
) -> None:
    upgrade(db_path)
    with locked(db_path):
        assert run_in_child(
            lambda: not record("run", task_id="t", workflow_id="late", status="success")
        )
    add_lost(db_path, 2)

    text, json_text = forge("status"), forge("status", "--json")
    unknown = forge("status", "--workflow-id", "late")

    assert "warning: 1 record waits to be stored" in text.stderr
    assert "warning: 2 records lost, the last at " in text.stderr
    assert (json_text.document["pending"], json_text.document["lost"]) == (1, 2)
    assert text.code == json_text.code == 0
    assert unknown.code == 1
    assert "no run 'late' is on record: 1 record waits to be stored" in unknown.error


def test_call_of_a_killed_process_is_said_to_be_unknown_and_perhaps_paid_for(forge: Forge) -> None:
    def die_in_a_call() -> bool:
        record("run", task_id="t", workflow_id=WORKFLOW_ID, status="running")
        call = {"task_id": "t", "role": "llm", "system_prompt": "s", "user_prompt": "u"}
        record("interaction", **call, workflow_id=WORKFLOW_ID, status="started")  # type: ignore[call-overload]
        os.kill(os.getpid(), signal.SIGKILL)
        return True

    child = start_child(die_in_a_call)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL

    text = forge("status", "--workflow-id", WORKFLOW_ID).stdout
    document = forge("status", "--workflow-id", WORKFLOW_ID, "--json").document["run"]

    assert "status    interrupted" in text
    assert "unknown   outcome of 1 call, which may have been billed" in text
    assert (document["calls"], document["calls_unanswered"]) == (1, 1)


def test_script_without_an_answer_on_record_has_billed_nobody(forge: Forge) -> None:
    record_run()
    record_call(WORKFLOW_ID, status="started", origin="scripted", stats=None)

    text = forge("status", WORKFLOW_ID).stdout

    assert "unknown   outcome of 1 call\n" in text

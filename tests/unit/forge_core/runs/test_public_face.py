"""`forge_core.runs` offers what its documentation names, and loads it when it is used."""

import subprocess
import sys

import forge_core.runs
import pytest

PUBLIC = {
    "BudgetReached",
    "CallSettings",
    "Limits",
    "CancellationRequested",
    "ForgeTaskInput",
    "PendingActivity",
    "RunBlocked",
    "RunDetached",
    "RunEvent",
    "RunFinished",
    "RunProgress",
    "RunSettings",
    "RunStarted",
    "RunStopped",
    "ServerAway",
    "ServerConnected",
    "ServerRestarting",
    "SubmissionStarted",
    "TaskDefinition",
    "TaskResult",
    "TerminationRequested",
    "cancel_run",
    "follow_run",
    "make_workflow_id",
    "resolve_run",
    "resume_run",
    "start_detached_run",
    "start_run",
}

SEE_WHAT_IS_LOADED = """
import sys
import forge_core.runs
before = "temporalio" in sys.modules
forge_core.runs.start_run
strangers = {"forge_cli", "forge_obs.store", "rich", "cyclopts"} & set(sys.modules)
print(before, "temporalio" in sys.modules, sorted(strangers))
"""


def test_public_names_are_these_and_each_is_there() -> None:
    assert set(forge_core.runs.__all__) == PUBLIC
    for name in PUBLIC:
        assert getattr(forge_core.runs, name) is not None


@pytest.mark.parametrize("name", ["stop_run", "submit_run"])
def test_other_names_are_missing_as_they_are_from_any_module(name: str) -> None:
    with pytest.raises(AttributeError, match=rf"forge_core\.runs.* has no attribute '{name}'"):
        getattr(forge_core.runs, name)


def test_modules_are_loaded_at_first_use_and_none_of_the_command_line_is() -> None:
    done = subprocess.run(
        [sys.executable, "-P", "-c", SEE_WHAT_IS_LOADED],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )

    assert done.stdout == "False True []\n"

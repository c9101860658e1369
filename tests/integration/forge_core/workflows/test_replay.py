"""Workflows decide on recorded histories as they did then: runs under way survive an upgrade.

`tests/record_histories.py` records them anew.
"""

import pytest
from forge_core.worker.worker import WORKFLOWS
from forge_core.workflows.fan_out import ForgeSubTaskWorkflow
from forge_core.workflows.task import ForgeTaskWorkflow
from support.changed_workflows import (
    IdleSubTaskWorkflow,
    PausingTaskWorkflow,
    UnrecordedTaskWorkflow,
)
from support.histories import DIRECTORY, SCENARIOS, load, replay
from temporalio.workflow import NondeterminismError

NAMES = [scenario.name for scenario in SCENARIOS]


@pytest.mark.parametrize("name", NAMES)
async def test_recorded_history_is_replayed_to_the_same_decisions(name: str) -> None:
    histories = load(name)

    assert histories[0].workflow_id == f"forge-{name}"
    await replay(histories)


def test_every_kept_history_is_one_of_a_scenario() -> None:
    assert sorted(path.stem for path in DIRECTORY.glob("*.json")) == sorted(NAMES)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("changed", [PausingTaskWorkflow, UnrecordedTaskWorkflow])
async def test_changed_task_workflow_fails_on_a_recorded_history(
    name: str, changed: type[ForgeTaskWorkflow]
) -> None:
    with pytest.raises(NondeterminismError):
        await replay(load(name)[:1], (changed, ForgeSubTaskWorkflow))


@pytest.mark.parametrize("name", ["fan_out", "retried_fan_out", "cancelled", "budget"])
async def test_changed_sub_task_workflow_fails_on_a_recorded_history(name: str) -> None:
    children = load(name)[1:]

    assert children
    with pytest.raises(NondeterminismError):
        await replay(children, (WORKFLOWS[0], IdleSubTaskWorkflow))

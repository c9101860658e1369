"""Workflows that decide otherwise than those whose histories are kept."""

from datetime import timedelta

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from forge_core.models.activity import SubTaskInput
    from forge_core.models.result import SubTaskResult, TaskResult
    from forge_core.models.task import ForgeTaskInput
    from forge_core.workflows.activity_calls import FAILURES
    from forge_core.workflows.fan_out import ForgeSubTaskWorkflow
    from forge_core.workflows.task import ForgeTaskWorkflow


@workflow.defn(name="ForgeTaskWorkflow", failure_exception_types=FAILURES)
class PausingTaskWorkflow(ForgeTaskWorkflow):
    """Waits before it begins."""

    @workflow.run
    async def run(self, work: ForgeTaskInput) -> TaskResult:
        """Run the task, a second later."""
        await workflow.sleep(timedelta(seconds=1))
        return await super().run(work)


@workflow.defn(name="ForgeTaskWorkflow", failure_exception_types=FAILURES)
class UnrecordedTaskWorkflow(ForgeTaskWorkflow):
    """Leaves out the record of how far it has come."""

    @workflow.run
    async def run(self, work: ForgeTaskInput) -> TaskResult:
        """Run the task."""
        return await super().run(work)

    async def _report(self, **changes: object) -> None:
        self._change(**changes)


@workflow.defn(name="ForgeSubTaskWorkflow", failure_exception_types=FAILURES)
class IdleSubTaskWorkflow(ForgeSubTaskWorkflow):
    """Does nothing."""

    @workflow.run
    async def run(self, work: SubTaskInput) -> SubTaskResult:
        """Say that all is done."""
        return SubTaskResult(sub_task_id=work.unit.sub_task_id or "", status="success")

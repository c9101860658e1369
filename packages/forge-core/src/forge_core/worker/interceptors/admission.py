"""Which run a worker of the embedded server works for: its own, and no copy of another.

A signature says that we made a payload for a workflow id, not that we want it done again. Whoever
can read the server's history has signed payloads of runs that ended, and may send them to the queue
of a worker that serves another run.
"""

from typing import Any

from temporalio import activity
from temporalio.client import Client
from temporalio.worker import ActivityInboundInterceptor, ExecuteActivityInput, Interceptor

from forge_core.errors import UnsignedWork
from forge_core.models.run import RunKey
from forge_core.temporal_client.executions import describe


class AdmissionInterceptor(Interceptor):
    """Refuses each activity that is not of one run or of its sub-tasks.

    Workflow code has no effects of its own: what it wants done are activities.

    Args:
        client: A connection to ask whose sub-task a workflow is.
        run: The run.
    """

    def __init__(self, client: Client, run: RunKey) -> None:
        self._client = client
        self._run = run
        self._admitted = {(run.workflow_id, run.run_id)}

    def intercept_activity(self, next: ActivityInboundInterceptor) -> ActivityInboundInterceptor:  # noqa: A002 - as the base has it
        """Put the check before the activity."""
        return _Admitting(next, self)

    async def admit(self, workflow_id: str, run_id: str) -> None:
        """Let an execution of a workflow pass.

        Raises:
            UnsignedWork: It is neither the run nor a sub-task of it.
            RPCError: The server does not answer.
        """
        execution = (workflow_id, run_id)
        if execution not in self._admitted:
            workflow = await describe(self._client, workflow_id, run_id)
            root = workflow and (workflow.root_id, workflow.root_run_id)
            if root != (self._run.workflow_id, self._run.run_id):
                raise UnsignedWork(f"refused: {workflow_id} is not of run {self._run.workflow_id}")
            self._admitted.add(execution)


class _Admitting(ActivityInboundInterceptor):
    def __init__(self, next: ActivityInboundInterceptor, admission: AdmissionInterceptor) -> None:  # noqa: A002
        super().__init__(next)
        self._admission = admission

    async def execute_activity(self, input: ExecuteActivityInput) -> Any:  # noqa: A002, ANN401
        info = activity.info()
        await self._admission.admit(info.workflow_id or "", info.workflow_run_id or "")
        return await super().execute_activity(input)

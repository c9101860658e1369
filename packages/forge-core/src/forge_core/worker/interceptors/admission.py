"""Which run a worker of the embedded server works for: its own, and no copy of another.

A signature says that we made a payload for a workflow id, not that we want it done again. Whoever
can read the server's history has signed payloads of runs that ended, and may send them to the queue
of a worker that serves another run.
"""

from typing import Any

from temporalio import activity
from temporalio.client import Client

from forge_core.errors import UnsignedWork
from forge_core.models.run import RunKey
from forge_core.temporal_client.executions import describe
from forge_core.worker.interceptors.around import AroundActivity, Proceed


class AdmissionInterceptor(AroundActivity):
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

    async def execute(self, proceed: Proceed) -> Any:  # noqa: ANN401
        """Check whose the activity is before it is executed."""
        info = activity.info()
        await self._admit(info.workflow_id or "", info.workflow_run_id or "")
        return await proceed()

    async def _admit(self, workflow_id: str, run_id: str) -> None:
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

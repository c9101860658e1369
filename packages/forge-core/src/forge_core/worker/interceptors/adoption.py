"""Runs that a worker finds under way when it takes over from one that is gone.

Its record names the process that executes a run. The first activity of a run that a worker gets
and has not begun itself tells it that this is its own process by now.
"""

import asyncio
import logging
from typing import Any

from temporalio import activity
from temporalio.client import Client

from forge_core.activities.runs import RunActivities
from forge_core.errors import ForgeError
from forge_core.temporal_client.inspector import RunInspector
from forge_core.worker.interceptors.around import AroundActivity, Proceed

LOGGER = logging.getLogger("forge.temporal")


class AdoptionInterceptor(AroundActivity):
    """Has the record say who executes a run, from its first activity in this worker on.

    Args:
        client: A connection to ask what a run is.
        runs: The record of the worker's runs.
    """

    def __init__(self, client: Client, runs: RunActivities) -> None:
        self._client = client
        self._runs = runs
        self._adopting: dict[str, asyncio.Task[None]] = {}

    async def execute(self, proceed: Proceed) -> Any:  # noqa: ANN401
        """Look at the run of the activity before that is executed."""
        info = activity.info()
        if info.activity_type != RunActivities.begin_run.__name__:
            self._notice((info.workflow_id or "").split("/", maxsplit=1)[0])
        return await proceed()

    def _notice(self, workflow_id: str) -> None:
        """Adopt a run that is not known, beside the activity that told of it."""
        if not self._runs.executes(workflow_id) and workflow_id not in self._adopting:
            self._adopting[workflow_id] = asyncio.create_task(self._adopt(workflow_id))

    async def _adopt(self, workflow_id: str) -> None:
        try:
            await self._adopt_open(workflow_id)
        except ForgeError as error:
            LOGGER.debug("run %s is not adopted yet: %s", workflow_id, error)
        finally:
            del self._adopting[workflow_id]

    async def _adopt_open(self, workflow_id: str) -> None:
        run = await RunInspector(self._client).find_run(workflow_id)
        if run is not None and run.is_open and not self._runs.executes(workflow_id):
            await self._runs.adopt(run.key, run.work)

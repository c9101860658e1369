"""Asking the server what a run waits for, while its record is looked at more often."""

import asyncio
import time
from collections.abc import Sequence

from forge_core.models.pending import PendingActivity
from forge_core.temporal_client.pending import list_pending_activities
from temporalio.client import Client
from temporalio.service import RPCError

INTERVAL_S = 1.0
"""Seconds between two questions."""

PATIENCE_S = 2.0
"""Seconds that the server gets for an answer."""

PAUSE_S = 10.0
"""Seconds without questions to a server that gave no answer."""


class PendingWatch:
    """What a run waits for, at most a second old; nothing where the server does not tell."""

    def __init__(self, client: Client, workflow_id: str) -> None:
        self._client = client
        self._workflow_id = workflow_id
        self._known: Sequence[PendingActivity] = ()
        self._next_at = 0.0

    async def read(self) -> Sequence[PendingActivity]:
        """Give what the run waits for."""
        if time.monotonic() < self._next_at:
            return self._known
        pause_s = INTERVAL_S
        try:
            async with asyncio.timeout(PATIENCE_S):
                self._known = await list_pending_activities(self._client, self._workflow_id)
        except (RPCError, TimeoutError):
            self._known, pause_s = (), PAUSE_S
        self._next_at = time.monotonic() + pause_s
        return self._known

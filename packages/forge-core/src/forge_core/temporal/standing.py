"""How runs stand that no record tells of: the configured server knows."""

import asyncio
from collections.abc import Mapping, Sequence

from temporalio.client import WorkflowExecutionStatus
from temporalio.service import RPCError

from forge_core.errors import ServerUnavailable
from forge_core.temporal.connect import ConnectConfig, connect, load_connect_config
from forge_core.temporal.executions import describe

RUNNING = "running"
OUT_OF_REACH = "out of reach"
"""The server that knows does not answer."""


def ask_standings(workflow_ids: Sequence[str], environ: Mapping[str, str]) -> dict[str, str]:
    """Ask the configured server which runs are running; those that are not are left out.

    Returns:
        `running` or `out of reach` by workflow id; nothing where no server is configured.
    """
    config = load_connect_config(None, environ)
    if config is None:
        return {}
    try:
        return asyncio.run(_ask(config, workflow_ids))
    except (ServerUnavailable, RPCError):
        return dict.fromkeys(workflow_ids, OUT_OF_REACH)


async def _ask(config: ConnectConfig, workflow_ids: Sequence[str]) -> dict[str, str]:
    client = await connect(config)
    found = {workflow_id: await describe(client, workflow_id) for workflow_id in workflow_ids}
    return {
        workflow_id: RUNNING
        for workflow_id, description in found.items()
        if description is not None and description.status == WorkflowExecutionStatus.RUNNING
    }

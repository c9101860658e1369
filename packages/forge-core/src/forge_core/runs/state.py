"""How runs stand that are not on record: the servers know."""

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from forge_core.embedded_server.start import read_record
from forge_core.errors import ServerUnavailable
from forge_core.models.run import PendingActivity
from forge_core.state_dir.files import StateFiles
from forge_core.temporal_client.connect import (
    ConnectConfig,
    connect,
    embedded_config,
    load_connect_config,
)
from forge_core.temporal_client.inspector import RunInspector

RUNNING = "running"
INTERRUPTED = "interrupted"
"""The embedded server waits for somebody to execute the run."""
ENDED = "ended"
OUT_OF_REACH = "out of reach"
"""The server that knows does not answer."""


def ask_statuses(
    workflow_ids: Sequence[str], environ: Mapping[str, str], directory: Path
) -> dict[str, str]:
    """Ask the configured server and the embedded one, which is not started for it, of runs.

    Args:
        workflow_ids: The runs'; a process of this machine executes none of them.
        environ: Says which server is configured.
        directory: The embedded server's state directory.

    Returns:
        `running`, `interrupted`, `ended` or `out of reach` by workflow id; nothing of runs that
        no server knows.
    """
    statuses: dict[str, str] = {}
    configured = load_connect_config(None, environ)
    if configured is not None:
        try:
            statuses = asyncio.run(_ask(configured, workflow_ids, RUNNING))
        except ServerUnavailable:
            statuses = dict.fromkeys(workflow_ids, OUT_OF_REACH)
    record = read_record(StateFiles(directory))
    if record is not None:
        embedded = embedded_config(record.address, directory)
        with suppress(ServerUnavailable):  # it may have ended just now
            statuses |= asyncio.run(_ask(embedded, workflow_ids, INTERRUPTED))
    return statuses


def ask_pending(
    workflow_id: str, environ: Mapping[str, str], directory: Path
) -> tuple[PendingActivity, ...]:
    """Ask the server that knows a run what that waits for; nothing where none answers.

    The arguments are as in `ask_statuses`.
    """
    configs = [load_connect_config(None, environ)]
    record = read_record(StateFiles(directory))
    if record is not None:
        configs.append(embedded_config(record.address, directory))
    for config in filter(None, configs):
        with suppress(ServerUnavailable):
            if pending := asyncio.run(_look(config, workflow_id)):
                return pending
    return ()


async def _look(config: ConnectConfig, workflow_id: str) -> tuple[PendingActivity, ...]:
    return (await RunInspector(await connect(config)).look(workflow_id)).pending


async def _ask(
    config: ConnectConfig, workflow_ids: Sequence[str], when_open: str
) -> dict[str, str]:
    inspector = RunInspector(await connect(config))
    closed_at = await inspector.list_close_times(workflow_ids)
    return {name: when_open if moment is None else ENDED for name, moment in closed_at.items()}

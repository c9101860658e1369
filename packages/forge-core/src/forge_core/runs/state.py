"""How runs stand that no record tells of: the servers know."""

import asyncio
from collections.abc import Mapping, Sequence
from pathlib import Path

from forge_core.embedded_server.start import read_record
from forge_core.errors import ServerUnavailable
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


def ask_states(
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
    return {
        **_ask_configured(workflow_ids, environ),
        **_ask_embedded(workflow_ids, directory),
    }


def _ask_configured(workflow_ids: Sequence[str], environ: Mapping[str, str]) -> dict[str, str]:
    config = load_connect_config(None, environ)
    if config is None:
        return {}
    try:
        return asyncio.run(_ask(config, workflow_ids, RUNNING))
    except ServerUnavailable:
        return dict.fromkeys(workflow_ids, OUT_OF_REACH)


def _ask_embedded(workflow_ids: Sequence[str], directory: Path) -> dict[str, str]:
    record = read_record(StateFiles(directory))
    if record is None:
        return {}
    try:
        config = embedded_config(record.address, directory)
        return asyncio.run(_ask(config, workflow_ids, INTERRUPTED))
    except ServerUnavailable:  # it may have ended just now
        return {}


async def _ask(
    config: ConnectConfig, workflow_ids: Sequence[str], when_open: str
) -> dict[str, str]:
    inspector = RunInspector(await connect(config))
    closed_at = await inspector.list_close_times(workflow_ids)
    return {name: when_open if moment is None else ENDED for name, moment in closed_at.items()}

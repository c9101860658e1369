"""Connecting to the server of runs: the configured one with its workers, else the embedded one."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from temporalio.client import Client

from forge_core.embedded_server.settings import ServerSettings, load_server_settings
from forge_core.embedded_server.start import embedded_server, read_record
from forge_core.errors import ServerUnavailable
from forge_core.runs.events import ServerConnected
from forge_core.temporal_client.connect import connect, embedded_config, load_connect_config
from forge_core.temporal_client.inspector import RunInspector
from forge_core.worker.worker import SHARED_QUEUE


@dataclass(frozen=True, slots=True)
class ServerConnection:
    """A server that this process is connected to."""

    client: Client
    address: str
    embedded: ServerSettings | None
    """Of the embedded server, on which this process holds a lease; None where a server is
    configured, whose workers execute the runs."""

    @property
    def inspector(self) -> RunInspector:
        """What asks it about runs."""
        return RunInspector(self.client)

    def describe(self) -> ServerConnected:
        """Describe it to whoever reads a stream."""
        record = read_record(self.embedded.files) if self.embedded else None
        ui_address = record.ui_address if record is not None else None
        return ServerConnected(self.address, self.embedded is not None, ui_address)

    async def require_workers(self) -> None:
        """Ensure that somebody executes what is submitted to a configured server.

        Raises:
            ServerUnavailable: Nobody does.
        """
        if self.embedded is None and not await self.inspector.has_workers(SHARED_QUEUE):
            raise ServerUnavailable(
                f"no worker polls task queue {SHARED_QUEUE!r} of namespace "
                f"{self.client.namespace!r}: start one with `forge worker`"
            )


@asynccontextmanager
async def connected(address: str | None, purpose: str) -> AsyncIterator[ServerConnection]:
    """Connect to the configured server, else to the embedded one, started if need be.

    Args:
        address: Of a configured server; None leaves it to the environment.
        purpose: What a lease on the embedded server is for.
    """
    config = load_connect_config(address, os.environ)
    if config is not None:
        yield ServerConnection(await connect(config), config.address, None)
        return
    async with connected_to_embedded(purpose) as connection:
        yield connection


@asynccontextmanager
async def connected_to_embedded(purpose: str) -> AsyncIterator[ServerConnection]:
    """Connect to the embedded server, started if need be, and hold a lease on it."""
    settings = load_server_settings()
    async with embedded_server(settings, purpose) as address:
        client = await connect(embedded_config(address, settings.directory))
        yield ServerConnection(client, address, settings)

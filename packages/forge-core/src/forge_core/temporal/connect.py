"""Connecting to Temporal as the options, the environment or a profile say."""

import asyncio
import dataclasses
from collections.abc import Mapping

from temporalio.api.workflowservice.v1 import DescribeNamespaceRequest
from temporalio.client import Client
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.envconfig import ClientConfig, ClientConnectConfig
from temporalio.service import RPCError

from forge_core.errors import ServerUnavailable, UsageError
from forge_core.tracing import temporal_plugins

CONNECT_TIMEOUT_S = 10.0
"""Seconds within which a server must answer."""


@dataclasses.dataclass(frozen=True, slots=True)
class ConnectConfig:
    """Which server to connect to, and how."""

    options: ClientConnectConfig

    @property
    def address(self) -> str:
        """The server's address."""
        return self.options["target_host"]


def load_connect_config(address: str | None, environ: Mapping[str, str]) -> ConnectConfig | None:
    """Find out which server is configured; None means that none is.

    `address`, then FORGE_TEMPORAL_ADDRESS go before what Temporal's own environment variables
    and configuration file say; namespace, TLS and key are always taken from those.

    Raises:
        UsageError: The configuration is not valid.
    """
    try:
        options = ClientConfig.load_client_connect_config(override_env_vars=dict(environ))
    except RuntimeError as error:
        raise UsageError(f"Temporal configuration: {error}") from error
    override = address or environ.get("FORGE_TEMPORAL_ADDRESS")
    if override:
        options = {**options, "target_host": override}
    return ConnectConfig(options) if options.get("target_host") else None


def embedded_config(address: str) -> ConnectConfig:
    """Configure a connection to an embedded server; the environment has no say."""
    return ConnectConfig({"target_host": address})


async def connect(config: ConnectConfig) -> Client:
    """Connect to a server.

    Raises:
        ServerUnavailable: It does not answer, or not as it should.
    """
    try:
        async with asyncio.timeout(CONNECT_TIMEOUT_S):
            client = await Client.connect(
                **config.options,
                data_converter=pydantic_data_converter,
                plugins=temporal_plugins(),
            )
            await client.workflow_service.describe_namespace(
                DescribeNamespaceRequest(namespace=client.namespace)
            )
    except TimeoutError as error:
        raise ServerUnavailable(_explain(config, "no answer")) from error
    except (RPCError, RuntimeError, ValueError) as error:
        raise ServerUnavailable(_explain(config, str(error))) from error
    return client


def _explain(config: ConnectConfig, reason: str) -> str:
    line = " ".join(reason.split())[:300]
    return (
        f"cannot use the Temporal server at {config.address}: {line} "
        "(check --temporal-address and TEMPORAL_*; unset them to use the embedded server)"
    )

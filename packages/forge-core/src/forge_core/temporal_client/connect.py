"""Connecting to Temporal as the options, the environment or a profile say."""

import asyncio
import dataclasses
import logging
from collections.abc import Mapping
from pathlib import Path

from temporalio.api.workflowservice.v1 import DescribeNamespaceRequest
from temporalio.client import Client
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.converter import DataConverter
from temporalio.envconfig import ClientConfig, ClientConnectConfig
from temporalio.service import RPCError, RPCStatusCode

from forge_core.errors import ServerUnavailable, UsageError
from forge_core.state_dir.files import StateFiles
from forge_core.temporal_client.payload_store import build_converter, keep_in_own_files
from forge_core.temporal_client.runtime import get_runtime
from forge_core.temporal_client.signing_codec import (
    SignedPayloadConverter,
    SigningCodec,
    load_key,
)
from forge_core.tracing.setup import temporal_plugins

logger = logging.getLogger("forge.temporal")

CONNECT_TIMEOUT_S = 5.0
"""Seconds within which a configured server must answer."""

EMBEDDED_TIMEOUT_S = 30.0
"""The same for the embedded server, which has answered before: a busy machine is no reason."""

REASONS = (
    ("ConnectionRefused", "connection refused"),
    ("failed to lookup address", "unknown host"),
    ("InvalidContentType", "it does not speak TLS"),
    ("invalid peer certificate", "its certificate is not trusted"),
    ("Unauthenticated", "it refuses our credentials"),
    ("PermissionDenied", "it refuses our credentials"),
    ("call error after connection", "what answers there is no Temporal server"),
)
"""What a part of the SDK's message means; the first that fits counts."""

REFUSALS = (RPCStatusCode.PERMISSION_DENIED, RPCStatusCode.UNAUTHENTICATED)


@dataclasses.dataclass(frozen=True, slots=True)
class ConnectConfig:
    """Which server to connect to, and how."""

    options: ClientConnectConfig
    timeout_s: float = CONNECT_TIMEOUT_S
    converter: DataConverter = pydantic_data_converter
    """How values become payloads, and where large ones are kept."""

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
    except (RuntimeError, ValueError, OSError) as error:
        raise UsageError(f"Temporal configuration: {_one_line(str(error))}") from error
    target = address or environ.get("FORGE_TEMPORAL_ADDRESS") or options.get("target_host")
    if not target:
        return None
    if not _is_host_and_port(target):
        raise UsageError(f"Temporal address {target!r} is not HOST:PORT")
    converter = build_converter(environ.get("FORGE_PAYLOAD_STORE"))
    return ConnectConfig({**options, "target_host": target}, converter=converter)


def embedded_config(address: str, directory: Path) -> ConnectConfig:
    """Configure a connection to the embedded server; the environment has no say.

    Large payloads are kept beside the server's database, and all are signed: the server itself
    takes work from anybody.

    Args:
        address: The server's address.
        directory: The state directory.

    Raises:
        InfrastructureError: The key in the state directory cannot be made or read.
    """
    files = StateFiles(directory)
    key = load_key(files.payload_key)
    signing = DataConverter(
        payload_converter_class=SignedPayloadConverter, payload_codec=SigningCodec(key)
    )
    converter = keep_in_own_files(signing, files.payloads, key)
    return ConnectConfig({"target_host": address}, EMBEDDED_TIMEOUT_S, converter)


async def connect(config: ConnectConfig) -> Client:
    """Connect to a server and see that it has the namespace.

    Raises:
        ServerUnavailable: It does not answer, or not as it should.
    """
    logger.info("connecting to the Temporal server at %s", config.address)
    try:
        async with asyncio.timeout(config.timeout_s):
            client = await Client.connect(
                **config.options,
                data_converter=config.converter,
                plugins=temporal_plugins(),
                runtime=get_runtime(),
            )
            await client.workflow_service.describe_namespace(
                DescribeNamespaceRequest(namespace=client.namespace)
            )
    except TimeoutError as error:
        reason = f"no answer within {config.timeout_s:g} s"
        raise ServerUnavailable(_explain(config, reason)) from error
    except (RPCError, RuntimeError, ValueError) as error:
        raise ServerUnavailable(_explain(config, find_reason(error))) from error
    return client


def find_reason(error: Exception) -> str:
    """Return in a few words why a connection failed; pure."""
    if isinstance(error, RPCError) and error.status in REFUSALS:
        return "it refuses our credentials"
    text = _one_line(str(error))
    return next((reason for part, reason in REASONS if part in text), text).rstrip(".")


def _explain(config: ConnectConfig, reason: str) -> str:
    return (
        f"cannot use the Temporal server at {config.address}: {reason} "
        "(check --temporal-address, FORGE_TEMPORAL_ADDRESS, TEMPORAL_* and temporal.address in the "
        "configuration file: `forge config` shows which counts; without them forge brings a server)"
    )


def _is_host_and_port(address: str) -> bool:
    host, _, port = address.rpartition(":")
    return bool(host) and "/" not in host and port.isascii() and port.isdigit()


def _one_line(text: str) -> str:
    return " ".join(text.split())[:300]

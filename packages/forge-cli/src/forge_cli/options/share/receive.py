"""The options of ``forge receive``."""

from dataclasses import dataclass
from typing import Annotated

from cyclopts import Group, Parameter

from forge_cli.options.types import whole

HIGHEST_PORT = 65_535

Port = Annotated[int, whole(0, HIGHEST_PORT)]


@Parameter(name="*", group=Group("Where it listens", sort_key=1))
@dataclass(frozen=True, kw_only=True, slots=True)
class ListenOptions:
    """Where senders find the receiver."""

    port: Port = 4318
    """Port for OTLP over HTTP; 0 takes any that is free."""
    host: str = "127.0.0.1"
    """Name or address of this machine. What other machines reach needs a token."""
    grpc_port: Annotated[int | None, whole(0, HIGHEST_PORT), Parameter(show_default=False)] = None
    """Listen here for OTLP over gRPC, too, usually 4317; needs the extra `grpc` of forge-cli."""
    token: Annotated[str | None, Parameter(env_var="FORGE_RECEIVE_TOKEN", show_default=False)] = (
        None
    )
    """What senders must give as `Authorization: Bearer TOKEN`. Other users of this machine can read
    it in the list of processes: prefer the variable."""


@Parameter(name="*", group=Group("How much it takes", sort_key=2))
@dataclass(frozen=True, kw_only=True, slots=True)
class IntakeOptions:
    """What bounds the receiver."""

    max_body_mb: Annotated[int, whole(1, 1000)] = 16
    """Largest body as it is sent, in megabytes; unpacked it may be four times as large, and four
    such may be under way."""

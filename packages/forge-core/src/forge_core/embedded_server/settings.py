"""How this process wants its embedded server: where, how long idle, with which interface."""

import os
from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from pathlib import Path

from forge_core.embedded_server.launch import IDLE_S
from forge_core.embedded_server.start import embedded_server
from forge_core.errors import UsageError
from forge_core.state_dir.locate import get_state_dir


@dataclass(frozen=True, slots=True)
class ServerSettings:
    """An embedded server as it is to be started if none runs."""

    directory: Path
    idle_s: float
    """Seconds that it outlives its last lease."""
    ui: bool
    """Whether it serves Temporal's web interface."""

    def enter(self, purpose: str) -> AbstractAsyncContextManager[str]:
        """Hold a lease on the server, which gives its address.

        Args:
            purpose: What the lease is for, told by ``forge server status``.
        """
        return embedded_server(self.directory, purpose=purpose, idle_s=self.idle_s, ui=self.ui)


def load_server_settings() -> ServerSettings:
    """Read them from the environment of this process.

    Raises:
        UsageError: FORGE_SERVER_IDLE_S is no number of seconds.
        ServerUnavailable: There is no home directory.
    """
    ui = bool(os.environ.get("FORGE_TEMPORAL_UI"))
    return ServerSettings(get_state_dir(), read_idle_s(os.environ), ui)


def read_idle_s(environ: Mapping[str, str]) -> float:
    """Read how long a server stays without use, in seconds; pure.

    Raises:
        UsageError: It is no number of seconds.
    """
    text = environ.get("FORGE_SERVER_IDLE_S")
    if not text:
        return IDLE_S
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1.0
    if not 0 <= seconds < float("inf"):
        raise UsageError(f"FORGE_SERVER_IDLE_S={text} is no number of seconds")
    return seconds

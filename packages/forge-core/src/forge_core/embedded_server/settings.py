"""How this process wants its embedded server: where, how long idle, with which interface."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from forge_core.embedded_server.launch import IDLE_S
from forge_core.errors import UsageError
from forge_core.state_dir.files import StateFiles
from forge_core.state_dir.locate import get_state_dir

START_TIMEOUT_S = 60.0
"""Seconds within which the server must answer."""


@dataclass(frozen=True, slots=True)
class ServerSettings:
    """An embedded server as it is to be started if none runs."""

    directory: Path
    """The state directory; made if missing."""
    idle_s: float = IDLE_S
    """Seconds that it outlives its last lease."""
    ui: bool = False
    """Whether it serves Temporal's web interface, on a port of its own."""
    start_timeout_s: float = START_TIMEOUT_S
    """Seconds within which it must answer."""

    @property
    def files(self) -> StateFiles:
        """The files of its state directory."""
        return StateFiles(self.directory)


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

"""Where Forge keeps the embedded server's files, and what they say; pure."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class ServerState:
    """A running server, as its supervisor wrote it down."""

    supervisor_pid: int
    server_pid: int
    port: int
    ui_port: int | None

    @property
    def address(self) -> str:
        """The server's address for clients."""
        return f"127.0.0.1:{self.port}"


@dataclass(frozen=True, slots=True)
class StateFiles:
    """The files of one state directory."""

    directory: Path

    @property
    def database(self) -> Path:
        """The server's own database."""
        return self.directory / "temporal.db"

    @property
    def state(self) -> Path:
        """What is known of the running server."""
        return self.directory / "server.json"

    @property
    def log(self) -> Path:
        """The log of supervisor and server."""
        return self.directory / "server.log"

    @property
    def start_lock(self) -> Path:
        """Held by the command that starts a server."""
        return self.directory / "start.lock"

    @property
    def leases(self) -> Path:
        """Held, shared, by each command that uses the server."""
        return self.directory / "leases"

    @property
    def supervisor_lock(self) -> Path:
        """Held by the supervisor for as long as its server may run."""
        return self.directory / "supervisor.lock"


def state_dir(environ: Mapping[str, str]) -> Path:
    """Say where state is kept: `$XDG_STATE_HOME/forge`, else `~/.local/state/forge`.

    An empty HOME and a relative XDG_STATE_HOME are ignored.
    """
    configured = environ.get("XDG_STATE_HOME", "")
    if configured.startswith("/"):
        return Path(configured) / "forge"
    home = environ.get("HOME")
    return (Path(home) if home else Path.home()) / ".local" / "state" / "forge"


def dump_state(state: ServerState) -> str:
    """Write a state as text."""
    return json.dumps(asdict(state)) + "\n"


def parse_state(text: str) -> ServerState | None:
    """Read a state; None for anything else."""
    try:
        return ServerState(**json.loads(text))
    except (ValueError, TypeError):
        return None

"""How the embedded server is started, its records, and what its log says of a failure; pure."""

import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass

from forge_core.state_dir.files import StateFiles

LOOPBACK = "127.0.0.1"

IDLE_S = 300.0
"""Seconds that a server outlives its last lease, unless told otherwise."""

SETTINGS = (
    # An activity costs 50 ms without it, 7 to 15 ms with it.
    "history.transferProcessorMaxPollRPS=10000",
    # The HTTP API, which cannot be turned off, answers no page and nobody: no host has this name.
    'frontend.httpAllowedHosts=["/"]',
)
"""Dynamic configuration."""

JOURNAL_MODE = "journal_mode=wal"
"""Of the server's database: halves the time of a step, and a loss of power still loses nothing."""

KEPT_VARIABLES = ("HOME", "PATH", "TMPDIR", "TZ", "USER")
"""All that the server sees of the environment: no keys, and no TEMPORAL_* of another server."""

STAND_INS = {"HOME": "/", "USER": "forge"}
"""For variables without which the server does not start as a user that the system does not know."""

QUOTED_LENGTH = 150
"""Characters quoted from either end of a long line of the log."""

COMMAND_ERROR = re.compile(r"Error:\s*(.+)")
"""A line in which the server's command says why it ends."""

PANIC = re.compile(r"panic: (.+)")
"""The line that a Go program prints before the stacks of its goroutines."""

LOGGED_ERROR = re.compile(r'time=\S+ level=(?:ERROR|FATAL) msg="([^"]*)"(?:.*? error="([^"]*)")?')
"""A line of the server's own log."""

PORT_TAKEN = "address already in use"
"""How the server says that it cannot have a port, in the words of the system (EADDRINUSE)."""


@dataclass(frozen=True, slots=True)
class Ports:
    """The loopback ports of one start."""

    grpc: int
    http: int
    metrics: int
    ui: int | None


@dataclass(frozen=True, slots=True)
class ServerRecord:
    """A running server, as its supervisor wrote it down."""

    pid: int
    """The supervisor's process."""
    server_pid: int
    port: int
    """Of the gRPC service, on 127.0.0.1."""
    ui_port: int | None
    """None without a web interface."""
    started_at: str
    """RFC 3339 in UTC."""
    idle_s: float = IDLE_S
    """Seconds that it outlives its last lease."""

    @property
    def address(self) -> str:
        """The server's address for clients."""
        return f"{LOOPBACK}:{self.port}"

    @property
    def ui_address(self) -> str | None:
        """Where a browser finds Temporal's web interface; None without one."""
        return None if self.ui_port is None else f"http://{LOOPBACK}:{self.ui_port}"


def build_command(files: StateFiles, binary: str, ports: Ports) -> list[str]:
    """Build the server's command line; it is to run in the state directory.

    The server reads a path as a URI, where `#`, `?` and `%` mean something: it gets a bare name.
    """
    web = ["--headless"] if ports.ui is None else ["--ui-port", str(ports.ui)]
    settings = (word for value in SETTINGS for word in ("--dynamic-config-value", value))
    return [
        binary, "server", "start-dev",
        "--ip", LOOPBACK,
        "--port", str(ports.grpc),
        "--http-port", str(ports.http),
        "--metrics-port", str(ports.metrics),
        "--db-filename", files.database.name,
        "--sqlite-pragma", JOURNAL_MODE,
        "--log-level", "error",
        *settings,
        *web,
    ]  # fmt: skip


def server_environment(environ: Mapping[str, str]) -> dict[str, str]:
    """Return what the server sees of the environment."""
    return STAND_INS | {name: environ[name] for name in KEPT_VARIABLES if environ.get(name)}


def dump_record(record: ServerRecord) -> str:
    """Write a record as text."""
    return json.dumps(asdict(record)) + "\n"


def parse_record(text: str) -> ServerRecord | None:
    """Read a record; None for anything else. Keys of a later version are ignored."""
    try:
        fields = json.loads(text)
        return ServerRecord(
            pid=int(fields["pid"]),
            server_pid=int(fields["server_pid"]),
            port=int(fields["port"]),
            ui_port=None if fields["ui_port"] is None else int(fields["ui_port"]),
            started_at=str(fields["started_at"]),
            idle_s=float(fields.get("idle_s", IDLE_S)),
        )
    except (ValueError, TypeError, KeyError, AttributeError):
        return None


def dump_ports(ports: Ports) -> str:
    """Write ports as text."""
    return json.dumps(asdict(ports)) + "\n"


def parse_ports(text: str) -> Ports | None:
    """Read ports; None for anything else."""
    try:
        ports = Ports(**json.loads(text))
    except (ValueError, TypeError):
        return None
    numbers = (ports.grpc, ports.http, ports.metrics, ports.ui or 0)
    return ports if all(isinstance(number, int) for number in numbers) else None


def find_telling_line(log: str) -> str:
    """Return the line of a log that best explains why the server did not start.

    What the command says itself comes first, then the first error that the server logged, which is
    the cause of those after it, then why it panicked.
    """
    lines = [line.strip() for line in log.splitlines() if line.strip()]
    for pattern, index in ((COMMAND_ERROR, -1), (LOGGED_ERROR, 0), (PANIC, 0)):
        if matches := [match for line in lines if (match := pattern.match(line))]:
            return _shorten(": ".join(filter(None, matches[index].groups())))
    return _shorten(lines[-1] if lines else "it said nothing")


def _shorten(line: str) -> str:
    if len(line) > 2 * QUOTED_LENGTH:
        # A statement may be in the middle; what happened to it comes last.
        return f"{line[:QUOTED_LENGTH]} … {line[-QUOTED_LENGTH:]}"
    return line

"""Where the embedded server's files are, how it is started and what its record says; pure."""

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path, PurePath

from forge_core.errors import ServerUnavailable

LOOPBACK = "127.0.0.1"

IDLE_S = 300.0
"""Seconds that a server outlives its last lease, unless told otherwise."""

SETTINGS = ("history.transferProcessorMaxPollRPS=10000",)
"""Dynamic configuration: an activity costs 50 ms without it, 7 to 15 ms with it."""

RUN_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")
"""What a file or directory of a run may be called."""

OWNER, RUN_ID, LOG = RUN_SUFFIXES = (".owner", ".run", ".log")
"""What the files of a run in `StateFiles.runs` end with."""

TOLD_LENGTH = 150
"""Characters that are told of either end of a long line of the log."""

TOLD_ERROR = re.compile(r"Error:\s*(.+)")
"""A line in which the server's command says why it ends."""

PANIC = re.compile(r"panic: (.+)")
"""The line that a Go program prints before the stacks of its goroutines."""

LOGGED_ERROR = re.compile(r'time=\S+ level=(?:ERROR|FATAL) msg="([^"]*)"(?:.*? error="([^"]*)")?')
"""A line of the server's own log."""

PORT_TAKEN = "address already in use"
"""How the server says that it cannot have a port, in the words of the system (EADDRINUSE)."""

JOURNAL_MODE = "journal_mode=wal"
"""Of the server's database: halves the time of a step, and a loss of power still loses nothing."""

KEPT_VARIABLES = ("HOME", "PATH", "TMPDIR", "TZ", "USER")
"""All that the server sees of the environment: no keys, and no TEMPORAL_* of another server."""

STAND_INS = {"HOME": "/", "USER": "forge"}
"""For variables without which the server does not start as a user that the system does not know."""


@dataclass(frozen=True, slots=True)
class Launch:
    """How to run the server."""

    binary: str
    idle_s: float
    """Seconds that it outlives its last lease."""
    start_timeout_s: float
    ui: bool


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


@dataclass(frozen=True, slots=True)
class StateFiles:
    """The files of one state directory."""

    directory: Path

    @property
    def database(self) -> Path:
        """The server's own database."""
        return self.directory / "temporal.db"

    @property
    def write_ahead_log(self) -> Path:
        """What the server has committed and not yet moved into its database."""
        return self.directory / "temporal.db-wal"

    @property
    def record(self) -> Path:
        """What is known of the server; true only while its supervisor holds a lock on it."""
        return self.directory / "server.json"

    @property
    def log(self) -> Path:
        """What the newest supervisor and its server wrote."""
        return self.directory / "server.log"

    @property
    def previous_log(self) -> Path:
        """The log of the start before."""
        return self.directory / "server.log.1"

    @property
    def payloads(self) -> Path:
        """What the server's histories point to instead of holding it."""
        return self.directory / "payloads"

    @property
    def payload_key(self) -> Path:
        """The key that signs what our workers take from the server."""
        return self.directory / "payload.key"

    @property
    def answers(self) -> Path:
        """Answers of models, kept until their run has ended."""
        return self.directory / "answers"

    @property
    def runs(self) -> Path:
        """Directory of what belongs to single runs."""
        return self.directory / "runs"

    def owner(self, workflow_id: str) -> Path:
        """Who executes a run; true only while that process holds a lock on it."""
        return self.runs / f"{run_directory(workflow_id)}{OWNER}"

    def run_id(self, workflow_id: str) -> Path:
        """Temporal's id of the one run that is executed under a workflow id."""
        return self.runs / f"{run_directory(workflow_id)}{RUN_ID}"

    def run_log(self, workflow_id: str) -> Path:
        """What a detached worker wrote about a run."""
        return self.runs / f"{run_directory(workflow_id)}{LOG}"

    @property
    def start_lock(self) -> Path:
        """Held by the one command that looks for a server or starts it."""
        return self.directory / "start.lock"

    @property
    def leases(self) -> Path:
        """Held, shared, by each command that uses the server."""
        return self.directory / "leases"

    @property
    def holders(self) -> Path:
        """Directory in which each holder of a lease says what it is."""
        return self.directory / "holders"

    @property
    def ports(self) -> Path:
        """The ports of the newest start, which the next one takes again if they are free."""
        return self.directory / "ports.json"

    @property
    def server_lock(self) -> Path:
        """Held as long as a supervisor or a server of this directory lives."""
        return self.directory / "server.lock"


def run_directory(workflow_id: str) -> str:
    """Name what belongs to a workflow's run; pure. A sub-task's workflow shares its run's."""
    root = workflow_id.split("/", maxsplit=1)[0]
    if RUN_NAME.fullmatch(root):
        return root
    return "id-" + hashlib.sha256(root.encode(errors="surrogatepass")).hexdigest()


def state_dir(environ: Mapping[str, str], registered_home: str | None = None) -> Path:
    """Say where state is kept: `$XDG_STATE_HOME/forge`, else `~/.local/state/forge`.

    A relative XDG_STATE_HOME and an empty or relative HOME are ignored.

    Args:
        environ: The environment.
        registered_home: What the user database says, for an environment without HOME.

    Raises:
        ServerUnavailable: There is no home directory.
    """
    configured = environ.get("XDG_STATE_HOME", "")
    if PurePath(configured).is_absolute():
        return Path(configured, "forge")
    home = environ.get("HOME") or registered_home or ""
    if not PurePath(home).is_absolute():
        raise ServerUnavailable("no home directory to keep the server in: set XDG_STATE_HOME")
    return Path(home, ".local", "state", "forge")


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
    """Choose what the server sees of the environment."""
    return STAND_INS | {name: environ[name] for name in KEPT_VARIABLES if environ.get(name)}


def dump_record(record: ServerRecord) -> str:
    """Write a record as text."""
    return json.dumps(asdict(record)) + "\n"


def parse_record(text: str) -> ServerRecord | None:
    """Read a record; None for anything else. Keys of a later version are ignored."""
    try:
        found = json.loads(text)
        return ServerRecord(
            pid=int(found["pid"]),
            server_pid=int(found["server_pid"]),
            port=int(found["port"]),
            ui_port=None if found["ui_port"] is None else int(found["ui_port"]),
            started_at=str(found["started_at"]),
            idle_s=float(found.get("idle_s", IDLE_S)),
        )
    except (ValueError, TypeError, KeyError, AttributeError):
        return None


def dump_ports(ports: Ports) -> str:
    """Write ports as text."""
    return json.dumps(asdict(ports)) + "\n"


def parse_ports(text: str) -> Ports | None:
    """Read ports; None for anything else."""
    try:
        found = Ports(**json.loads(text))
    except (ValueError, TypeError):
        return None
    numbers = (found.grpc, found.http, found.metrics, found.ui or 0)
    return found if all(isinstance(number, int) for number in numbers) else None


def find_telling_line(log: str) -> str:
    """Pick the line of a log that says best why the server did not start.

    What the command says itself comes first, then the first error that the server logged, which is
    the cause of those after it, then why it panicked.
    """
    lines = [line.strip() for line in log.splitlines() if line.strip()]
    for pattern, place in ((TOLD_ERROR, -1), (LOGGED_ERROR, 0), (PANIC, 0)):
        if found := [match for line in lines if (match := pattern.match(line))]:
            return _shorten(": ".join(filter(None, found[place].groups())))
    return _shorten(lines[-1] if lines else "it said nothing")


def _shorten(line: str) -> str:
    if len(line) > 2 * TOLD_LENGTH:
        # A statement may stand in the middle; what happened to it comes last.
        return f"{line[:TOLD_LENGTH]} … {line[-TOLD_LENGTH:]}"
    return line

"""The files of a state directory; pure."""

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path

RUN_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")
"""What a file or directory of a run may be called."""

OWNER, RUN_ID, LOG = RUN_SUFFIXES = (".owner", ".run", ".log")
"""What the files of a run in `StateFiles.runs` end with."""


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
    """Return the name of what belongs to a workflow's run, which a sub-task's shares."""
    root = workflow_id.split("/", maxsplit=1)[0]
    if RUN_NAME.fullmatch(root):
        return root
    return "id-" + hashlib.sha256(root.encode(errors="surrogatepass")).hexdigest()

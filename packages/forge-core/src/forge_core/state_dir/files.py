"""The files of a state directory; pure."""

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path

RUN_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")
"""What a file or directory of a run may be called."""

OWNER, RUN_ID, LOG = RUN_SUFFIXES = (".owner", ".run", ".log")
"""What the files of a run in `StateFiles.runs` end with."""


class _Named:
    """A file or directory of this name in the state directory."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __get__(self, files: "StateFiles", _: type) -> Path:
        return files.directory / self._name


@dataclass(frozen=True, slots=True)
class StateFiles:
    """The files of one state directory."""

    directory: Path

    database = _Named("temporal.db")
    """The server's own database."""
    write_ahead_log = _Named("temporal.db-wal")
    """What the server has committed and not yet moved into its database."""
    record = _Named("server.json")
    """What is known of the server; true only while its supervisor holds a lock on it."""
    log = _Named("server.log")
    """What the newest supervisor and its server wrote."""
    previous_log = _Named("server.log.1")
    """The log of the start before."""
    payloads = _Named("payloads")
    """What the server's histories point to instead of holding it."""
    payload_key = _Named("payload.key")
    """The key that signs what our workers take from the server."""
    answers = _Named("answers")
    """Answers of models, kept until their run has ended."""
    runs = _Named("runs")
    """Directory of what belongs to single runs."""
    start_lock = _Named("start.lock")
    """Held by the one command that looks for a server or starts it."""
    leases = _Named("leases")
    """Held, shared, by each command that uses the server."""
    holders = _Named("holders")
    """Directory in which each holder of a lease says what it is."""
    ports = _Named("ports.json")
    """The ports of the newest start, which the next one takes again if they are free."""
    server_lock = _Named("server.lock")
    """Held as long as a supervisor or a server of this directory lives."""

    def owner(self, workflow_id: str) -> Path:
        """Who executes a run; true only while that process holds a lock on it."""
        return self.runs / f"{run_directory(workflow_id)}{OWNER}"

    def run_id(self, workflow_id: str) -> Path:
        """Temporal's id of the one run that is executed under a workflow id."""
        return self.runs / f"{run_directory(workflow_id)}{RUN_ID}"

    def run_log(self, workflow_id: str) -> Path:
        """What a detached worker wrote about a run."""
        return self.runs / f"{run_directory(workflow_id)}{LOG}"


def run_directory(workflow_id: str) -> str:
    """Return the name of what belongs to a workflow's run, which a sub-task's shares."""
    root = workflow_id.split("/", maxsplit=1)[0]
    if RUN_NAME.fullmatch(root):
        return root
    return "id-" + hashlib.sha256(root.encode(errors="surrogatepass")).hexdigest()

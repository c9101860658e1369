"""What becomes of a run when the process that waits for it is told to stop."""

from dataclasses import dataclass

from forge_core.runs.execution import describe_ways

from forge_cli.errors import Interrupted
from forge_cli.escape import escape_line

RESUME = ("resume", "forge resume {0}")
CANCEL = ("cancel", "forge cancel {0}")
LOOK = ("look", "forge status {0}")

WAYS = describe_ways("{0}")


@dataclass(frozen=True, slots=True)
class Aftermath:
    """What has become of a run, with its workflow id as ``{0}`` and its progress as ``{1}``."""

    message: str
    """In one line, for a document."""
    head: str
    """For people."""
    ways: tuple[tuple[str, str], ...] = ()
    """What can be done next: a word and a command each."""

    def describe(self, workflow_id: str) -> str:
        """Say it in one line."""
        return self.message.format(workflow_id)

    def build_error(self, workflow_id: str, progress: str = "") -> Interrupted:
        """Build the error that says so.

        Args:
            workflow_id: The run's.
            progress: How many of its steps are done, e.g. ``1/3``; empty where nobody knows.
        """
        shown = escape_line(workflow_id)
        lines = [self.head.format(shown, f" at {progress} steps" if progress else "")]
        lines += [f"  {word:<7} {command.format(shown)}" for word, command in self.ways]
        return Interrupted(self.describe(workflow_id), report="\n".join(lines))


NOT_STARTED = Aftermath(
    "interrupted before the run was started", "interrupted before the run was started"
)
NOT_SUBMITTED = Aftermath(
    "interrupted while run {0} was submitted: " + WAYS,
    "run {0}: interrupted while it was submitted",
    (RESUME, CANCEL),
)
NOT_RESUMED = Aftermath(
    "interrupted before run {0} was resumed: " + WAYS,
    "run {0}: interrupted before it was resumed",
    (RESUME, CANCEL),
)
PAUSED = Aftermath("run {0} is interrupted: " + WAYS, "run {0}: paused{1}", (RESUME, CANCEL))
LEFT = Aftermath(
    "run {0} continues at its worker: forge resume {0} follows it, forge cancel {0} ends it",
    "run {0}: goes on at its worker",
    (("follow", RESUME[1]), CANCEL),
)
DETACHED = Aftermath(
    "run {0} continues: forge status {0} shows it, forge cancel {0} ends it",
    "run {0}: goes on",
    (LOOK, CANCEL),
)
CANCELLING = Aftermath(
    "run {0} may still be stopping: forge status {0}",
    "run {0}: may still be stopping",
    (LOOK,),
)

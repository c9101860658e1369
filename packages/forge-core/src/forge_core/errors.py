"""Errors of the engine.

ForgeError
├── UsageError            the request cannot be carried out as it stands
│   ├── RepositoryError   not a git repository, unknown base branch
│   ├── TaskIdTaken       another run owns this task id, or this run no longer does
│   ├── ServerInUse       the embedded server cannot be stopped now
│   ├── RunOwned          a living process executes the run
│   ├── RunRepeated       a run was started again, not by us
│   ├── RunEnded          there is nothing left to resume or to cancel
│   └── ModelNotConfigured
├── InfrastructureError   git, the Temporal server or a worker is missing
│   ├── DiskFull          there is no room to write to
│   ├── GitMissing
│   ├── GitFailed
│   │   ├── WorktreeAstray  something changed what a worktree is
│   │   └── WorktreeBusy  an earlier attempt is still working
│   ├── ServerUnavailable
│   ├── PayloadUnavailable  what Temporal's history points to is missing or damaged
│   └── RunStuck          a run that no attempt advances
├── RefusedPath           a model named a path that it may not write
├── UnreadableFile        a file that a prompt cannot show
├── MergeConflict         two sub-tasks changed the same path
├── UnsignedWork          work that was not submitted with our key
├── LimitReached          the budget does not allow the next request
├── UnknownRun            the server has no such run
├── RunCancelled          a run was told to stop
├── NotCancelled          a run did not end as it was told to
├── RunTerminated         a run was ended from outside
└── ModelFailure          a model did not give a usable answer (forge_core.llm.errors)
"""

UNEXPECTED = "UnexpectedError"
"""What Temporal is told is the type of an error that is none of these, once it has come again."""


class ForgeError(Exception):
    """Root of every error that forge_core raises on purpose."""


class UsageError(ForgeError):
    """The request cannot be carried out as it stands."""


class RepositoryError(UsageError):
    """The directory is no usable git repository or lacks the named commit."""


class TaskIdTaken(UsageError):
    """Another run owns this task id, its branch exists already, or the claim on it was removed."""


class ServerInUse(UsageError):
    """The embedded server is to be stopped while commands use it."""


class RunOwned(UsageError):
    """A run is to be executed while a living process does so."""


class RunRepeated(UsageError):
    """A run that was executed before was started again, under its own id, by somebody else."""


class RunEnded(UsageError):
    """A run is to be resumed or cancelled that has ended."""


class ModelNotConfigured(UsageError):
    """No model is named, or its provider lacks a key or an address."""


class InfrastructureError(ForgeError):
    """Something that Forge rests on is missing or out of reach."""


class DiskFull(InfrastructureError):
    """A disk takes nothing more; it may when tried later."""


class GitMissing(InfrastructureError):
    """There is no git executable."""


class GitFailed(InfrastructureError):
    """A git command failed for a reason that is not the user's."""


class WorktreeAstray(GitFailed):
    """A worktree is not, or no longer, where Forge made it: a test command can do that."""


class WorktreeBusy(GitFailed):
    """An earlier attempt, or a git that it started, is still at work in a worktree."""


class ServerUnavailable(InfrastructureError):
    """The Temporal server cannot be started or reached."""


class PayloadUnavailable(InfrastructureError):
    """A payload that Temporal's history points to is missing or damaged."""


class RunStuck(InfrastructureError):
    """A run cannot go on, and no further attempt mends that."""


class UnsignedWork(ForgeError):
    """A payload was not made with the key of this state directory, or for another run."""


class RefusedPath(ForgeError):
    """A model named a path that it may not write."""


class LimitReached(ForgeError):
    """The run's budget does not allow the next request of a call."""


class UnknownRun(ForgeError):
    """The server has no run of this workflow id."""


class NotCancelled(ForgeError):
    """A run that was cancelled ended otherwise, or has not ended yet."""


class RunCancelled(ForgeError):
    """A run was told to stop before it had ended."""


class RunTerminated(ForgeError):
    """A run was ended from outside, with no say in it."""


class UnreadableFile(ForgeError):
    """A file cannot be shown in a prompt; the message says why."""


class MergeConflict(ForgeError):
    """Two sub-tasks changed the same path in different ways."""

"""What a run left in a repository, and whether it may be removed; pure."""

from dataclasses import dataclass
from datetime import datetime

from forge_core.git.leftovers import Leftover
from forge_core.runs.state import INTERRUPTED, OUT_OF_REACH, RUNNING
from forge_obs import BUDGET

UNKNOWN = "unknown"
"""State of a run of which neither the store nor a server tells."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A leftover and the state of its run."""

    leftover: Leftover
    state: str
    """As `forge status` shows it; else as a server says; `unknown` where nothing tells."""
    ended_at: datetime
    """When the run ended, as far as anybody knows."""


@dataclass(frozen=True, slots=True)
class KeepReason:
    """Why a leftover stays."""

    reason: str
    can_be_forced: bool


@dataclass(frozen=True, slots=True)
class Cleaning:
    """A leftover and what becomes of it."""

    candidate: Candidate
    kept: str | None = None
    """Why it stays; None where nothing is against its removal."""
    can_be_forced: bool = False
    """Whether it would be removed all the same if that was insisted on."""
    removed: bool = False


def find_keep_reason(candidate: Candidate) -> KeepReason | None:
    """Say why a leftover has to stay; None if it may go."""
    leftover, state = candidate.leftover, candidate.state
    if state == RUNNING:
        return KeepReason("its run is in progress", can_be_forced=False)
    if leftover.checked_out is not None:
        place = f"branch {leftover.branch} is checked out in {leftover.checked_out}"
        return KeepReason(place, can_be_forced=False)
    reason = _find_loss(candidate)
    return None if reason is None else KeepReason(reason, can_be_forced=True)


def may_be_resumed(candidate: Candidate) -> bool:
    """Return whether a leftover may be all that a run needs to go on."""
    claimed = candidate.leftover.workflow_id is not None
    return claimed and candidate.state in {BUDGET, INTERRUPTED, OUT_OF_REACH, UNKNOWN}


def _find_loss(candidate: Candidate) -> str | None:
    leftover, state = candidate.leftover, candidate.state
    if state == OUT_OF_REACH:
        return "the Temporal server, which knows whether its run is in progress, does not answer"
    if may_be_resumed(candidate):
        is_open = state in {BUDGET, INTERRUPTED}
        return "its run can be resumed" if is_open else "it is unknown whether its run has ended"
    if leftover.unmerged:
        commits = f"{leftover.unmerged:,} commit" + ("" if leftover.unmerged == 1 else "s")
        return f"branch {leftover.branch} has {commits} that no other branch has"
    if leftover.changed:
        return "its worktree has uncommitted changes"
    return None

"""A run as it is shown: its row, its shown status and the sums over its calls."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from forge_obs import BUDGET, INTERRUPTED, RUNNING, Run

from forge_cli.escape import escape_line
from forge_cli.views.costs import Tally
from forge_cli.views.result import ResultView, parse_result
from forge_cli.views.spending import measure_pause

UNFINISHED = frozenset({RUNNING, INTERRUPTED, BUDGET})
"""Statuses of runs that have not ended."""

FAILED = "failed"
"""What people read, and may ask for, in place of the statuses of runs that failed."""

FAILURES = ("failure_terminal", "error")
"""Statuses of runs that failed: the task did, or the run could not be carried out."""


@dataclass(frozen=True, slots=True)
class RunView:
    """One run, ready to be rendered."""

    run: Run
    status: str
    """As shown: `interrupted` for a running run whose process is gone."""
    totals: Tally
    result: ResultView
    now: datetime
    price_data: str = ""
    """Version of the price data behind the cost; empty where none was needed."""

    successor: str | None = None
    """The run that has the task id of this interrupted or stopped one by now."""
    lack: str = ""
    """What this interrupted or stopped run needs and is not there: its repository or worktree."""

    @property
    def resume(self) -> str | None:
        """The command that goes on with an interrupted or stopped run; None for any other."""
        if self.successor is not None or self.lack or self.status not in {INTERRUPTED, BUDGET}:
            return None
        command = f"forge resume {escape_line(self.run.workflow_id)}"
        return f"{command} {self.result.budget.propose_option()}" if self.has_stopped else command

    @property
    def elapsed_s(self) -> float:
        """Seconds for which it was executed, pauses left out.

        0 where it does not say, or where its own account is older than its duration.
        """
        is_behind = self.status in {RUNNING, INTERRUPTED}
        return 0.0 if is_behind else self.result.budget.elapsed_s

    @property
    def has_stopped(self) -> bool:
        """Whether it waits for a new limit."""
        return self.status == BUDGET

    @property
    def reason(self) -> str:
        """Why it ended without success, in one line; empty where it did not, or nobody knows."""
        if self.status in UNFINISHED or self.status == "success":
            return ""
        reason = self.run.reason or self.result.find_reason()
        return "" if reason == self.status else reason

    @property
    def activity(self) -> str:
        """What it does, or was doing when it stopped, in a few words; empty where it has ended."""
        if self.status not in UNFINISHED:
            return ""
        if self.run.planned and not self.result.plan:
            return "planning"
        return self.result.describe_current()

    @property
    def obstacle(self) -> str | None:
        """Why an interrupted or stopped run cannot go on, and what ends it."""
        if self.successor is None and not self.lack:
            return None
        reason = f"{escape_line(self.lack)} is not there"
        if self.successor is not None:
            reason = f"run {escape_line(self.successor)} has its task id now"
        return f"{reason}: forge cancel {escape_line(self.run.workflow_id)} ends it"

    @property
    def paused_s(self) -> float:
        """For how many seconds of its duration nobody executed it; 0 where that is unknown."""
        return measure_pause(self.duration or timedelta(), self.elapsed_s)

    @property
    def has_account(self) -> bool:
        """Whether it says for how long it was executed, so that its pauses are known.

        One that was cancelled while it was interrupted counts its last pause as executed.
        """
        return bool(self.elapsed_s) and (self.status != "cancelled" or self.paused_s > 0)

    @property
    def duration(self) -> timedelta | None:
        """How long it took, or has taken so far; None where nobody can say.

        That is so, too, where the clock was put back meanwhile.
        """
        ended = self.now if self.status == "running" else self.run.finished_at
        if self.has_stopped:
            ended = self.run.seen_at
        if ended is None or ended < self.run.created_at:
            return None
        return ended - self.run.created_at


def build_run_view(
    run: Run, status: str, totals: Tally | None, now: datetime, price_data: str = ""
) -> RunView:
    """Make a view of a run."""
    return RunView(run, status, totals or Tally(), parse_result(run.result_json), now, price_data)

"""A run as it is shown: its row, its shown status and the sums over its calls."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from forge_obs.liveness import INTERRUPTED
from forge_obs.rows import CallTotals, Interaction, Run

from forge_cli.render.text import escape_line
from forge_cli.render.tree import ResultView, parse_result


@dataclass(frozen=True, slots=True)
class RunView:
    """One run, ready to be rendered."""

    run: Run
    status: str
    """As shown: `interrupted` for a running run whose process is gone."""
    totals: CallTotals
    result: ResultView
    now: datetime

    @property
    def resume(self) -> str | None:
        """The command that goes on with an interrupted run; None for any other."""
        interrupted = self.status == INTERRUPTED
        return f"forge resume {escape_line(self.run.workflow_id)}" if interrupted else None

    @property
    def duration(self) -> timedelta | None:
        """How long it took, or has taken so far; None where nobody can say."""
        if self.run.finished_at is not None:
            return self.run.finished_at - self.run.created_at
        if self.status == "running":
            return self.now - self.run.created_at
        return None


def build_run_view(run: Run, status: str, totals: CallTotals | None, now: datetime) -> RunView:
    """Make a view of a run."""
    return RunView(run, status, totals or CallTotals(), parse_result(run.result_json), now)


def sum_calls(interactions: Sequence[Interaction]) -> CallTotals:
    """Sum the calls of one run; those whose tokens are unknown are counted apart."""
    known = [call for call in interactions if call.usage_known]
    return CallTotals(
        calls=len(interactions),
        input_tokens=sum(call.input_tokens for call in known),
        output_tokens=sum(call.output_tokens for call in known),
        unreported=len(interactions) - len(known),
        unanswered=sum(call.status == "started" for call in interactions),
    )

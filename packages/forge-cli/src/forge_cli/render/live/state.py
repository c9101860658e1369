"""What is known of a run that goes on, or has just ended or been stopped; pure."""

from dataclasses import dataclass
from datetime import datetime

from forge_core.models.run import PendingActivity
from forge_obs import BUDGET, INTERRUPTED, RUNNING

from forge_cli.views.budget import NO_BUDGET, BudgetView
from forge_cli.views.costs import NO_PRICES, Prices
from forge_cli.views.outline import Outline
from forge_cli.views.request import RequestView

EMPTY = Outline()
NO_REQUEST = RequestView()


@dataclass(frozen=True, slots=True)
class LiveState:
    """What is known of a run."""

    workflow_id: str
    began: datetime
    outline: Outline = EMPTY
    prices: Prices = NO_PRICES
    pending: tuple[PendingActivity, ...] = ()
    budget: BudgetView = NO_BUDGET
    request: RequestView = NO_REQUEST
    status: str = RUNNING
    """As shown."""
    ended: datetime | None = None
    """When it was stopped just now, which no record says; None otherwise."""

    @property
    def rests(self) -> bool:
        """Whether what has no end yet may still get one, but not now."""
        return self.ended is not None or self.status in {BUDGET, INTERRUPTED}

    def get_moment(self, now: datetime) -> datetime:
        """Return up to when its time has run."""
        return self.ended or now

"""An observer of a call that writes down what came of each request."""

from dataclasses import dataclass, field
from typing import Any

from forge_core.llm.arrival import Arrival
from forge_core.llm.calls import Send
from forge_core.llm.errors import ModelFailure
from forge_core.llm.parse_answer import Reading
from forge_core.llm.request import ModelAnswer, ModelRequest, request_params


@dataclass
class Diary:
    """Writes down the requests that failed, and the one that was answered."""

    failures: list[tuple[int, str, dict[str, Any]]] = field(default_factory=list)
    """Number, message and parameters of each."""
    answered_in: tuple[int, dict[str, Any]] | None = None
    arrival: Arrival = field(default_factory=Arrival)
    """What has come of the answer."""

    async def obtain(self, seq: int, request: ModelRequest, send: Send) -> ModelAnswer:  # noqa: ARG002
        """Send it."""
        return await send(request, self.arrival)

    async def answered(
        self, seq: int, request: ModelRequest, answer: ModelAnswer, reading: Reading
    ) -> None:
        """Note how it was asked."""
        del answer, reading
        self.answered_in = (seq, request_params(request))

    async def failed(self, seq: int, request: ModelRequest, failure: ModelFailure) -> None:
        """Note how it was asked, and what failed."""
        self.failures.append((seq, str(failure), request_params(request)))

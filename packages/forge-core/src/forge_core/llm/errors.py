"""Failures of model calls, as one type with a kind.

    ForgeError
    └── ModelFailure

The kinds and what may be done about each stand in `RETRYABLE`.
"""

from typing import Literal

from forge_core.errors import ForgeError
from forge_core.llm.request import ModelAnswer

FailureKind = Literal[
    "authentication",
    "connection",
    "context_too_long",
    "invalid_output",
    "malformed_response",
    "no_scripted_answer",
    "not_configured",
    "not_found",
    "overloaded",
    "quota",
    "rate_limited",
    "refused",
    "rejected",
    "server_error",
    "timeout",
    "truncated",
]
"""What went wrong with a request."""

RETRYABLE: frozenset[FailureKind] = frozenset(
    {"connection", "malformed_response", "overloaded", "rate_limited", "server_error", "timeout"}
)
"""Kinds after which the same request may succeed later."""

MESSAGE_LENGTH = 500
"""Characters of a failure's message; providers quote whole requests in theirs."""


class ModelFailure(ForgeError):
    """A model did not give a usable answer."""

    def __init__(
        self,
        kind: FailureKind,
        message: str,
        *,
        retry_after_s: float | None = None,
        answer: ModelAnswer | None = None,
        problems: tuple[str, ...] = (),
    ) -> None:
        """Describe a failed request.

        Args:
            kind: What went wrong.
            message: Why, in one line, without text of the prompt.
            retry_after_s: Seconds that the provider asks to wait.
            answer: What came back, where something did: it was paid for.
            problems: What is wrong with an answer that does not fit, one line each.
        """
        line = " ".join(message.split())
        super().__init__(line if len(line) <= MESSAGE_LENGTH else line[:MESSAGE_LENGTH] + "…")
        self.kind = kind
        self.retry_after_s = retry_after_s
        self.answer = answer
        self.problems = problems

    @property
    def retryable(self) -> bool:
        """Whether the same request may succeed later."""
        return self.kind in RETRYABLE

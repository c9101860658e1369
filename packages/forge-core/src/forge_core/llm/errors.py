"""Failures of model calls: one type with a kind, and the line that says why; pure.

    ForgeError
    └── ModelFailure

The kinds after which the same request may succeed later are in `RETRYABLE`.
"""

from collections.abc import Mapping
from typing import Literal

from forge_core.errors import ForgeError
from forge_core.llm.error_body import read_message
from forge_core.llm.model_name import PROVIDERS, split_model
from forge_core.llm.request import ModelAnswer, ModelRequest

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
    "stalled",
    "timeout",
    "truncated",
    "unreachable",
    "wrong_address",
]
"""What went wrong with a request."""

RETRYABLE: frozenset[FailureKind] = frozenset(
    [
        "connection",
        "malformed_response",
        "overloaded",
        "rate_limited",
        "server_error",
        "stalled",
        "timeout",
        "unreachable",
    ]
)
"""Kinds after which the same request may succeed later."""

NOT_SENT = "the request was not sent"
"""Note on an unexpected exception that came before anything went out."""

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
        refused: str | None = None,
    ) -> None:
        """Describe a failed request.

        Args:
            kind: What went wrong.
            message: Why, in one line, without text of the prompt.
            retry_after_s: Seconds that the provider asks to wait.
            answer: What came back, where something did: it was paid for.
            problems: What is wrong with an answer that does not fit, one line each.
            refused: The parameter that the server refused, where it is one.
        """
        line = " ".join(message.split())
        super().__init__(line if len(line) <= MESSAGE_LENGTH else line[:MESSAGE_LENGTH] + "…")
        self.kind = kind
        self.retry_after_s = retry_after_s
        self.answer = answer
        self.problems = problems
        self.was_read = False
        """Whether the answer could be read, so that it is refused for what it says."""
        self.refused = refused

    @property
    def retryable(self) -> bool:
        """Whether the same request may succeed later."""
        return self.kind in RETRYABLE

    def add(self, words: str) -> None:
        """Say more of what came of it, behind the message."""
        self.args = (f"{self}; {words}",)


QUOTED_LENGTH = 300
"""Characters of a provider's own words in our message."""

QUOTED_LINE_LENGTH = 20
"""Characters from which a line of a prompt is recognised in a provider's words."""

ADVICE: Mapping[FailureKind, str] = {
    "authentication": "check {key}",
    "connection": "check the network and {url}",
    "context_too_long": "lower the task's token_budget",
    "not_found": "check the model's name and {url}",
    "quota": "check the account's plan and billing",
    "unreachable": "start the server, or correct {url}",
}
"""What a person can do; the other kinds are retried or speak for themselves."""


def explain_failure(
    request: ModelRequest,
    kind: FailureKind,
    status: int | None,
    body: str | None,
    why: Exception | str,
) -> str:
    """Describe what failed, in the provider's words where it has some, and what to do.

    Args:
        request: What was asked; no line of its prompts is quoted.
        kind: What the failure is to us.
        status: HTTP status, unless it is success or there is no response.
        body: The response's body, where there is one.
        why: What the client raised, whose cause is quoted where no response came, or what we found
            out ourselves.
    """
    what = f"{request.model}: {kind.replace('_', ' ')}"
    if status is not None:
        what += f" (HTTP {status})"
    said = why if isinstance(why, str) else _find_words(body, status, why)
    words = " ".join(said.split())
    if words and not _quotes_prompt(words, request):
        what += f": {words if isinstance(why, str) else words[:QUOTED_LENGTH].rstrip('.')}"
    advice = _advise(kind, request.model)
    return f"{what}; {advice}" if advice else what


def _find_words(body: str | None, status: int | None, error: Exception) -> str:
    if body is None:
        return _name_root(error)
    message = read_message(body)
    if message is None and status is None:
        return "the response does not follow the provider's API"
    return message or ""


def _name_root(error: BaseException) -> str:
    """Return the message of the innermost cause that has one: the outer ones are too general."""
    words, cause = str(error) or type(error).__name__, error.__cause__
    while cause is not None:
        words, cause = str(cause) or words, cause.__cause__
    return words


def _quotes_prompt(words: str, request: ModelRequest) -> bool:
    lines = f"{request.system_prompt}\n{request.user_prompt}".splitlines()
    short = (" ".join(line.split()) for line in lines)
    return any(len(line) >= QUOTED_LINE_LENGTH and line in words for line in short)


def _advise(kind: FailureKind, model: str) -> str:
    provider = PROVIDERS[split_model(model)[0]]
    return ADVICE.get(kind, "").format(key=provider.key_variable, url=provider.url_variable)

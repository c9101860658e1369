"""Requests to a model and answers of it, as values."""

from dataclasses import dataclass, field
from typing import Any

from pydantic import BaseModel

from forge_core.llm.model_name import SCRIPTED
from forge_core.models.call.dialect import Dialect
from forge_core.models.call.llm import CallUsage, Origin
from forge_core.models.call.settings import UNSET, CallSettings


@dataclass(frozen=True, slots=True)
class RequestLabels:
    """What a request is for; a scripted model chooses its answer by it."""

    role: str
    step_id: str | None = None
    sub_task_id: str | None = None
    attempt: int = 1
    step_attempt: int | None = None
    sample: int = 0
    """Number of the answer asked for within one call, from 0."""


@dataclass(frozen=True, slots=True)
class ModelRequest:
    """One request to a model."""

    model: str
    """`provider:name`."""
    system_prompt: str
    user_prompt: str
    output: type[BaseModel]
    """What the answer has to fit."""
    max_tokens: int
    """Largest answer, in tokens."""
    labels: RequestLabels
    settings: CallSettings = UNSET
    """How the model is asked, as far as anybody said."""
    dialect: Dialect | None = None
    """The form in which it is sent; None until that is known, and for a scripted model."""
    form_words: str = ""
    """The end of the system prompt that tells of the form, where a server can only be told so."""
    deadline_s: float | None = None
    """Seconds that a limit of time leaves it."""

    @property
    def timeout_s(self) -> float:
        """Seconds without a byte after which the request fails."""
        timeout_s = self.settings.effective_timeout_s
        return timeout_s if self.deadline_s is None else min(timeout_s, self.deadline_s)

    @property
    def longest_s(self) -> float | None:
        """Seconds after which the request fails, whatever comes; None for as long as it takes."""
        bounds = (self.settings.timeout_s, self.deadline_s)
        return min((bound for bound in bounds if bound is not None), default=None)

    @property
    def stall_timeout_s(self) -> float:
        """Seconds without a byte after which a stream has stalled."""
        return self.settings.effective_stall_timeout_s

    @property
    def tool_name(self) -> str:
        """Name of the tool by whose arguments the model answers."""
        return (self.output.model_config.get("title") or self.output.__name__).lower()

    @property
    def origin(self) -> Origin:
        """Who answers, known before anybody has."""
        return "scripted" if self.model.startswith(f"{SCRIPTED}:") else "provider"


@dataclass(frozen=True, slots=True)
class Reported:
    """What a provider says of a request besides its answer, in its own words.

    Attributes:
        usage: Its reports of usage: none, one, or the first and the last of a stream.
    """

    usage: list[dict[str, Any]] = field(default_factory=list)
    service_tier: str | None = None
    response_id: str | None = None
    request_id: str | None = None


@dataclass(frozen=True, slots=True)
class ModelAnswer:
    """What came back, whether it fits or not."""

    text: str
    """As received: the tool's arguments, else the text, else the response's body.

    Arguments that a provider sends as an object instead of text are that object in compact JSON.
    """
    usage: CallUsage
    """Zero tokens of a provider mean that it did not report them."""
    is_empty: bool = False
    """Whether the model said nothing, so that `text` is only the response's body."""
    reasoning: str = ""
    """What the model thought before it answered, as far as the provider tells; not in `text`."""
    is_cut_repeat: bool = False
    """Whether what the limit cut off is only a repetition of the answer, which is whole."""
    cut_call: int = 0
    """Which call of the tool the limit cut off, where whole ones stand before it; else 0."""
    reported: Reported = field(default_factory=Reported)
    """What else the provider says of it."""


def request_params(request: ModelRequest) -> dict[str, Any]:
    """Return the parameters of a request that belong on record beside its prompts."""
    return {
        **request.settings.list_set(),
        "max_tokens": request.max_tokens,
        "timeout_s": request.timeout_s,
        "output_mode": "tool",
        "tool": request.tool_name,
        **(request.dialect.describe() if request.dialect else {}),
    }

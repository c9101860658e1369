"""Scripts of a scripted model: which answer is for which request; pure.

{"answers": [{"role": "planner", "answer": {"steps": [...]}},
             {"role": "llm", "step_id": "parser", "attempt": 1, "text": "no JSON"},
             {"role": "llm", "error": {"kind": "rate_limited", "retry_after_s": 2}}]}
"""

from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from forge_core.llm.errors import FailureKind
from forge_core.llm.request import RequestLabels
from forge_core.models.error_text import describe_fault

LABELS = ("role", "step_id", "sub_task_id", "attempt", "step_attempt", "sample")
"""Labels by which an entry is chosen."""


class ScriptedError(BaseModel):
    """A failure to be played."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: FailureKind
    message: str = "scripted failure"
    retry_after_s: float | None = Field(default=None, ge=0, allow_inf_nan=False)


class ScriptedEntry(BaseModel):
    """One answer and the requests that it is for; a label left out fits any."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    role: str | None = None
    step_id: str | None = None
    sub_task_id: str | None = None
    attempt: int | None = None
    step_attempt: int | None = None
    sample: int | None = None
    answer: dict[str, Any] | None = None
    """The answer as an object."""
    text: str | None = None
    """The answer as raw text, valid or not."""
    error: ScriptedError | None = None
    finish_reason: Literal["stop", "tool_call", "length", "content_filter", "error"] = "stop"

    @model_validator(mode="after")
    def _check_reply(self) -> Self:
        if sum(reply is not None for reply in (self.answer, self.text, self.error)) != 1:
            raise ValueError("an entry needs exactly one of answer, text and error")
        return self

    def fits(self, labels: RequestLabels) -> bool:
        """Tell whether this entry may answer a request."""
        wanted = ((getattr(self, name), getattr(labels, name)) for name in LABELS)
        return all(mine is None or mine == theirs for mine, theirs in wanted)

    @property
    def specificity(self) -> int:
        """Number of labels that this entry insists on."""
        return sum(getattr(self, name) is not None for name in LABELS)


class Script(BaseModel):
    """All answers of a scripted model."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    answers: Annotated[tuple[ScriptedEntry, ...], Field(min_length=1)]


def parse_script(text: bytes) -> Script:
    """Read a script.

    Raises:
        ValueError: It is no valid script; the message is one line.
    """
    try:
        return Script.model_validate_json(text)
    except ValidationError as error:
        problem = error.errors(include_url=False, include_input=False, include_context=False)[0]
        where = ".".join(map(str, problem["loc"])) or "file"
        raise ValueError(f"{where}: {describe_fault(problem)}") from error


def choose_entry(script: Script, labels: RequestLabels) -> ScriptedEntry | None:
    """Choose the fitting entry with the most labels, the first of equals; None if none fits."""
    fitting = [entry for entry in script.answers if entry.fits(labels)]
    return max(fitting, key=lambda entry: entry.specificity, default=None)


def describe_labels(labels: RequestLabels) -> str:
    """Name a request by its labels, as an entry of a script would."""
    pairs = ((name, getattr(labels, name)) for name in LABELS)
    return ", ".join(f"{name}={value}" for name, value in pairs if value is not None)

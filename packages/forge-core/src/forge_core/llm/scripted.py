"""Scripted models: answers from a file, for demonstrations and tests, never invented."""

import json
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from forge_core.llm.errors import FailureKind, ModelFailure
from forge_core.llm.request import ModelAnswer, ModelRequest, RequestLabels
from forge_core.models.llm import CallUsage

LABELS = ("role", "step_id", "sub_task_id", "attempt", "step_attempt", "sample")
"""Labels by which an entry is chosen."""


class ScriptedError(BaseModel):
    """A failure to be played."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: FailureKind
    message: str = "scripted failure"
    retry_after_s: float | None = None


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
    finish_reason: str = "stop"

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


def load_script(path: Path) -> Script:
    """Read a script.

    Raises:
        ModelFailure: It cannot be read or is not valid.
    """
    try:
        return Script.model_validate_json(path.read_bytes())
    except OSError as error:
        raise ModelFailure("not_configured", f"script {path}: {error.strerror}") from error
    except ValidationError as error:
        problem = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(map(str, problem["loc"])) or "file"
        raise ModelFailure("not_configured", f"script {path}: {where}: {problem['msg']}") from error


def answer_from_script(path: Path, request: ModelRequest) -> ModelAnswer:
    """Answer a request from a script, with no tokens counted.

    The entry with the most labels wins, the first of equals.

    Raises:
        ModelFailure: The script has no answer for this request, or plays a failure.
    """
    fitting = [entry for entry in load_script(path).answers if entry.fits(request.labels)]
    if not fitting:
        raise ModelFailure(
            "no_scripted_answer", f"script {path} has no answer for {_name(request.labels)}"
        )
    entry = max(fitting, key=lambda candidate: candidate.specificity)
    if entry.error is not None:
        error = entry.error
        raise ModelFailure(error.kind, error.message, retry_after_s=error.retry_after_s)
    text = entry.text if entry.text is not None else json.dumps(entry.answer, ensure_ascii=False)
    usage = CallUsage(
        model_name=f"scripted:{path.stem}", finish_reason=entry.finish_reason, origin="scripted"
    )
    return ModelAnswer(text, usage)


def _name(labels: RequestLabels) -> str:
    pairs = ((name, getattr(labels, name)) for name in LABELS)
    return ", ".join(f"{name}={value}" for name, value in pairs if value is not None)

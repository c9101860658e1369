"""Scripted models: answers from a file, for demonstrations and tests, never invented.

{"answers": [{"role": "planner", "answer": {"steps": [...]}},
             {"role": "llm", "step_id": "parser", "attempt": 1, "text": "no JSON"},
             {"role": "llm", "error": {"kind": "rate_limited", "retry_after_s": 2}}]}
"""

import asyncio
import json
import time
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from forge_core.llm.arrival import Arrival
from forge_core.llm.errors import FailureKind, ModelFailure
from forge_core.llm.request import ModelAnswer, ModelRequest, Reported, RequestLabels
from forge_core.models.call.llm import CallUsage
from forge_core.models.error_text import describe_fault

LABELS = ("role", "step_id", "sub_task_id", "attempt", "step_attempt", "sample")
"""Labels by which an entry is chosen."""

LONGEST_MS = 3_600_000.0
"""Milliseconds that an answer may take to be there."""

TICK_S = 0.1
"""Seconds between two tellings of simulated tokens."""


class ScriptedError(BaseModel):
    """A failure to be played."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: FailureKind
    message: str = ""
    """Empty for one that names the kind."""
    retry_after_s: float | None = Field(default=None, ge=0, allow_inf_nan=False)


class SimulatedFigures(BaseModel):
    """Figures that an answer pretends to have.

    They are on record as the figures of a scripted answer, which no sum counts. See D85.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    input_tokens: int = Field(default=0, ge=0)
    output_tokens: int = Field(default=0, ge=0)
    cache_read_tokens: int = Field(default=0, ge=0)
    cost_usd: float | None = Field(default=None, ge=0, allow_inf_nan=False)
    latency_ms: float = Field(default=0, ge=0, le=LONGEST_MS, allow_inf_nan=False)
    """Milliseconds until the answer is there; they really pass."""
    first_token_ms: float = Field(default=0, ge=0, allow_inf_nan=False)
    """Of these, until the first token."""

    def count_tokens(self, passed_ms: float) -> int:
        """Return how many tokens of the answer have come after some time."""
        span_ms = self.latency_ms - self.first_token_ms
        share = (passed_ms - self.first_token_ms) / span_ms if span_ms > 0 else 1.0
        return int(self.output_tokens * min(1.0, max(0.0, share)))

    def build_report(self) -> dict[str, Any]:
        """Build what a provider would report of its usage, marked as simulated."""
        cost = {} if self.cost_usd is None else {"cost": self.cost_usd}
        return {
            "simulated": True,
            "input_tokens": self.input_tokens,
            "output_tokens": self.output_tokens,
            "cache_read_tokens": self.cache_read_tokens,
            **cost,
        }


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
    simulated: SimulatedFigures | None = None

    @model_validator(mode="after")
    def _check_reply(self) -> Self:
        if sum(reply is not None for reply in (self.answer, self.text, self.error)) != 1:
            raise ValueError("an entry needs exactly one of answer, text and error")
        return self

    def fits(self, labels: RequestLabels) -> bool:
        """Return whether this entry may answer a request."""
        pairs = ((getattr(self, name), getattr(labels, name)) for name in LABELS)
        return all(mine is None or mine == theirs for mine, theirs in pairs)

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
    """Return the matching entry with the most labels, the first of equals; None if none matches."""
    fitting = [entry for entry in script.answers if entry.fits(labels)]
    return max(fitting, key=lambda entry: entry.specificity, default=None)


def describe_labels(labels: RequestLabels) -> str:
    """Describe a request by its labels, as an entry of a script would."""
    pairs = ((name, getattr(labels, name)) for name in LABELS)
    return ", ".join(f"{name}={value}" for name, value in pairs if value is not None)


def load_script(path: Path) -> Script:
    """Read a script from its file.

    Raises:
        ModelFailure: It cannot be read or is not valid.
    """
    try:
        return parse_script(path.read_bytes())
    except OSError as error:
        raise ModelFailure("not_configured", f"script {path}: {error.strerror}") from error
    except ValueError as error:
        raise ModelFailure("not_configured", f"script {path}: {error}") from error


async def answer_from_script(
    path: Path, request: ModelRequest, arrival: Arrival | None = None
) -> ModelAnswer:
    """Answer a request from a script, after the time that it simulates.

    Args:
        path: The script, which is read each time.
        request: What is asked.
        arrival: Told of simulated tokens while they come.

    Raises:
        ModelFailure: The script has no answer for this request, or plays a failure.
    """
    script = await asyncio.to_thread(load_script, path)
    entry = choose_entry(script, request.labels)
    if entry is None:
        labels = describe_labels(request.labels)
        raise ModelFailure("no_scripted_answer", f"script {path} has no answer for {labels}")
    if entry.simulated is not None:
        await _pass_time(entry.simulated, arrival or Arrival())
    if entry.error is not None:
        error = entry.error
        raise ModelFailure(
            error.kind, error.message or f"scripted {error.kind}", retry_after_s=error.retry_after_s
        )
    return _build_answer(f"scripted:{path.stem}", entry)


async def _pass_time(figures: SimulatedFigures, arrival: Arrival) -> None:
    began = time.monotonic()
    while (passed_ms := 1000 * (time.monotonic() - began)) < figures.latency_ms:
        arrival.pieces = figures.count_tokens(passed_ms)
        await asyncio.sleep(min(TICK_S, (figures.latency_ms - passed_ms) / 1000))


def _build_answer(model_name: str, entry: ScriptedEntry) -> ModelAnswer:
    figures = entry.simulated or SimulatedFigures()
    usage = CallUsage(
        model_name=model_name,
        input_tokens=figures.input_tokens,
        output_tokens=figures.output_tokens,
        cache_read_tokens=figures.cache_read_tokens,
        latency_ms=figures.latency_ms,
        first_token_ms=figures.first_token_ms or None,
        finish_reason=entry.finish_reason,
        origin="scripted",
    )
    reported = Reported([] if entry.simulated is None else [figures.build_report()])
    return ModelAnswer(_write_answer(entry), usage, reported=reported)


def _write_answer(entry: ScriptedEntry) -> str:
    if entry.text is not None:
        return entry.text
    return json.dumps(entry.answer, ensure_ascii=False, separators=(",", ":"))

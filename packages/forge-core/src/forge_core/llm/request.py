"""Requests to a model and answers of it, as values; reading an answer is pure."""

import json
import re
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ValidationError

from forge_core.models.llm import CallUsage

TIMEOUT_S = 600.0
"""Seconds after which a request is given up."""

FENCE = re.compile(r"```(?:json)?[ \t]*\n(.*?)\n[ \t]*```", re.DOTALL)
"""A code block, as some models put around JSON."""


@dataclass(frozen=True, slots=True)
class RequestLabels:
    """What a request is for; a scripted model chooses its answer by it."""

    role: str
    step_id: str | None = None
    sub_task_id: str | None = None
    attempt: int = 1
    step_attempt: int | None = None
    sample: int = 0
    """Number of the request within one call, from 0."""


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
    timeout_s: float = TIMEOUT_S

    @property
    def tool_name(self) -> str:
        """Name of the tool by whose arguments the model answers."""
        return self.output.__name__.lower()


@dataclass(frozen=True, slots=True)
class ModelAnswer:
    """What came back, whether it fits or not."""

    text: str
    """The answer as received: the tool's arguments, else the text."""
    usage: CallUsage


class UnfitAnswer(ValueError):
    """An answer that does not fit what was asked for."""


def request_params(request: ModelRequest) -> dict[str, Any]:
    """Return the parameters of a request that belong on record beside its prompts."""
    return {
        "max_tokens": request.max_tokens,
        "timeout_s": request.timeout_s,
        "tool": request.tool_name,
    }


def parse_answer(text: str, output: type[BaseModel]) -> BaseModel:
    """Read an answer as `output`; JSON may stand in a code block.

    Raises:
        UnfitAnswer: It is no JSON or does not fit, with the reasons in one line.
    """
    try:
        return output.model_validate(_load(text))
    except ValidationError as error:
        raise UnfitAnswer(_describe(error)) from error


def _load(text: str) -> object:
    candidates = [text, *(match.group(1) for match in FENCE.finditer(text))]
    for candidate in candidates:
        try:
            return json.loads(candidate, strict=False)
        except (ValueError, RecursionError):
            continue
    raise UnfitAnswer("it is not valid JSON" if text.strip() else "it is empty")


def _describe(error: ValidationError) -> str:
    problems = (
        f"{'.'.join(map(str, problem['loc'])) or 'answer'}: "
        + problem["msg"].removeprefix("Value error, ")
        for problem in error.errors(include_url=False, include_input=False)
    )
    return "; ".join(problems)

"""Answers by which a model may ask for more context before it answers.

See D78.
"""

from collections.abc import Mapping
from typing import Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from forge_core.models.call.llm import ANSWER, LISTS, LLMResponse
from forge_core.models.plan import Plan, PlanStep


class ContextRequest(BaseModel):
    """What a model lacks."""

    model_config = ANSWER

    files: tuple[str, ...] = Field(
        default=(),
        description="Paths of files to be shown, or path:first-last for some lines of a long one.",
    )
    searches: tuple[str, ...] = Field(
        default=(),
        description="Words of one line each, to be found literally in the repository's files.",
    )

    @property
    def is_empty(self) -> bool:
        """Whether nothing is asked for."""
        return not (any(map(str.strip, self.files)) or any(map(str.strip, self.searches)))


REQUEST = Field(
    default=None,
    description="null, or what you must see before you can answer; then leave all lists empty.",
)


class AskingResponse(LLMResponse):
    """The changes of files and a short explanation."""

    model_config = ConfigDict(title=LLMResponse.__name__)

    context_request: ContextRequest | None = REQUEST

    @property
    def asked(self) -> ContextRequest | None:
        """What is asked for; None where the answer changes files, or says why it does not."""
        if self.context_request is None or any(getattr(self, name) for name in LISTS):
            return None
        return None if self.context_request.is_empty else self.context_request

    @model_validator(mode="before")
    @classmethod
    def _require_changes(cls, answer: object) -> object:
        """Refuse an object that neither has one of the lists nor asks for anything."""
        asks = isinstance(answer, Mapping) and answer.get("context_request") is not None
        if isinstance(answer, Mapping) and not asks and not LISTS.intersection(answer):
            raise ValueError(f"the answer must have one of {', '.join(sorted(LISTS))}")
        return answer


class AskingPlan(Plan):
    """The ordered steps that produce a task."""

    model_config = ConfigDict(title=Plan.__name__)

    steps: tuple[PlanStep, ...] = Field(default=(), description="In order of execution.")
    context_request: ContextRequest | None = REQUEST

    @property
    def asked(self) -> ContextRequest | None:
        """What is asked for; None where there are steps."""
        return None if self.steps else self.context_request

    @model_validator(mode="after")
    def _require_steps(self) -> Self:
        if not self.steps and (self.context_request is None or self.context_request.is_empty):
            raise ValueError("`steps` must be a list of at least one object")
        return self

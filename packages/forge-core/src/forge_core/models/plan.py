"""A planner's answer: ordered steps, each with optional parallel sub-tasks."""

from collections import Counter
from collections.abc import Iterable
from typing import Self

from pydantic import Field, model_validator

from forge_core.models.frozen import FrozenModel
from forge_core.models.ids import Description, Identifier


class SubTask(FrozenModel):
    """One of several parallel parts of a step."""

    sub_task_id: Identifier = Field(description="Unique within the step, e.g. 'parser'.")
    description: Description = Field(description="What to write, complete in itself.")
    target_files: tuple[str, ...] = Field(
        default=(), description="Paths to create or change; no other sub-task may name them."
    )
    context_files: tuple[str, ...] = Field(
        default=(), description="Paths of existing files that the author needs to see."
    )


class PlanStep(FrozenModel):
    """One step of a plan; it ends in one commit."""

    step_id: Identifier = Field(description="Unique within the plan, e.g. 'add-parser'.")
    description: Description = Field(description="What to write, complete in itself.")
    target_files: tuple[str, ...] = Field(default=(), description="Paths to create or change.")
    context_files: tuple[str, ...] = Field(
        default=(), description="Paths of existing files that the author needs to see."
    )
    sub_tasks: tuple[SubTask, ...] = Field(
        default=(), description="Parts that can be written in parallel, if any."
    )

    @model_validator(mode="after")
    def _check_sub_tasks(self) -> Self:
        where = f"step {self.step_id!r}"
        _refuse_repeats(f"{where}: sub-task id", (part.sub_task_id for part in self.sub_tasks))
        _refuse_repeats(
            f"{where}: target file of two sub-tasks",
            (path for part in self.sub_tasks for path in dict.fromkeys(part.target_files)),
        )
        return self


class Plan(FrozenModel):
    """The ordered steps that produce a task."""

    task_id: str = Field(default="", description="Leave empty.")
    steps: tuple[PlanStep, ...] = Field(min_length=1, description="In order of execution.")
    explanation: str = Field(default="", description="Why the steps are cut this way.")

    @model_validator(mode="after")
    def _check_steps(self) -> Self:
        _refuse_repeats("step id", (step.step_id for step in self.steps))
        return self


def _refuse_repeats(what: str, values: Iterable[str]) -> None:
    repeated = sorted(value for value, count in Counter(values).items() if count > 1)
    if repeated:
        raise ValueError(f"{what} {', '.join(map(repr, repeated))} appears more than once")

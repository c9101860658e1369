"""What a user asks for: the task, how to check it and what context it gets."""

from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from forge_core.models.ids import Identifier
from forge_core.models.text import Description

Attempts = Annotated[int, Field(ge=1, le=100)]
"""How often a unit of work is tried, counted from 1."""


class ValidationConfig(BaseModel):
    """Which checks the files of an attempt must pass."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    auto_fix: bool = True
    """Let ruff repair what it can before it judges."""
    run_ruff_lint: bool = True
    run_ruff_format: bool = True
    run_tests: bool = False
    """Run `test_command`. It executes code that a model wrote, with the user's rights."""
    test_command: str | None = None
    """A shell command, run in the worktree's root."""
    test_timeout_s: float = Field(default=600, gt=0, allow_inf_nan=False)
    """Seconds after which the test command and all its children are killed."""
    test_memory_mb: int | None = Field(default=4096, ge=1)
    """Memory of the test command and its children together; None is no limit (Linux)."""
    test_processes: int | None = Field(default=512, ge=1)
    """Processes of the test command at a time; None is no limit (Linux)."""
    test_cpu_s: float | None = Field(default=None, gt=0, allow_inf_nan=False)
    """Processor time of the test command and its children together; None is no limit."""
    test_file_size_mb: int | None = Field(default=2048, ge=1)
    """Size of a file that the test command writes; None is no limit."""

    allow_protected_files: bool = False
    """Let a model write files that decide what is executed, such as `conftest.py`."""

    @model_validator(mode="after")
    def _check_test_command(self) -> Self:
        if self.run_tests and not (self.test_command and self.test_command.strip()):
            raise ValueError("run_tests needs a test_command (--run-tests a --test-command)")
        return self


class ContextConfig(BaseModel):
    """What of the repository a model is shown."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    auto_discover: bool = True
    """Show more of the repository than the files that the task names."""
    include_dependencies: bool = False
    """Show files in full that are imported over others, as far as they fit, not only signatures."""
    max_import_depth: int = Field(default=2, ge=0, le=20)
    """Imports to follow from the target files; 1 stops at what these import themselves."""
    token_budget: int = Field(default=100_000, ge=1)
    """Tokens that one request may take, `output_reserve` included."""
    output_reserve: int = Field(default=16_000, ge=1)
    """Tokens left for the answer; also the request's `max_tokens`."""
    include_repo_map: bool = True
    """Show the map of the repository: its best-ranked files with signatures, the others by name."""
    repo_map_tokens: int = Field(default=2048, ge=0)
    """Tokens that the map may take; a quarter of the prompt's at most."""
    chars_per_token: float = Field(default=4.0, gt=0, allow_inf_nan=False)
    """Characters per token, for estimates."""

    @model_validator(mode="after")
    def _check_budget(self) -> Self:
        if self.output_reserve >= self.token_budget:
            raise ValueError(
                f"token_budget {self.token_budget} must be larger than "
                f"output_reserve {self.output_reserve}"
            )
        return self


class TaskDefinition(BaseModel):
    """One task on one repository."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    task_id: Identifier
    description: Description
    target_files: tuple[str, ...] = ()
    """Repository-relative paths of the files to create or change, protected ones included."""
    context_files: tuple[str, ...] = ()
    """Repository-relative paths of files to show unchanged."""
    base_branch: str | None = None
    """Where the run starts; None means the checkout's HEAD."""
    validation: ValidationConfig = ValidationConfig()
    context: ContextConfig = ContextConfig()


class ForgeTaskInput(BaseModel):
    """The argument of `ForgeTaskWorkflow`: a task, resolved to a commit."""

    model_config = ConfigDict(frozen=True)

    task: TaskDefinition
    repo_root: str
    """Absolute path of the repository's top directory."""
    base_commit: str
    """Hash of the commit from which the task's branch starts."""
    plan: bool = False
    model: str
    """`provider:name` of the model that writes files."""
    planner_model: str
    """`provider:name` of the model that plans."""
    planner_chars_per_token: float | None = None
    """Characters per token of the planner's model; None for those of the task's context."""
    max_attempts: Attempts = 2
    max_step_attempts: Attempts = 2
    max_sub_task_attempts: Attempts = 2

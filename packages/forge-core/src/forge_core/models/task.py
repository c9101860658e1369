"""What a user asks for: the task, how to check it and what context it gets.

Every bound, default and description of an option, of a key of a task file or of a configuration
file is that of a field here: field docstrings are the help texts that users read.
"""

from collections.abc import Mapping
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from forge_core.models.budget import BudgetConfig
from forge_core.models.call.settings import UNSET, CallSettings
from forge_core.models.check import Check
from forge_core.models.frozen import USER_INPUT
from forge_core.models.ids import Description, Identifier

Attempts = Annotated[int, Field(ge=1, le=100)]
"""How many attempts at a unit of work are made before it fails."""


class ValidationConfig(BaseModel):
    """Which checks the files of an attempt must pass."""

    model_config = USER_INPUT

    auto_fix: bool = True
    """Let ruff, and fix commands of checks, mend what was changed before they report."""
    check_syntax: bool = True
    """Parse changed JSON, TOML, YAML and, with lint off, Python, unless they were broken before."""
    run_ruff_lint: bool | None = None
    """Lint changed Python; unless set, for errors only where the repository configures no ruff."""
    run_ruff_format: bool | None = None
    """Format changed Python; unless set, only where the repository configures ruff."""
    run_tests: bool = False
    """Run the test command: it executes code that the model wrote, with your rights and network."""
    test_command: str | None = None
    """Shell command that tests the worktree, run at its top."""
    test_base: bool = False
    """Run the tests before the first request, too; where they fail, the run ends without one."""
    test_timeout_s: float = Field(default=600, gt=0, allow_inf_nan=False)
    """Seconds after which the test command and everything it started are killed."""
    test_memory_mb: int | None = Field(default=4096, ge=1)
    """Megabytes that the test command and its children may use together (Linux)."""
    test_processes: int | None = Field(default=512, ge=1)
    """Processes that the test command may have at a time (Linux)."""
    test_cpu_s: float | None = Field(default=None, gt=0, allow_inf_nan=False)
    """Seconds of processor time for the test command and its children together (Linux) or each."""
    test_file_size_mb: int | None = Field(default=2048, ge=1)
    """Megabytes that any one file written by the test command may hold."""

    checks: tuple[Check, ...] = ()
    """Commands that judge changed files of any kind, each with a name of its own."""
    skipped_checks: tuple[str, ...] = ()
    """Checks of a repository's own file that are named, but not run."""

    allow_protected_files: bool = False
    """Let the model write every file that decides what is executed (conftest.py, .github)."""

    @property
    def runs_commands(self) -> bool:
        """Whether anything is run that may take long."""
        return self.run_tests or bool(self.checks)

    @property
    def commands(self) -> tuple[str, ...]:
        """The shell commands that decide about an attempt."""
        tests = (self.test_command,) if self.test_command else ()
        return (*tests, *(command for check in self.checks for command in check.commands))

    @property
    def longest_s(self) -> float:
        """Seconds that all commands take at most, tests of what stood before included."""
        return 2 * self.test_timeout_s + sum(check.longest_s for check in self.checks)

    @model_validator(mode="after")
    def _check_names(self) -> Self:
        names = [check.name for check in self.checks]
        if len(set(names)) < len(names):
            raise ValueError(f"two checks are called {max(names, key=names.count)!r}")
        return self

    @model_validator(mode="after")
    def _check_test_command(self) -> Self:
        if self.run_tests and not (self.test_command and self.test_command.strip()):
            raise ValueError("run_tests needs a test_command (--run-tests needs --test-command)")
        return self


RESERVE_TOKENS = 16_000
"""Tokens reserved for an answer where nobody says otherwise."""

SMALL_BUDGET = 2000
"""Tokens of a budget that instructions and a short task fit into, with a quarter for the answer."""


class ContextConfig(BaseModel):
    """What of the repository a model is shown."""

    model_config = USER_INPUT

    auto_discover: bool = True
    """Show more of the repository than the files that the task names."""
    include_dependencies: bool = False
    """Prefer showing imported files in full, as far as they fit, over showing their signatures."""
    max_import_depth: int = Field(default=2, ge=0, le=20)
    """Imports to follow from the target files; 1 stops at what these import themselves."""
    token_budget: int = Field(default=100_000, ge=1)
    """Estimated tokens that one request may take, answer included."""
    output_reserve: int = Field(default=RESERVE_TOKENS, ge=1)
    """Tokens of the budget reserved for the answer, a quarter of a budget that has no more
    than that; no answer may be longer."""
    include_repo_map: bool = True
    """Show a map of the repository: its best-ranked files with signatures, the others by name."""
    repo_map_tokens: int = Field(default=2048, ge=0)
    """Estimated tokens for the repository map, at most a quarter of the prompt; 0 for none."""
    context_rounds: int = Field(default=2, ge=0, le=5)
    """Times that a model may ask for files or searches before it answers; 0 for never."""
    chars_per_token: float = Field(default=4.0, gt=0, allow_inf_nan=False)
    """Characters per token, for estimates."""

    @model_validator(mode="before")
    @classmethod
    def _fit_reserve(cls, values: object) -> object:
        """Reserve a quarter of a small budget where nobody says how much."""
        if not isinstance(values, Mapping) or "output_reserve" in values:
            return values
        budget = values.get("token_budget")
        if type(budget) is not int or not SMALL_BUDGET <= budget <= RESERVE_TOKENS:
            return values
        return {**values, "output_reserve": budget // 4}

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

    model_config = USER_INPUT

    task_id: Identifier
    """Id of the task, also part of its branch's name."""
    description: Description
    """What to do, in plain words."""
    target_files: tuple[str, ...] = ()
    """Files to create or change, relative to the repository; may be protected ones."""
    context_files: tuple[str, ...] = ()
    """Files to show to the model as well, relative to the repository."""
    base_branch: str | None = None
    """Branch, tag or commit to start from; the checkout's HEAD if none is given."""
    validation: ValidationConfig = ValidationConfig()
    context: ContextConfig = ContextConfig()
    budget: BudgetConfig = BudgetConfig()


class ForgeTaskInput(BaseModel):
    """The argument of `ForgeTaskWorkflow`: a task, resolved to a commit."""

    model_config = ConfigDict(frozen=True, use_attribute_docstrings=True)

    task: TaskDefinition
    repo_root: str
    """Absolute path of the repository's top directory."""
    base_commit: str
    """Hash of the commit from which the task's branch starts."""
    plan: bool = False
    """Have the planner split the task into steps, one commit each."""
    model: str
    """Model that writes files, e.g. anthropic:NAME, openai:NAME or scripted:FILE.json."""
    planner_model: str
    """Model that plans; the one that writes files if none is given."""
    settings: CallSettings = UNSET
    """How the model that writes files is asked."""
    planner_settings: CallSettings = UNSET
    """How the planner's model is asked."""
    planner_chars_per_token: float | None = None
    """Characters per token of the planner's model; None for those of the task's context."""
    max_attempts: Attempts = 2
    """Attempts at a task without a plan."""
    max_step_attempts: Attempts = 2
    """Attempts at each planned step."""
    max_sub_task_attempts: Attempts = 2
    """Attempts at each sub-task."""

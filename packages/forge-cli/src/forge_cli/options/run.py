"""The options of ``forge run``, in groups."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Group, Parameter
from cyclopts.validators import Number

from forge_cli.options.types import Choice, Place, PlaceOrNone, Switch, whole
from forge_cli.terminal.console import OutputFormat

Attempts = Annotated[int, whole(1, 100)]
"""How often something is tried."""

Paths = Annotated[tuple[str, ...], Parameter(negative="", show_default=False)]
"""An option that may stand several times."""


@Parameter(name="*", group=Group("Task", sort_key=1))
@dataclass(frozen=True, kw_only=True, slots=True)
class TaskOptions:
    """What is to be done."""

    task_id: str | None = None
    """Id of the task, also part of its branch's name. Default: made of the description."""
    target_file: Paths = ()
    """File to create or change, relative to the repository. May stand several times."""
    context_file: Paths = ()
    """File to show to the model. May stand several times."""
    task_file: PlaceOrNone = None
    """Task as JSON or TOML, by suffix. Options given beside it go before it."""
    repo: Place = Path()
    """Directory in the git repository to work on."""
    base_branch: str | None = None
    """Branch, tag or commit to start from. Default: the checkout's HEAD."""


@Parameter(name="*", group=Group("Models and attempts", sort_key=2))
@dataclass(frozen=True, kw_only=True, slots=True)
class ModelOptions:
    """Who works, and how often a try may fail."""

    model: Annotated[str | None, Parameter(env_var="FORGE_MODEL")] = None
    """Model that writes files, e.g. anthropic:NAME, openai:NAME or scripted:FILE.json."""
    planner_model: Annotated[str | None, Parameter(env_var="FORGE_PLANNER_MODEL")] = None
    """Model that plans. Default: the same."""
    plan: Annotated[bool, Parameter(show_default=False)] = False
    """Let the planner cut the task into steps, one commit each."""
    max_attempts: Attempts = 2
    """Attempts at a task without a plan."""
    max_step_attempts: Attempts = 2
    """Attempts at each planned step."""
    max_sub_task_attempts: Attempts = 2
    """Attempts at each sub-task."""


@Parameter(name="*", group=Group("Checks", sort_key=3))
@dataclass(frozen=True, kw_only=True, slots=True)
class CheckOptions:
    """What the written files must pass."""

    lint: Choice = None
    """Lint what was written with ruff, as by default, or do not."""
    format: Choice = None
    """Format it with ruff, as by default, or do not."""
    run_tests: Choice = None
    """Run --test-command: it executes code that the model wrote, with your rights and network."""
    test_command: str | None = None
    """Shell command that tests the worktree; needs --run-tests."""
    test_timeout: Annotated[float | None, Parameter(validator=Number(gt=0))] = None
    """Seconds after which the test command is killed. Default: 600."""
    test_memory_mb: Annotated[int | None, whole(1)] = None
    """Megabytes that the test command and its children may use. Default: 4096."""
    allow_protected_files: Choice = None
    """Let the model write every file that decides what is executed (conftest.py, .github)."""


@Parameter(name="*", group=Group("Context", sort_key=4))
@dataclass(frozen=True, kw_only=True, slots=True)
class ContextOptions:
    """What the model is shown."""

    auto_discover: Choice = None
    """Show more than the files named, as by default, or only those."""
    token_budget: Annotated[int | None, whole(1)] = None
    """Estimated tokens that one request may take, answer included. Default: 100000."""
    include_deps: Choice = None
    """Show files in full that are imported over others, as far as they fit, not only signatures."""
    max_import_depth: Annotated[int | None, whole(0, 20)] = None
    """Imports to follow from the target files; 1 shows only what they import. Default: 2."""
    repo_map_tokens: Annotated[int | None, whole(0)] = None
    """Estimated tokens that the map of the repository may take; 0 for none. Default: 2048."""


@Parameter(name="*", group=Group("Place and output", sort_key=5))
@dataclass(frozen=True, kw_only=True, slots=True)
class OutputOptions:
    """Where it runs and what is printed."""

    temporal_address: Annotated[str | None, Parameter(env_var="FORGE_TEMPORAL_ADDRESS")] = None
    """Temporal server as HOST:PORT. Default: the configured one, else an embedded one."""
    verbose: Switch = False
    """Print every model call in full when the run has ended."""
    json: Switch = False
    """Print one JSON document on stdout, all else on stderr."""
    no_wait: Switch = False
    """Return as soon as the run has started; a process of its own, or a worker, goes on with it."""

    @property
    def format(self) -> OutputFormat:
        """What is printed on stdout."""
        return OutputFormat.choose(json=self.json)


@dataclass(frozen=True, kw_only=True, slots=True)
class RunOptions:
    """All that ``forge run`` was given."""

    description: str | None = None
    task: TaskOptions
    models: ModelOptions
    checks: CheckOptions
    context: ContextOptions
    output: OutputOptions
    defaults: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """What configuration files say of `validation` and `context`, in the keys of a task file."""

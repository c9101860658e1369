"""The options of ``forge run``, in groups.

What stands for a field of forge_core's models has its help, bounds and default from there.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Group, Parameter

from forge_cli.config.model_fields import get_field
from forge_cli.options.completers import complete_model
from forge_cli.options.described import described, described_paths
from forge_cli.options.run.call_settings import CallOptions
from forge_cli.options.types import (
    FULL,
    FilePath,
    OptionalChoice,
    OptionalPath,
    Switch,
    parse_seconds,
)
from forge_cli.terminal.console import OutputFormat

TemporalAddress = Annotated[str | None, Parameter(env_var="FORGE_TEMPORAL_ADDRESS")]


@Parameter(name="*", group=Group("Task", sort_key=1))
@dataclass(frozen=True, kw_only=True, slots=True)
class TaskOptions:
    """What is to be done."""

    task_id: Annotated[
        str | None, described("task.task_id", default="made from the description")
    ] = None
    target_file: Annotated[tuple[str, ...], described_paths("task.target_files")] = ()
    context_file: Annotated[tuple[str, ...], described_paths("task.context_files")] = ()
    task_file: OptionalPath = None
    """File that describes the task, JSON or TOML by its suffix. Options override what it says."""
    repo: FilePath = Path()
    """Directory in the git repository to work on."""
    base_branch: Annotated[str | None, described("task.base_branch")] = None


@Parameter(name="*", group=Group("Models and attempts", sort_key=2))
@dataclass(frozen=True, kw_only=True, slots=True)
class ModelOptions:
    """Who does the work, and how many attempts it may take."""

    model: Annotated[
        str | None,
        described("run.model"),
        Parameter(env_var="FORGE_MODEL", completer=complete_model),
    ] = None
    planner_model: Annotated[
        str | None,
        described("run.planner_model"),
        Parameter(env_var="FORGE_PLANNER_MODEL", completer=complete_model),
    ] = None
    plan: Annotated[bool, described("run.plan")] = get_field("run.plan").default
    max_attempts: Annotated[int, described("run.max_attempts")] = get_field(
        "run.max_attempts"
    ).default
    max_step_attempts: Annotated[int, described("run.max_step_attempts")] = get_field(
        "run.max_step_attempts"
    ).default
    max_sub_task_attempts: Annotated[int, described("run.max_sub_task_attempts")] = get_field(
        "run.max_sub_task_attempts"
    ).default


@Parameter(name="*", group=Group("Checks", sort_key=3))
@dataclass(frozen=True, kw_only=True, slots=True)
class CheckOptions:
    """What the written files must pass; None leaves it to files and defaults."""

    syntax: Annotated[OptionalChoice, described("validation.check_syntax")] = None
    lint: Annotated[OptionalChoice, described("validation.run_ruff_lint")] = None
    format: Annotated[OptionalChoice, described("validation.run_ruff_format")] = None
    run_tests: Annotated[OptionalChoice, described("validation.run_tests")] = None
    test_command: Annotated[
        str | None, described("validation.test_command", more="Needs --run-tests.")
    ] = None
    test_base: Annotated[OptionalChoice, described("validation.test_base")] = None
    test_timeout: Annotated[float | None, described("validation.test_timeout_s")] = None
    test_memory_mb: Annotated[int | None, described("validation.test_memory_mb")] = None
    check: Annotated[tuple[str, ...], Parameter(negative="", show_default=False)] = ()
    """Run a check on changed files, as NAME=COMMAND, or NAME:PATTERN=COMMAND for those that match
    a pattern such as *.js; {files} in the command stands for their paths. May be given several
    times."""
    run_checks: OptionalChoice = None
    """Run the checks that the repository's forge.toml names: they execute what its authors wrote.
    [default: only if your own configuration trusts the repository]"""
    allow_protected_files: Annotated[
        OptionalChoice, described("validation.allow_protected_files")
    ] = None


@Parameter(name="*", group=Group("Context", sort_key=4))
@dataclass(frozen=True, kw_only=True, slots=True)
class ContextOptions:
    """What the model is shown; None leaves it to files and defaults."""

    auto_discover: Annotated[OptionalChoice, described("context.auto_discover")] = None
    token_budget: Annotated[int | None, described("context.token_budget")] = None
    include_deps: Annotated[OptionalChoice, described("context.include_dependencies")] = None
    max_import_depth: Annotated[int | None, described("context.max_import_depth")] = None
    repo_map_tokens: Annotated[int | None, described("context.repo_map_tokens")] = None
    context_rounds: Annotated[int | None, described("context.context_rounds")] = None


@Parameter(name="*", group=Group("Budget", sort_key=5))
@dataclass(frozen=True, kw_only=True, slots=True)
class LimitOptions:
    """What a run may spend in all; None leaves it to files, or to what the run had before."""

    max_cost: Annotated[float | None, described("budget.max_cost_usd")] = None
    max_total_tokens: Annotated[int | None, described("budget.max_total_tokens")] = None
    max_duration: Annotated[
        float | None,
        described("budget.max_duration_s", more="Or with a unit: 90s, 30m, 2h."),
        Parameter(converter=parse_seconds),
    ] = None


@Parameter(name="*", group=Group("Budget", sort_key=5))
@dataclass(frozen=True, kw_only=True, slots=True)
class BudgetOptions(LimitOptions):
    """What a run may spend in all, and what is taken for the price of a model without one."""

    assume_price: Annotated[str | None, described("budget.assumed_price")] = None
    allow_unknown_prices: Annotated[OptionalChoice, described("budget.allow_unknown_prices")] = None


@Parameter(name="*", group=Group("Server and output", sort_key=6))
@dataclass(frozen=True, kw_only=True, slots=True)
class OutputOptions:
    """Where the run is executed and what is printed."""

    temporal_address: TemporalAddress = None
    """Temporal server as HOST:PORT. [default: the configured one, else an embedded one]"""
    full: Annotated[bool, FULL] = False
    """Print every model call in full when the run has ended."""
    json: Switch = False
    """Print one JSON document on stdout, everything else on stderr."""
    no_wait: Switch = False
    """Return once the run has started. A background process, or a worker, carries it on."""

    @property
    def format(self) -> OutputFormat:
        """What is printed on stdout."""
        return OutputFormat.choose(json=self.json)


FIELD_NAMES: Mapping[str, str] = {
    "target_file": "target_files",
    "context_file": "context_files",
    "syntax": "check_syntax",
    "lint": "run_ruff_lint",
    "format": "run_ruff_format",
    "test_timeout": "test_timeout_s",
    "include_deps": "include_dependencies",
    "max_cost": "max_cost_usd",
    "max_duration": "max_duration_s",
    "assume_price": "assumed_price",
}
"""Names of the models' fields by the options that are called otherwise."""


NO_FIELDS = frozenset({"check", "run_checks"})
"""Options that say something about fields, and stand for none."""


def list_field_values(
    options: TaskOptions | CheckOptions | ContextOptions | LimitOptions,
) -> dict[str, Any]:
    """Return the values of options that were given, by the names of the models' fields."""
    names = [option.name for option in fields(options) if option.name not in NO_FIELDS]
    values = {name: getattr(options, name) for name in names}
    return {
        FIELD_NAMES.get(name, name): value
        for name, value in values.items()
        if value is not None and value != ()
    }


@dataclass(frozen=True, kw_only=True, slots=True)
class RunOptions:
    """All that ``forge run`` was given."""

    description: str | None = None
    task: TaskOptions
    models: ModelOptions
    checks: CheckOptions
    context: ContextOptions
    budget: BudgetOptions
    output: OutputOptions
    calls: CallOptions = field(default_factory=CallOptions)
    defaults: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """What configuration files say of the tables of a task file, in its keys."""

"""Building a task from a task file, options and what is on record of the model's tokens."""

from collections.abc import Mapping
from pathlib import Path
from statistics import median
from typing import Any

from forge_core.context.assemble import get_room
from forge_core.errors import UsageError
from forge_core.models.budget import BudgetConfig, Limits
from forge_core.models.error_text import describe_fault
from forge_core.models.task import ContextConfig, TaskDefinition
from forge_obs import StoreError
from pydantic import ValidationError

from forge_cli.config.checks import merge_checks, parse_check_option, parse_checks
from forge_cli.options.run.run import (
    LimitOptions,
    RunOptions,
    TaskOptions,
    list_field_values,
)
from forge_cli.runs.slug import build_task_id
from forge_cli.runs.task_file import load_task_file
from forge_cli.store.queries import Store


def build_task(options: RunOptions, *, suffix: str) -> TaskDefinition:
    """Build a task from options on top of a task file, if there is one, and of defaults.

    Args:
        options: What was asked for.
        suffix: Four hex digits that make a task id unique where none is given.

    Raises:
        UsageError: The result is no valid task.
    """
    task, checks = options.task, options.checks
    values = load_task_file(task.task_file) if task.task_file is not None else {}
    values = _merge(values, _list_task_values(options.description, task))
    changes = {
        "validation": list_field_values(checks),
        "context": list_field_values(options.context),
        "budget": list_field_values(options.budget),
    }
    for table, options_of_table in changes.items():
        values[table] = _merge(
            _lay_on(options.defaults.get(table, {}), values.get(table)), options_of_table
        )
    _merge_checks(values, options)
    values.setdefault("task_id", _build_task_id(options, values, suffix))
    try:
        definition = TaskDefinition.model_validate(_freeze_lists(values), strict=True)
    except ValidationError as error:
        raise UsageError(_describe(error, task.task_file)) from error
    if checks.test_command and not definition.validation.run_tests:
        raise UsageError("--test-command needs --run-tests")
    if checks.test_base and not definition.validation.run_tests:
        raise UsageError("--test-base needs --run-tests")
    _check_map(definition.context)
    return definition


def _merge_checks(values: dict[str, Any], options: RunOptions) -> None:
    """Put the checks of all sources together: an option's count before a file's."""
    table, path = values["validation"], str(options.task.task_file)
    if not isinstance(table, dict):
        return
    configured = options.defaults.get("validation", {}).get("checks", ())
    own = table.get("checks", ())
    named = merge_checks(
        () if own is configured else parse_checks(path, own),
        parse_checks(path, values.pop("checks", ())),
        map(parse_check_option, options.checks.check),
    )
    checks = merge_checks(configured, named)
    taken = {check.name for check in checks}
    skipped = tuple(name for name in table.get("skipped_checks", ()) if name not in taken)
    values["validation"] = {**table, "checks": checks, "skipped_checks": skipped}


def build_limits(options: LimitOptions) -> Limits:
    """Build the limits that options name.

    Raises:
        UsageError: One of them is none.
    """
    try:
        return BudgetConfig.model_validate(list_field_values(options)).limits
    except ValidationError as error:
        raise UsageError(_describe(error).replace("the task is", "the limits are", 1)) from error


def _build_task_id(options: RunOptions, values: Mapping[str, Any], suffix: str) -> str:
    files = values.get("target_files")
    names = (
        [name for name in files if isinstance(name, str)] if isinstance(files, list | tuple) else []
    )
    return build_task_id(_find_description(options, values), suffix, names)


def _find_description(options: RunOptions, values: Mapping[str, Any]) -> str:
    text, file = values.get("description"), options.task.task_file
    if isinstance(text, str) and text.strip():
        return text
    if file is None or options.description is not None:
        raise UsageError("describe the task: forge run DESCRIPTION, or give a --task-file")
    if text is None:
        raise UsageError(f"task file {file} has no description: add one, or give it as an argument")
    raise UsageError(f"task file {file}: description must be a text that is not empty")


def _freeze_lists(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return lists in the form that a strict check wants."""
    return {key: tuple(v) if isinstance(v, list) else v for key, v in values.items()}


def _check_map(context: ContextConfig) -> None:
    """Refuse a map that was asked for and cannot fit; the default is cut to what fits."""
    room = get_room(context)
    if "repo_map_tokens" in context.model_fields_set and context.repo_map_tokens > room:
        raise UsageError(
            f"repo_map_tokens {context.repo_map_tokens} must not exceed the {room} tokens that "
            "token_budget less output_reserve leaves for the prompt"
        )


def _merge(values: Any, changes: dict[str, Any]) -> Any:  # noqa: ANN401
    if not isinstance(values, dict):
        return values
    return {**values, **{key: value for key, value in changes.items() if value is not None}}


def _lay_on(defaults: Mapping[str, Any], table: Any) -> Any:  # noqa: ANN401
    """Let a table of the task file override defaults; anything else is left to be refused."""
    if table is None:
        return dict(defaults)
    return {**defaults, **table} if isinstance(table, dict) else table


def _list_task_values(description: str | None, task: TaskOptions) -> dict[str, Any]:
    values = {"description": description, **list_field_values(task)}
    return {name: value for name, value in values.items() if name in TaskDefinition.model_fields}


def _describe(error: ValidationError, file: Path | None = None) -> str:
    problems = (
        f"{'.'.join(map(str, problem['loc'])) or 'task'}: " + describe_fault(problem)
        for problem in error.errors(include_url=False)
    )
    task = "the task" if file is None else f"the task of {file}"
    return f"{task} is not valid: " + "; ".join(problems)


MIN_CALLS = 5
"""Calls below which nothing is concluded."""

PLAUSIBLE = (1.0, 10.0)
"""Characters per token; what is measured beyond is taken for the nearer of them."""


def calibrate(task: TaskDefinition, model: str, store: Store) -> TaskDefinition:
    """Return a task with the factor measured for the model that writes, unless it names its own."""
    factor = measure_chars_per_token(model, store) if not names_factor(task) else None
    if factor is None:
        return task
    context = task.context.model_copy(update={"chars_per_token": factor})
    return task.model_copy(update={"context": context})


def names_factor(task: TaskDefinition) -> bool:
    """Return whether the user said how many characters a token has."""
    return "chars_per_token" in task.context.model_fields_set


def measure_chars_per_token(model: str, store: Store) -> float | None:
    """Measure the median over the newest calls of a model; None where there are too few.

    Args:
        model: As requested, `provider:name`.
        store: Where its calls are.
    """
    try:
        reader = store.reader
        sizes = reader.get_prompt_sizes(model) if reader is not None else []
    except StoreError:
        return None
    if len(sizes) < MIN_CALLS:
        return None
    low, high = PLAUSIBLE
    return round(min(max(median(c / t for c, t in sizes), low), high), 2)

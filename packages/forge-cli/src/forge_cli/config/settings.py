"""What configuration files may say, which files may say it, and what overrides it; pure.

See D63.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any, Literal, cast

from forge_core.errors import UsageError

if TYPE_CHECKING:
    from forge_core.models.check import Check

    from forge_cli.config.call_settings import CallTable
    from forge_cli.config.model_fields import ModelField

LARGEST = 2**63 - 1
"""The largest whole number that TOML promises to hold."""

REPOSITORY_FILE = "forge.toml"
"""Name of the file at the top of a repository."""


class ValueType(Enum):
    """What a value must be; the value names it in messages."""

    TEXT = "a text"
    PATH = "an absolute path, or one that begins with ~/"
    PATHS = "a list of paths that are absolute or begin with ~/"
    FLAG = "true or false"
    COUNT = "a whole number, at least 1"
    AMOUNT = "a number, at least 0"
    AGE = "an age such as 12h or 7d"
    MODELLED = "a number within the bounds that its model in forge_core gives it"


@dataclass(frozen=True, slots=True)
class Setting:
    """One key of a configuration file."""

    key: str
    """`table.name`."""
    type: ValueType
    variables: tuple[str, ...] = ()
    """Environment variables that override it; it stands in for the first."""
    deciders: tuple[str, ...] = ()
    """Environment variables that, unless empty, say where else the value stands, which overrides a
    file, too."""
    in_repository: bool = False
    """Whether a repository's own file may set it."""
    empty_says: bool = False
    """Whether an empty variable says something; else it counts as not set."""


SETTINGS = (
    Setting("run.model", ValueType.TEXT, ("FORGE_MODEL",)),
    Setting("run.planner_model", ValueType.TEXT, ("FORGE_PLANNER_MODEL",)),
    Setting("run.plan", ValueType.FLAG),
    Setting("run.max_attempts", ValueType.MODELLED),
    Setting("run.max_step_attempts", ValueType.MODELLED),
    Setting("run.max_sub_task_attempts", ValueType.MODELLED),
    Setting("validation.auto_fix", ValueType.FLAG, in_repository=True),
    Setting("validation.check_syntax", ValueType.FLAG, in_repository=True),
    Setting("validation.run_ruff_lint", ValueType.FLAG, in_repository=True),
    Setting("validation.run_ruff_format", ValueType.FLAG, in_repository=True),
    Setting("validation.run_tests", ValueType.FLAG),
    Setting("validation.test_command", ValueType.TEXT, in_repository=True),
    Setting("validation.test_base", ValueType.FLAG),
    Setting("validation.test_timeout_s", ValueType.MODELLED, in_repository=True),
    Setting("validation.test_memory_mb", ValueType.MODELLED),
    Setting("validation.test_processes", ValueType.MODELLED),
    Setting("validation.test_cpu_s", ValueType.MODELLED),
    Setting("validation.test_file_size_mb", ValueType.MODELLED),
    Setting("validation.allow_protected_files", ValueType.FLAG),
    Setting("context.auto_discover", ValueType.FLAG, in_repository=True),
    Setting("context.include_dependencies", ValueType.FLAG),
    Setting("context.max_import_depth", ValueType.MODELLED),
    Setting("context.include_repo_map", ValueType.FLAG, in_repository=True),
    Setting("context.repo_map_tokens", ValueType.MODELLED, in_repository=True),
    Setting("context.context_rounds", ValueType.MODELLED),
    Setting("context.token_budget", ValueType.MODELLED),
    Setting("context.output_reserve", ValueType.MODELLED),
    Setting("context.chars_per_token", ValueType.MODELLED),
    Setting("trust.repositories", ValueType.PATHS),
    Setting("budget.max_cost_usd", ValueType.MODELLED),
    Setting("budget.max_total_tokens", ValueType.MODELLED),
    Setting("budget.max_duration_s", ValueType.MODELLED),
    Setting("budget.assumed_price", ValueType.TEXT),
    Setting("budget.allow_unknown_prices", ValueType.FLAG),
    Setting("status.limit", ValueType.COUNT),
    Setting("store.path", ValueType.PATH, ("FORGE_DB_PATH",), empty_says=True),
    Setting("store.archive_after", ValueType.AGE, ("FORGE_ARCHIVE_AFTER",)),
    Setting(
        "temporal.address",
        ValueType.TEXT,
        ("FORGE_TEMPORAL_ADDRESS", "TEMPORAL_ADDRESS"),
        deciders=("TEMPORAL_PROFILE", "TEMPORAL_CONFIG_FILE"),
    ),
    Setting("temporal.binary", ValueType.PATH, ("FORGE_TEMPORAL_BIN",)),
    Setting("temporal.ui", ValueType.FLAG, ("FORGE_TEMPORAL_UI",)),
    Setting("temporal.idle_s", ValueType.AMOUNT, ("FORGE_SERVER_IDLE_S",)),
    Setting("temporal.payload_store", ValueType.TEXT, ("FORGE_PAYLOAD_STORE",)),
    Setting("tracing.exporter", ValueType.TEXT, ("FORGE_OTEL_EXPORTER",)),
    Setting("output.no_color", ValueType.FLAG, ("NO_COLOR",)),
    Setting("output.pager", ValueType.TEXT, ("FORGE_PAGER", "PAGER"), empty_says=True),
)
"""Every key. A repository decides nothing that costs money, says who sees its prompts or where
they are kept, or has something executed that the user did not ask for: a stranger may have
written its file."""

_AGE = re.compile(r"[0-9]{1,9}\s*(s|m|min|h|d|w)")

KNOWN: Mapping[str, Setting] = {setting.key: setting for setting in SETTINGS}

CHECKS = "checks"
"""Key of the tables that define checks."""

CALLS: Sequence[Literal["models", "roles"]] = ("models", "roles")
"""Keys of the tables that say how models are asked."""

NOT_OF_REPOSITORY = (
    "{path}: {key} cannot be set by a repository, which may be a stranger's: "
    "set it in ~/.config/forge/config.toml"
)
"""What is said of a key that is not a repository's business."""

TASK_TABLES = ("validation", "context", "budget")
"""Tables with the keys of a task file; they are defaults of it."""


@dataclass(frozen=True, slots=True)
class ConfigFile:
    """A configuration file as it was read."""

    path: str
    values: Mapping[str, Any]
    """Values by `table.name`, each of its setting's type."""
    checks: "tuple[Check, ...]" = ()
    calls: "tuple[CallTable, ...]" = ()
    """How models are asked."""


def parse_config(path: str, document: Mapping[str, Any], *, repository: bool) -> ConfigFile:
    """Check what a file says.

    Args:
        path: The file, for messages.
        document: Its tables.
        repository: Whether it is a repository's own file.

    Raises:
        UsageError: A key is unknown, a value is of the wrong type, or the file may not set it.
    """
    apart = {CHECKS, *CALLS}
    values = dict(_flatten(path, {k: v for k, v in document.items() if k not in apart}))
    for key, value in values.items():
        setting = KNOWN.get(key)
        if setting is None:
            raise UsageError(f"{path}: unknown key {key}{_suggest(key)}")
        if repository and not setting.in_repository:
            raise UsageError(NOT_OF_REPOSITORY.format(path=path, key=key))
        if not accepts(setting, value):
            raise UsageError(f"{path}: {key} must be {describe_type(setting)}, not {value!r}")
    calls = _parse_calls(path, document, repository=repository)
    if CHECKS not in document:
        return ConfigFile(path, values, calls=calls)
    from forge_cli.config.checks import parse_checks  # noqa: PLC0415 - imports pydantic

    return ConfigFile(path, values, parse_checks(path, document[CHECKS]), calls)


def _parse_calls(
    path: str, document: Mapping[str, Any], *, repository: bool
) -> "tuple[CallTable, ...]":
    present = [kind for kind in CALLS if kind in document]
    if not present:
        return ()
    if repository:
        raise UsageError(NOT_OF_REPOSITORY.format(path=path, key=present[0]))
    from forge_cli.config.call_settings import parse_call_tables  # noqa: PLC0415 - imports pydantic

    return tuple(
        table for kind in present for table in parse_call_tables(path, kind, document[kind])
    )


def accepts(setting: Setting, value: object) -> bool:
    """Return whether a value is of a setting's type."""
    match setting.type:
        case ValueType.FLAG:
            return isinstance(value, bool)
        case ValueType.MODELLED:
            fits_toml = not isinstance(value, int) or value <= LARGEST
            return fits_toml and _get_field(setting).accepts(value)
        case ValueType.COUNT:
            return type(value) is int and 1 <= value <= LARGEST
        case ValueType.AMOUNT:
            return type(value) in {int, float} and 0 <= cast("float", value) < float("inf")
        case ValueType.AGE:
            return isinstance(value, str) and _AGE.fullmatch(value) is not None
        case ValueType.PATHS:
            return isinstance(value, list) and all(map(_is_path, value))
        case ValueType.PATH:
            return value == "" or _is_path(value)
    return isinstance(value, str) and "\0" not in value


def _is_path(value: object) -> bool:
    is_text = isinstance(value, str) and "\0" not in value
    return is_text and cast("str", value).startswith(("/", "~/"))


def describe_type(setting: Setting) -> str:
    """Say what a setting's value must be."""
    if setting.type is ValueType.MODELLED:
        return _get_field(setting).describe_number()
    return str(setting.type.value)


def _get_field(setting: Setting) -> "ModelField":
    from forge_cli.config.model_fields import get_field  # noqa: PLC0415 - imports pydantic

    return get_field(setting.key)


def build_environment(values: Mapping[str, Any], environ: Mapping[str, str]) -> dict[str, str]:
    """Build the variables that stand for what a file says and the environment does not."""
    return {
        setting.variables[0]: text
        for setting in SETTINGS
        if setting.key in values
        and setting.variables
        and find_variable(setting, environ) is None
        and find_decider(setting, environ) is None
        and (text := write_variable(values[setting.key])) is not None
    }


def find_variable(setting: Setting, environ: Mapping[str, str]) -> str | None:
    """Return the variable that sets a setting; None if none does."""
    return next(
        (
            name
            for name in setting.variables
            if environ.get(name) or (setting.empty_says and name in environ)
        ),
        None,
    )


def find_decider(setting: Setting, environ: Mapping[str, str]) -> str | None:
    """Return the variable that says where else a setting's value stands; None if none does."""
    return next((name for name in setting.deciders if environ.get(name)), None)


def write_variable(value: Any) -> str | None:  # noqa: ANN401 - any kind of setting
    """Write a value as an environment variable; None for a variable that must not be set."""
    if isinstance(value, bool):
        return "1" if value else None
    return str(value)


def build_options(values: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Pick the values that are options of a command, by command."""
    options: dict[str, dict[str, Any]] = {"run": {}, "status": {}}
    for key, value in values.items():
        table, _, name = key.partition(".")
        if table in options and not KNOWN[key].variables:
            options[table][name] = value
    return options


def build_task_defaults(files: Iterable[ConfigFile]) -> dict[str, dict[str, Any]]:
    """Build what a task has where neither options nor a task file say otherwise.

    Args:
        files: The one that counts most first.
    """
    defaults: dict[str, dict[str, Any]] = {table: {} for table in TASK_TABLES}
    for file in files:
        for key, value in file.values.items():
            table, _, name = key.partition(".")
            if table in defaults:
                defaults[table].setdefault(name, value)
    return defaults


def _flatten(path: str, document: Mapping[str, Any]) -> Iterable[tuple[str, Any]]:
    for table, content in document.items():
        if not isinstance(content, Mapping):
            raise UsageError(f"{path}: unknown key {table}: keys belong in tables such as [run]")
        for name, value in content.items():
            yield f"{table}.{name}", value


def _suggest(key: str) -> str:
    import difflib  # noqa: PLC0415 - for a mistake only

    near = difflib.get_close_matches(key, KNOWN, n=1)
    return f": did you mean {near[0]}?" if near else ""

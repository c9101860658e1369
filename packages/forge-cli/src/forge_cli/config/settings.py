"""What configuration files may say, which files may say it, and what goes before it; pure.

See D63.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any

from forge_core.errors import UsageError

REPOSITORY_FILE = "forge.toml"
"""Name of the file at the top of a repository."""


class Kind(Enum):
    """What a value must be; the value names it in messages."""

    TEXT = "a text"
    PATH = "an absolute path, or one that begins with ~/"
    FLAG = "true or false"
    COUNT = "a whole number from 1 on"
    ATTEMPTS = "a whole number from 1 to 100"
    WHOLE = "a whole number that is not negative"
    DEPTH = "a whole number from 0 to 20"
    AMOUNT = "a number that is not negative"
    POSITIVE = "a number above 0"


LARGEST = 2**63 - 1
"""What TOML promises to hold."""

RANGES: Mapping[Kind, range] = {
    Kind.COUNT: range(1, LARGEST + 1),
    Kind.ATTEMPTS: range(1, 101),
    Kind.WHOLE: range(LARGEST + 1),
    Kind.DEPTH: range(21),
}
"""The whole numbers of a kind."""


@dataclass(frozen=True, slots=True)
class Setting:
    """One key of a configuration file."""

    key: str
    """`table.name`."""
    kind: Kind
    variables: tuple[str, ...] = ()
    """Environment variables that go before it; the first is the one that it stands in for."""
    deciders: tuple[str, ...] = ()
    """Environment variables that, unless empty, say where else the value stands: that goes before
    a file, too."""
    in_repository: bool = False
    """Whether a repository's own file may set it."""
    empty_says: bool = False
    """Whether an empty variable says something; else it is as good as none."""


SETTINGS = (
    Setting("run.model", Kind.TEXT, ("FORGE_MODEL",)),
    Setting("run.planner_model", Kind.TEXT, ("FORGE_PLANNER_MODEL",)),
    Setting("run.plan", Kind.FLAG),
    Setting("run.max_attempts", Kind.ATTEMPTS),
    Setting("run.max_step_attempts", Kind.ATTEMPTS),
    Setting("run.max_sub_task_attempts", Kind.ATTEMPTS),
    Setting("validation.auto_fix", Kind.FLAG, in_repository=True),
    Setting("validation.run_ruff_lint", Kind.FLAG, in_repository=True),
    Setting("validation.run_ruff_format", Kind.FLAG, in_repository=True),
    Setting("validation.run_tests", Kind.FLAG),
    Setting("validation.test_command", Kind.TEXT, in_repository=True),
    Setting("validation.test_timeout_s", Kind.POSITIVE, in_repository=True),
    Setting("validation.test_memory_mb", Kind.COUNT),
    Setting("validation.test_processes", Kind.COUNT),
    Setting("validation.test_cpu_s", Kind.POSITIVE),
    Setting("validation.test_file_size_mb", Kind.COUNT),
    Setting("validation.allow_protected_files", Kind.FLAG),
    Setting("context.auto_discover", Kind.FLAG, in_repository=True),
    Setting("context.include_dependencies", Kind.FLAG),
    Setting("context.max_import_depth", Kind.DEPTH),
    Setting("context.include_repo_map", Kind.FLAG, in_repository=True),
    Setting("context.repo_map_tokens", Kind.WHOLE, in_repository=True),
    Setting("context.token_budget", Kind.COUNT),
    Setting("context.output_reserve", Kind.COUNT),
    Setting("context.chars_per_token", Kind.POSITIVE),
    Setting("status.limit", Kind.COUNT),
    Setting("store.path", Kind.PATH, ("FORGE_DB_PATH",), empty_says=True),
    Setting(
        "temporal.address",
        Kind.TEXT,
        ("FORGE_TEMPORAL_ADDRESS", "TEMPORAL_ADDRESS"),
        deciders=("TEMPORAL_PROFILE", "TEMPORAL_CONFIG_FILE"),
    ),
    Setting("temporal.binary", Kind.PATH, ("FORGE_TEMPORAL_BIN",)),
    Setting("temporal.ui", Kind.FLAG, ("FORGE_TEMPORAL_UI",)),
    Setting("temporal.idle_s", Kind.AMOUNT, ("FORGE_SERVER_IDLE_S",)),
    Setting("temporal.payload_store", Kind.TEXT, ("FORGE_PAYLOAD_STORE",)),
    Setting("tracing.exporter", Kind.TEXT, ("FORGE_OTEL_EXPORTER",)),
    Setting("output.no_color", Kind.FLAG, ("NO_COLOR",)),
    Setting("output.pager", Kind.TEXT, ("FORGE_PAGER", "PAGER"), empty_says=True),
)
"""Every key. A repository decides nothing that costs money, says who sees its prompts or where
they are kept, or has something executed that the user did not ask for: a stranger may have
written its file."""

KNOWN: Mapping[str, Setting] = {setting.key: setting for setting in SETTINGS}

TASK_TABLES = ("validation", "context")
"""Tables with the keys of a task file; they are defaults of it."""


@dataclass(frozen=True, slots=True)
class ConfigFile:
    """A configuration file as it was read."""

    path: str
    values: Mapping[str, Any]
    """Values by `table.name`, each of its setting's kind."""


def parse_config(path: str, document: Mapping[str, Any], *, repository: bool) -> ConfigFile:
    """Check what a file says.

    Args:
        path: The file, for messages.
        document: Its tables.
        repository: Whether it is a repository's own file.

    Raises:
        UsageError: A key is unknown, a value is of the wrong kind, or the file may not set it.
    """
    values = dict(_flatten(path, document))
    for key, value in values.items():
        setting = KNOWN.get(key)
        if setting is None:
            raise UsageError(f"{path}: unknown key {key}{_suggest(key)}")
        if repository and not setting.in_repository:
            raise UsageError(
                f"{path}: {key} cannot be set by a repository, which may be a stranger's: "
                "set it in ~/.config/forge/config.toml"
            )
        if not fits(setting.kind, value):
            raise UsageError(f"{path}: {key} must be {setting.kind.value}, not {value!r}")
    return ConfigFile(path, values)


def fits(kind: Kind, value: object) -> bool:
    """Tell whether a value is of a kind."""
    if kind is Kind.FLAG:
        return isinstance(value, bool)
    if isinstance(value, bool):
        return False
    if kind in RANGES:
        return isinstance(value, int) and value in RANGES[kind]
    if kind in {Kind.AMOUNT, Kind.POSITIVE}:
        return _is_amount(value) and (value != 0 or kind is Kind.AMOUNT)
    if not isinstance(value, str) or "\0" in value:
        return False
    return kind is Kind.TEXT or not value or value.startswith(("/", "~/"))


def _is_amount(value: object) -> bool:
    return isinstance(value, int | float) and 0 <= value < float("inf")


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
    """Name the variable that sets a setting; None if none does."""
    return next(
        (
            name
            for name in setting.variables
            if environ.get(name) or (setting.empty_says and name in environ)
        ),
        None,
    )


def find_decider(setting: Setting, environ: Mapping[str, str]) -> str | None:
    """Name the variable that says where else a setting's value stands; None if none does."""
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
            raise UsageError(f"{path}: unknown key {table}: keys stand in tables such as [run]")
        for name, value in content.items():
            yield f"{table}.{name}", value


def _suggest(key: str) -> str:
    import difflib  # noqa: PLC0415 - for a mistake only

    near = difflib.get_close_matches(key, KNOWN, n=1)
    return f": did you mean {near[0]}?" if near else ""

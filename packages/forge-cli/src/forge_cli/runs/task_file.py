"""Reading a task file, and naming every key of it that means nothing."""

import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import orjson
from forge_core.errors import UsageError
from forge_core.models.budget import BudgetConfig
from forge_core.models.check import Check
from forge_core.models.task import ContextConfig, TaskDefinition, ValidationConfig

TABLES: Mapping[str, frozenset[str]] = {
    "validation": frozenset(ValidationConfig.model_fields),
    "context": frozenset(ContextConfig.model_fields),
    "budget": frozenset(BudgetConfig.model_fields),
}
"""Keys of each table of a task file."""

KEYS = frozenset({*TaskDefinition.model_fields, "checks"})
"""Keys outside of the tables."""

KNOWN: Mapping[str, str] = {
    **{f"{table}.{key}": f"{table}.{key}" for table, keys in TABLES.items() for key in keys},
    **{key: f"{table}.{key}" for table, keys in TABLES.items() for key in keys},
    **{key: key for key in KEYS},
}
"""What every key is meant by: its name, with and without its table."""


def load_task_file(path: Path) -> dict[str, Any]:
    """Read a task file as plain values.

    Raises:
        UsageError: It cannot be read, holds no object, or has keys that mean nothing.
    """
    try:
        content = path.expanduser().read_bytes()
    except OSError as error:
        raise UsageError(f"cannot read task file {path}: {error.strerror}") from error
    try:
        if path.suffix == ".toml":
            values: Any = tomllib.loads(content.decode())
        elif path.suffix == ".json":
            values = orjson.loads(content)
        else:
            raise UsageError(f"task file {path} must end in .json or .toml")
    except ValueError as error:
        reason = str(error).splitlines()[0]
        raise UsageError(f"task file {path} is not valid: {reason}") from error
    if not isinstance(values, dict):
        raise UsageError(f"task file {path} must hold an object")
    _refuse_unknown(path, values)
    return values


def _refuse_unknown(path: Path, values: Mapping[str, Any]) -> None:
    unknown = list(list_unknown_keys(values))
    if unknown:
        keys = ", ".join(f"{key}{_suggest(key)}" for key in unknown)
        noun = "key" if len(unknown) == 1 else "keys"
        raise UsageError(f"task file {path}: unknown {noun} {keys}")


def list_unknown_keys(values: Mapping[str, Any]) -> Iterator[str]:
    """List the keys of a task file that mean nothing, those of tables after a dot."""
    for key, value in values.items():
        if key not in KEYS:
            yield key
        elif key in TABLES and isinstance(value, Mapping):
            yield from (f"{key}.{name}" for name in value if name not in TABLES[key])
        elif key == "checks" and isinstance(value, list):
            tables = [entry for entry in value if isinstance(entry, Mapping)]
            names = dict.fromkeys(name for entry in tables for name in entry)
            yield from (f"checks.{name}" for name in names if name not in Check.model_fields)


def _suggest(key: str) -> str:
    """Propose a key that is spelt alike, in brackets; nothing where none is."""
    import difflib  # noqa: PLC0415 - for a mistake only

    leaf = key.rpartition(".")[2]
    if key.startswith("checks."):
        checks = difflib.get_close_matches(leaf, Check.model_fields, n=1)
        return f" (did you mean checks.{checks[0]}?)" if checks else ""
    near = difflib.get_close_matches(key, KNOWN, n=1, cutoff=0.75)
    near = near or difflib.get_close_matches(leaf, KNOWN, n=1)
    return f" (did you mean {KNOWN[near[0]]}?)" if near else ""

"""Where the value of each setting comes from; pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from forge_cli.config.settings import (
    SETTINGS,
    ConfigFile,
    Setting,
    ValueType,
    accepts,
    find_decider,
    find_variable,
    write_variable,
)

DEFAULT = "default"
"""Source of a value that nobody set."""


@dataclass(frozen=True, slots=True)
class Provenance:
    """A setting's value and where it comes from."""

    key: str
    value: Any
    """None where nothing is set, or where the source is a variable that says where it stands."""
    source: str
    """A file's path, an environment variable's name, or `default`."""


def trace_settings(
    environ: Mapping[str, str], files: Sequence[ConfigFile], defaults: Mapping[str, Any]
) -> list[Provenance]:
    """Find the value of every setting that counts, options aside.

    Args:
        environ: The environment, in which values of a file may stand already.
        files: Configuration files, the one that counts most first.
        defaults: Values by key where nothing is set.
    """
    return [_trace(setting, environ, files, defaults) for setting in SETTINGS]


def trace_calls(files: Iterable[ConfigFile]) -> list[Provenance]:
    """List what files say of how models are asked."""
    return [
        Provenance(f"{table.key}.{name}", value, file.path)
        for file in files
        for table in file.calls
        for name, value in table.values.items()
    ]


def list_secret_variables(environ: Mapping[str, str], names: Iterable[str]) -> list[str]:
    """Return the variables that are set and whose values are shown to nobody."""
    ours = {name for setting in SETTINGS for name in setting.variables}
    secrets = {name for name in environ if name.startswith(("TEMPORAL_", "OTEL_")) or name in names}
    return sorted(name for name in secrets - ours if environ[name])


def _trace(
    setting: Setting,
    environ: Mapping[str, str],
    files: Sequence[ConfigFile],
    defaults: Mapping[str, Any],
) -> Provenance:
    name = find_variable(setting, environ)
    decider = find_decider(setting, environ)
    if name is None and decider is not None:
        return Provenance(setting.key, None, decider)
    file = next((file for file in files if setting.key in file.values), None)
    if file is None:
        value, source = defaults.get(setting.key), DEFAULT
    else:
        value, source = file.values[setting.key], file.path
    if name is not None and (file is None or environ[name] != write_variable(value)):
        value, source = _read_variable(setting, environ[name]), name
    return Provenance(setting.key, value, source)


def _read_variable(setting: Setting, text: str) -> Any:  # noqa: ANN401
    """Read a variable as the command does: a flag is on if the variable is not empty."""
    if setting.type is ValueType.FLAG:
        return bool(text)
    return int(text) if text.isdecimal() and accepts(setting, int(text)) else text

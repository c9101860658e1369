"""``forge config``: every setting, its value and where it comes from."""

import os
from dataclasses import asdict, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from forge_core.errors import UsageError
from forge_core.llm.model_name import PROVIDERS
from forge_obs import StoreError, get_db_path

from forge_cli.config.files import (
    find_repository_file,
    find_user_file,
    list_checks,
    load_repository_config,
    load_user_config,
)
from forge_cli.config.model_fields import MODELS, get_field
from forge_cli.config.provenance import (
    DEFAULT,
    Provenance,
    list_secret_variables,
    trace_calls,
    trace_settings,
)
from forge_cli.config.settings import KNOWN
from forge_cli.escape import escape_line
from forge_cli.exit_codes import ExitCode
from forge_cli.options.look.status import ListOptions
from forge_cli.options.types import FilePath, Switch
from forge_cli.render.table import align
from forge_cli.terminal.console import print_text
from forge_cli.terminal.pager import DEFAULT_PAGER
from forge_cli.views.json_text import dump

if TYPE_CHECKING:
    from forge_cli.config.checks import CheckSource

WIDEST = 24
"""Columns of a value beyond which it moves its source aside, not those of all others."""


OTHER_DEFAULTS = {
    "temporal.ui": False,
    "tracing.exporter": "none",
    "output.no_color": False,
    "output.pager": DEFAULT_PAGER,
}
"""Defaults of settings that neither a model nor an option has."""


def config(
    *,
    repo: FilePath = Path(),
    json: Switch = False,
) -> ExitCode:
    """Show the configuration: each value and where it comes from.

    Options of a command override environment variables, which override a repository's forge.toml,
    then your own file, then the defaults. Keys and secrets are never shown.

    Args:
        repo: Directory in the git repository whose forge.toml applies.
        json: Print one JSON document instead.
    """
    if not repo.is_dir():
        raise UsageError(f"{repo} is not a directory")
    files = [(find_repository_file(repo), load_repository_config(repo))]
    files.append((find_user_file(), load_user_config()))
    read = [file for _, file in files if file is not None]
    sources = trace_settings(os.environ, read, _load_defaults())
    settings = [*map(_look_up, sources), *trace_calls(read)]
    presence = [(str(path), file is not None) for path, file in files if path is not None]
    secrets = list_secret_variables(os.environ, _provider_variables())
    checks = list_checks(repo) if any(file.checks for file in read) else []
    if json:
        print_text(dump(_build_document(settings, checks, presence, secrets)))
    else:
        print_text(_render(settings, checks, presence, secrets))
    return ExitCode.SUCCESS


def _look_up(setting: Provenance) -> Provenance:
    """Read the value that stands where a variable says."""
    if setting.source not in KNOWN[setting.key].deciders:
        return setting
    from forge_core.temporal_client.connect import load_connect_config  # noqa: PLC0415 - imports Temporal

    server = load_connect_config(None, os.environ)
    return replace(setting, value=None if server is None else server.address)


def _load_defaults() -> dict[str, Any]:
    modelled = {key: get_field(key).default for key in KNOWN if key.partition(".")[0] in MODELS}
    listed = {f"status.{option.name}": option.default for option in fields(ListOptions)}
    return {**modelled, **listed, **OTHER_DEFAULTS, "store.path": _default_store()}


def _default_store() -> str | None:
    try:
        return str(get_db_path())
    except StoreError:
        return None


def _provider_variables() -> set[str]:
    providers = PROVIDERS.values()
    return {
        name for provider in providers for name in (*provider.key_variables, provider.url_variable)
    }


def _build_document(
    settings: list[Provenance],
    checks: "list[CheckSource]",
    files: list[tuple[str, bool]],
    secrets: list[str],
) -> dict[str, Any]:
    return {
        "settings": [asdict(setting) for setting in settings],
        "checks": [
            {
                **entry.check.model_dump(mode="json"),
                "source": entry.source,
                "skipped": entry.skipped,
            }
            for entry in checks
        ],
        "files": [{"path": path, "exists": exists} for path, exists in files],
        "secret_variables": secrets,
    }


def _render(
    settings: list[Provenance],
    checks: "list[CheckSource]",
    files: list[tuple[str, bool]],
    secrets: list[str],
) -> str:
    rows = [
        (escape_line(setting.key), _render_value(setting.value), _render_source(setting))
        for setting in settings
    ]
    rows += [
        (f"check {check.check.name}", escape_line(check.check.command), _render_check(check))
        for check in checks
    ]
    lines = [line.plain for line in align(rows, widest={1: WIDEST})]
    lines += ["", *(f"{escape_line(path)}: {_describe(exists)}" for path, exists in files)]
    lines += [f"{escape_line(name)} is set" for name in secrets]
    return "\n".join(lines)


def _render_check(check: "CheckSource") -> str:
    skipped = "" if check.skipped is None else f" (skipped: {check.skipped})"
    return escape_line(check.source) + skipped


def _render_value(value: object) -> str:
    if value is None:
        return "-"
    if isinstance(value, bool):
        return str(value).lower()
    return escape_line(str(value)) or '""'


def _render_source(setting: Provenance) -> str:
    if setting.source == DEFAULT:
        return DEFAULT
    definition = KNOWN.get(setting.key)
    if definition and setting.source in (*definition.variables, *definition.deciders):
        return f"environment {setting.source}"
    return escape_line(setting.source)


def _describe(exists: object) -> str:
    return "read" if exists else "no such file"

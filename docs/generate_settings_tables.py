"""Write the tables of settings in `docs/reference` from the models and options that define them.

`python docs/generate_settings_tables.py` writes them; with `--check` it only says, by its exit
code, whether the pages are what the code says now.
"""

import re
import sys
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from pathlib import Path

from forge_cli.commands import build_app
from forge_cli.config.model_fields import MODELS, get_field
from forge_cli.config.settings import SETTINGS, describe_type
from forge_cli.options.run.call_settings import FIELD_NAMES as CALL_NAMES
from forge_cli.options.run.run import FIELD_NAMES
from forge_core.llm.model_name import PROVIDERS, REFUSED, Provider
from forge_core.models.call.settings import CallSettings

REFERENCE = Path(__file__).parent / "reference"

INSTALLED = ("anthropic", "openai")
"""Extras of pydantic-ai that forge-core depends on."""

UNITED = ("task", "run", "validation", "context", "budget")
"""Tables whose keys are set by options of `forge run`."""

TABLE = re.compile(
    r"(<!-- (?P<name>[a-z]+): made by docs/generate_settings_tables\.py\. -->\n\n).*?\n\n", re.S
)

NOT_IN_TABLE = frozenset(
    {"task.validation", "task.context", "task.budget"}
    | {"validation.checks", "validation.skipped_checks"}
)
"""Fields that are tables of their own, or that nobody sets."""


@cache
def list_arguments(table: str) -> Sequence[str]:
    """List the options of the command that a table belongs to."""
    app = build_app()
    commands = {**dict.fromkeys(UNITED, app["run"]), "status": app["status"]}
    arguments = commands.get(table, app.meta).assemble_argument_collection()
    return [name for argument in arguments for name in argument.names]


def list_options(key: str) -> list[str]:
    """List the options that set a key."""
    if key == "task.description":
        return ["DESCRIPTION"]
    table, _, name = key.partition(".")
    aliases = [option for option, field in FIELD_NAMES.items() if field == name]
    word = (aliases or [name])[0].replace("_", "-")
    return [option for option in list_arguments(table) if option in {f"--{word}", f"--no-{word}"}]


def render_settings() -> str:
    """Render the table of a configuration file's keys."""
    rows = [("key", "value", "a repository may set it", "stands in for")]
    rows += [
        (
            f"`{setting.key}`",
            describe_type(setting),
            "yes" if setting.in_repository else "no",
            _join([*setting.variables, *setting.deciders, *list_options(setting.key)]),
        )
        for setting in SETTINGS
    ]
    return _render(rows)


def render_task() -> str:
    """Render the table of a task file's keys."""
    rows = [("key", "meaning", "default", "option")]
    rows += [
        (
            f"`{key.removeprefix('task.')}`",
            get_field(key).help.removesuffix("."),
            _render_default(key),
            _join(list_options(key)),
        )
        for key in _list_task_keys()
    ]
    return _render(rows)


def render_checks() -> str:
    """Render the table of a check's keys."""
    rows = [("key", "meaning", "default")]
    rows += [
        (f"`{name}`", get_field(key).help.removesuffix("."), _render_default(key))
        for name in MODELS["checks"].model_fields
        if (key := f"checks.{name}")
    ]
    return _render(rows)


def render_providers() -> str:
    """Render the table of providers."""
    rows = [("provider", "key", "address", "needs besides")]
    rows += [
        (
            f"`{name}`",
            _join([*provider.key_variables]) + KEYS[provider.key_needed],
            _join([provider.url_variable]) + _render_address(provider),
            _render_needs(provider),
        )
        for name, provider in PROVIDERS.items()
    ]
    return _render(rows)


def render_refused() -> str:
    """Render the table of names that are refused."""
    return _render([("name", "why"), *((f"`{name}`", why) for name, why in REFUSED.items())])


KEYS = {"always": "", "unless_url_is_set": ", unless the address is set", "never": ", if any"}
"""When a key is needed."""


def render_calls() -> str:
    """Render the table of what may be set of how models are asked."""
    rows = [("key", "value", "meaning", "option")]
    for name, field in ((name, get_field(f"calls.{name}")) for name in CallSettings.model_fields):
        word = next((option for option, key in CALL_NAMES.items() if key == name), name)
        options = [f"--{word}", f"--planner-{word}"]
        meaning = field.help.removesuffix(".")
        rows.append((f"`{name}`", field.describe(), meaning, _join(options).replace("_", "-")))
    return _render(rows)


TABLES: Mapping[str, Callable[[], str]] = {
    "settings": render_settings,
    "task": render_task,
    "checks": render_checks,
    "calls": render_calls,
    "providers": render_providers,
    "refused": render_refused,
}
"""Tables by the names that pages give them."""

PAGES = ("configuration.md", "providers.md", "task-file.md")


def _render_address(provider: Provider) -> str:
    if not provider.default_url:
        return ", required" if provider.default_url is None else ""
    return f", else `{provider.default_url}`"


def _render_needs(provider: Provider) -> str:
    extra = "" if provider.extra in INSTALLED else f"`pydantic-ai-slim[{provider.extra}]`"
    version = provider.version_variable and f"`{provider.version_variable}`"
    return ", ".join(filter(None, (extra, version)))


def _list_task_keys() -> list[str]:
    tables = ("task", "budget", "validation", "context")
    keys = [f"{table}.{name}" for table in tables for name in MODELS[table].model_fields]
    return [key for key in keys if key not in NOT_IN_TABLE]


def _render_default(key: str) -> str:
    field = get_field(key)
    if field.info.is_required():
        return "made from the description" if key == "task.task_id" else "required"
    if field.default in (None, ()):
        return "none"
    return str(field.default).lower()


def _join(names: list[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def _render(rows: list[tuple[str, ...]]) -> str:
    lines = [f"| {' | '.join(row)} |".replace("|  |", "| |") for row in rows]
    return "\n".join([lines[0], "|" + "---|" * len(rows[0]), *lines[1:]])


def main(arguments: list[str]) -> None:
    """Write the tables, or check that they are up to date."""
    for name in PAGES:
        page = REFERENCE / name
        before = page.read_text(encoding="utf-8")
        after = TABLE.sub(lambda match: f"{match[1]}{TABLES[match['name']]()}\n\n", before)
        if "--check" not in arguments:
            page.write_text(after, encoding="utf-8")
        elif after != before:
            raise SystemExit(f"{page} is not up to date: run python {Path(__file__).name}")


if __name__ == "__main__":
    main(sys.argv[1:])

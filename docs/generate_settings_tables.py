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
from forge_cli.options.run import FIELD_NAMES

REFERENCE = Path(__file__).parent / "reference"

UNITED = ("task", "run", "validation", "context")
"""Tables whose keys are set by options of `forge run`."""

TABLE = re.compile(
    r"(<!-- (?P<name>[a-z]+): made by docs/generate_settings_tables\.py\. -->\n\n).*?\n\n", re.S
)

NOT_IN_TABLE = frozenset(
    {"task.validation", "task.context", "validation.checks", "validation.skipped_checks"}
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


TABLES: Mapping[str, Callable[[], str]] = {
    "settings": render_settings,
    "task": render_task,
    "checks": render_checks,
}
"""Tables by the names that pages give them."""

PAGES = ("configuration.md", "task-file.md")


def _list_task_keys() -> list[str]:
    tables = ("task", "validation", "context")
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

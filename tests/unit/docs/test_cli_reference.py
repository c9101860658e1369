"""The reference says what the commands do."""

import re
from dataclasses import fields
from itertools import chain
from pathlib import Path

from cyclopts import App
from forge_cli.commands import ALIASES, build_app
from forge_cli.exit_codes import ExitCode
from forge_cli.help import EXAMPLES
from forge_cli.render.json_documents import build_run
from forge_cli.views.run import build_run_view
from forge_obs import Run

DOCS = Path(__file__).parents[3] / "docs"


def read_page(name: str) -> str:
    return (DOCS / "reference" / name).read_text(encoding="utf-8")


def test_every_command_has_a_section() -> None:
    page = read_page("cli.md")

    names = [f"forge {name}" for name in list_commands(build_app())]
    assert len(names) >= 8
    assert not [name for name in names if not re.search(rf"^#+ {name}$", page, re.M)]


def test_every_exit_code_is_documented_and_no_other() -> None:
    rows = re.findall(r"^\| (\d+) \| `(\w+)` \|", read_page("exit-codes.md"), re.M)

    assert rows == [(str(code.value), code.name) for code in ExitCode]


def test_computed_keys_of_a_run_are_documented() -> None:
    run = Run()
    columns = {field.name for field in fields(Run)}

    keys = set(build_run(build_run_view(run, "success", None, run.created_at)))

    page = read_page("json.md")
    assert not [key for key in (keys - columns) | {"status", "broken"} if f"`{key}`" not in page]


def list_commands(app: App, prefix: str = "") -> list[str]:
    """Name every command and sub-command."""
    names = [name for name in app if not name.startswith("-") and name not in ALIASES.values()]
    below = (list_commands(app[name], f"{prefix}{name} ") for name in names)
    return [*(prefix + name for name in names), *chain.from_iterable(below)]


def test_every_command_has_examples_that_fit_a_terminal() -> None:
    commands = list_commands(build_app())

    assert not [name for name in commands if not EXAMPLES.get(name)]
    assert set(EXAMPLES) == {"", *commands}
    assert not [line for lines in EXAMPLES.values() for line in lines if len(line) > 78]

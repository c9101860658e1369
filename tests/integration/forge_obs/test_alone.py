"""forge_obs alone, as another team takes it: its wheel, a fresh environment, the examples."""

import ast
import os
import runpy
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import pytest
from temporalio.testing import ActivityEnvironment

ROOT = Path(__file__).parents[3]
PACKAGE = ROOT / "packages/forge-obs"
EXAMPLES = PACKAGE / "examples"
GUIDE = ROOT / "docs/how-to/record-from-your-own-program.md"
QUESTION = "What is 2 + 2?"


def execute(command: Sequence[str | Path]) -> str:
    """Run a command outside the repository, without what leads Python to our sources."""
    surroundings = {k: v for k, v in os.environ.items() if k not in {"PYTHONPATH", "VIRTUAL_ENV"}}
    done = subprocess.run(
        command, env=surroundings, cwd="/", capture_output=True, text=True, check=False, timeout=180
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give the interpreter of an environment with nothing in it but the built wheel."""
    uv = shutil.which("uv")
    if uv is None:
        pytest.skip("uv is not on the path")
    place = tmp_path_factory.mktemp("alone")
    execute([uv, "build", "-q", "--wheel", "-o", place, PACKAGE])
    [wheel] = place.glob("*.whl")
    execute([uv, "venv", "-q", "--python", sys.executable, place / "env"])
    interpreter = place / "env/bin/python"
    execute([uv, "pip", "install", "-q", "--python", interpreter, wheel])
    return interpreter


def stored(db: Path) -> list[tuple[str, str, str | None]]:
    with closing(sqlite3.connect(db)) as connection:
        found = connection.execute("SELECT user_prompt, response, workflow_id FROM interactions")
        return found.fetchall()


@pytest.mark.parametrize("name", ["plain.py", "service.py"])
def test_example_runs_where_nothing_but_the_wheel_is_installed(
    python: Path, private_environment: Path, name: str
) -> None:
    assert "4" in execute([python, "-W", "error", EXAMPLES / name, QUESTION])

    assert stored(private_environment / "forge.db") == [(QUESTION, "4", None)]


def test_nothing_else_of_ours_comes_with_the_wheel(python: Path) -> None:
    script = (
        "from importlib.metadata import distributions, requires\n"
        "print(sorted(d.name for d in distributions() if d.name.startswith('forge')))"
    )

    assert execute([python, "-c", script]).strip() == "['forge-obs']"


def test_examples_pass_strict_type_checks_against_the_wheel(python: Path, tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.py"
    wrong.write_text("from forge_obs import record\nrecord('interaction', task_id=1)\n")
    mypy = [sys.executable, "-m", "mypy", "--strict", "--config-file", os.devnull]
    mypy += ["--python-executable", str(python), "--cache-dir", str(tmp_path / "cache")]

    with pytest.raises(AssertionError) as found:
        execute([*mypy, EXAMPLES / "plain.py", EXAMPLES / "service.py", wrong])

    assert "No overload variant" in str(found.value)
    assert "Found 1 error in 1 file (checked 3 source files)" in str(found.value)


def test_activity_of_another_worker_records_under_its_own_ids(private_environment: Path) -> None:
    ask = runpy.run_path(str(EXAMPLES / "temporal_activity.py"))["ask"]
    environment = ActivityEnvironment()

    answers = [environment.run(ask, [QUESTION, "Why?"]) for _ in range(2)]

    workflow_id = environment.info.workflow_id
    assert answers == [["4", "4"]] * 2
    assert stored(private_environment / "forge.db") == [
        (QUESTION, "4", workflow_id),
        ("Why?", "4", workflow_id),
    ]


@pytest.mark.parametrize("name", ["plain.py", "service.py", "temporal_activity.py"])
def test_guide_shows_the_example_as_it_is(name: str) -> None:
    source = (EXAMPLES / name).read_text()
    first = next(
        node
        for node in ast.parse(source).body
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    )
    start = min([first.lineno, *(decorator.lineno for decorator in first.decorator_list)])
    shown = "\n".join(source.splitlines()[start - 1 : first.end_lineno])

    assert f"```python\n{shown}\n```" in GUIDE.read_text()

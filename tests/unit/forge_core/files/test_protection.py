"""Files that decide what is executed are written only with the user's leave."""

import pytest
from forge_core.errors import RefusedPath
from forge_core.files.paths import fold_path, parse_path
from forge_core.files.protection import (
    DIRECTORIES,
    NAMES,
    WritePolicy,
    find_protection,
    find_scripts,
)
from hypothesis import given
from hypothesis import strategies as st

PROTECTED = [
    "conftest.py",
    "tests/deep/conftest.py",
    "pyproject.toml",
    "setup.cfg",
    "forge.toml",
    "setup.py",
    "tox.ini",
    "pytest.ini",
    "noxfile.py",
    "Makefile",
    "makefile",
    "build/rules.mk",
    ".pre-commit-config.yaml",
    ".github/workflows/ci.yml",
    ".github/actions/build/action.yml",
    ".gitlab-ci.yml",
    "sitecustomize.py",
    "src/evil.pth",
    ".env",
    ".gitattributes",
    "docs/.gitattributes",
    ".gitmodules",
    "ruff.toml",
    "pkg/.ruff.toml",
    "mypy.ini",
    "package.json",
    "jest.config.ts",
    "build.rs",
    ".husky/pre-commit",
    ".vscode/tasks.json",
    "pytest.py",
    "_pytest/main.py",
    "node_modules/jest/index.js",
    ".venv/lib/python3.11/site-packages/pytest/__init__.py",
    "CONFTEST.py",
    "Tests/ConfTest.PY",
    ".GitHub/workflows/x.yml",
    "\uff43onftest.py",
]
ORDINARY = [
    "app.py",
    "src/conftest_reader.py",
    "tests/test_app.py",
    "docs/makefile.md",
    ".gitignore",
    "README.md",
    "requirements.txt",
    ".env.example",
    "github/workflows/ci.yml",
    "environment.py",
]


@pytest.mark.parametrize("path", PROTECTED, ids=ascii)
def test_file_that_decides_what_is_executed_is_refused_with_the_reason(path: str) -> None:
    with pytest.raises(RefusedPath) as refused:
        WritePolicy().check(["app.py", path])

    message = str(refused.value)
    assert f"{path!r} {find_protection(path)}" in message
    assert "--target-file" in message
    assert "--allow-protected-files" in message
    assert "\n" not in message


@pytest.mark.parametrize("path", ORDINARY)
def test_ordinary_file_is_not_protected(path: str) -> None:
    WritePolicy().check([path])


def test_refusal_names_every_protected_file_of_the_answer() -> None:
    with pytest.raises(RefusedPath, match=r"'tox\.ini' .*'sub/Makefile'"):
        WritePolicy().check(["tox.ini", "app.py", "sub/Makefile"])


def test_file_that_the_user_named_may_be_written_and_no_other() -> None:
    policy = WritePolicy(target_files=("tests/conftest.py",))

    policy.check(["tests/conftest.py"])
    with pytest.raises(RefusedPath):
        policy.check(["conftest.py"])


def test_leave_for_all_protected_files_is_leave_for_each() -> None:
    WritePolicy(allow_protected=True).check(PROTECTED)


@pytest.mark.parametrize(
    ("command", "script"),
    [
        ("./check.sh", "check.sh"),
        ("scripts/check --fast", "scripts/check"),
        ("sh tools/check.sh -v", "tools/check.sh"),
        ("cd sub && bash ../check.sh", "../check.sh"),
        ("CI=1 ./check.sh", "check.sh"),
        ("true;python3 check.py", "check.py"),
        ("lint\n./check.sh", "check.sh"),
        ("(./check.sh)", "check.sh"),
    ],
)
def test_script_that_the_test_command_runs_is_found(command: str, script: str) -> None:
    assert script in set(find_scripts(command))


def test_script_of_the_test_command_is_protected() -> None:
    with pytest.raises(RefusedPath, match="is run by a check"):
        WritePolicy(commands=("./check.sh",)).check(["check.sh"])


def test_test_file_that_the_test_command_names_is_free() -> None:
    WritePolicy(commands=("python -m pytest -q tests/test_app.py",)).check(["tests/test_app.py"])


@given(st.text())
def test_any_command_can_be_searched(command: str) -> None:
    list(find_scripts(command))


@pytest.mark.parametrize("table", [NAMES, DIRECTORIES], ids=["names", "directories"])
def test_patterns_are_folded_and_stand_once(table: dict[str, tuple[str, ...]]) -> None:
    patterns = [pattern for group in table.values() for pattern in group]

    assert [fold_path(pattern) for pattern in patterns] == patterns
    assert len(set(patterns)) == len(patterns)
    assert all(parse_path(pattern.replace("*", "x")) for pattern in patterns)

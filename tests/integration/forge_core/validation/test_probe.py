"""A check that cannot run is found before anything is paid for."""

from pathlib import Path

import pytest
from forge_core.errors import UsageError
from forge_core.models.task import ValidationConfig
from forge_core.validation.probe import check_validation
from support.repository import git, make_repository

LINT = ValidationConfig()


def probe(
    path: Path,
    files: dict[str, str],
    config: ValidationConfig = LINT,
    targets: tuple[str, ...] = (),
) -> None:
    """Find out whether the checks of a task on these files can run."""
    check_validation(make_repository(path / "repo", files), "HEAD", config, targets)


def run_tests(command: str) -> ValidationConfig:
    return ValidationConfig(run_tests=True, test_command=command)


@pytest.mark.parametrize(
    ("files", "reason"),
    [
        ({"ruff.toml": 'required-version = "==0.4.4"\n'}, "Required version `==0.4.4`"),
        ({"pyproject.toml": '[tool.ruff.lint]\nselect = ["UP999"]\n'}, "`UP999`"),
        ({".ruff.toml": "[lint"}, "TOML parse error"),
        ({"ruff.toml": 'extend = "gone.toml"\n'}, "gone.toml"),
    ],
    ids=["version", "rule", "broken", "extended"],
)
def test_configuration_that_ruff_refuses_is_named(
    tmp_path: Path, files: dict[str, str], reason: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "/usr/bin:/bin")

    with pytest.raises(UsageError, match=f"^files cannot be checked by {next(iter(files))}: ") as e:
        probe(tmp_path, files)

    assert reason in str(e.value)
    assert "--no-lint --no-format" in str(e.value)


def test_configuration_beside_a_target_is_looked_at(tmp_path: Path) -> None:
    files = {"ruff.toml": "", "part/ruff.toml": "[lint"}

    with pytest.raises(UsageError, match=r"part/ruff\.toml"):
        probe(tmp_path, files, targets=("part/deep/m.py",))


@pytest.mark.parametrize(
    "files",
    [
        {},
        {"ruff.toml": 'extend = "base.toml"\n', "base.toml": "line-length = 99\n"},
        {"pyproject.toml": "[project]\n", "tests/data/ruff.toml": "[lint"},
    ],
    ids=["none", "extended", "elsewhere"],
)
def test_configuration_that_works_lets_the_run_begin(tmp_path: Path, files: dict[str, str]) -> None:
    probe(tmp_path, files, targets=("src/m.py",))


def test_configuration_is_not_looked_at_where_ruff_is_off(tmp_path: Path) -> None:
    off = ValidationConfig(run_ruff_lint=False, run_ruff_format=False)

    probe(tmp_path, {"ruff.toml": "[lint"}, off)


@pytest.mark.parametrize(
    ("command", "reason"),
    [
        ("no-such-runner -q", "no-such-runner: no such command on the PATH"),
        ("CI=1 no-such-runner && true", "no-such-runner: no such command on the PATH"),
        (".venv/bin/pytest", "not in commit "),
        ("./test.sh", "./test.sh: not executable"),
    ],
)
def test_test_command_that_does_not_exist_is_named(
    tmp_path: Path, command: str, reason: str
) -> None:
    with pytest.raises(UsageError, match=r"^the test command cannot run: ") as caught:
        probe(tmp_path, {"test.sh": "exit 0\n"}, run_tests(command))

    assert reason in str(caught.value)


@pytest.mark.parametrize(
    "command",
    [
        "true",
        "cd sub && ./generated",
        "if true; then true; fi",
        "no-such-runner || true",
        "f() { true; }; f",
        '"$RUNNER" -q',
        "sh test.sh",
        "/bin/sh test.sh",
        "echo 'unbalanced",
        "./test.sh",
    ],
)
def test_test_command_that_may_exist_lets_the_run_begin(tmp_path: Path, command: str) -> None:
    repo = make_repository(tmp_path / "repo", {"test.sh": "exit 0\n"})
    git(repo, "update-index", "--chmod=+x", "test.sh")
    git(repo, "commit", "--quiet", "-m", "Let it run")

    check_validation(repo, "HEAD", run_tests(command), ())

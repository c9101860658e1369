"""Checks judge the final state of the files, by the worktree's own configuration or none."""

import sys
from pathlib import Path

import pytest
from forge_core.models.result import ValidationResult
from forge_core.models.task import ValidationConfig
from forge_core.validation import ruff as ruff_module
from forge_core.validation.checks import validate_files
from support.repository import git, make_repository, put_files

CLEAN = '"""A module."""\n\nX = 1\n'
UNUSED_IMPORT = '"""A module."""\n\nimport os\n\nX = 1\n'
UNDEFINED = '"""A module."""\n\nprint(undefined)\n'
UNFORMATTED = '"""A module."""\n\nX   =  {  "a":1 }\n'
SYNTAX_ERROR = "def f(:\n"

JUDGE_ONLY = ValidationConfig(auto_fix=False)
REPAIR = ValidationConfig()


def check(root: Path, config: ValidationConfig, *paths: str) -> dict[str, ValidationResult]:
    results = validate_files(root, paths, config, lambda: None)
    return {result.check_name: result for result in results}


def test_clean_file_passes_lint_and_format(tmp_path: Path) -> None:
    put_files(tmp_path, {"a.py": CLEAN})

    results = validate_files(tmp_path, ["a.py"], JUDGE_ONLY, lambda: None)

    assert [result.check_name for result in results] == ["ruff_lint", "ruff_format"]
    assert all(result.passed for result in results)
    assert all(result.duration_ms > 0 for result in results)


def test_finding_names_place_code_and_reason(tmp_path: Path) -> None:
    put_files(tmp_path, {"pkg/a.py": UNUSED_IMPORT})

    lint = check(tmp_path, JUDGE_ONLY, "pkg/a.py")["ruff_lint"]

    assert not lint.passed
    assert lint.details is not None
    assert "pkg/a.py:3:8 F401 " in lint.details
    assert str(tmp_path) not in lint.details


def test_without_auto_fix_nothing_is_changed(tmp_path: Path) -> None:
    put_files(tmp_path, {"a.py": UNUSED_IMPORT, "b.py": UNFORMATTED})

    results = check(tmp_path, JUDGE_ONLY, "a.py", "b.py")

    assert not results["ruff_lint"].passed
    assert results["ruff_format"].summary == "not formatted"
    assert (tmp_path / "a.py").read_text() == UNUSED_IMPORT
    assert (tmp_path / "b.py").read_text() == UNFORMATTED


def test_auto_fix_repairs_what_it_can_before_judging(tmp_path: Path) -> None:
    put_files(tmp_path, {"a.py": UNUSED_IMPORT, "b.py": UNFORMATTED})

    results = check(tmp_path, REPAIR, "a.py", "b.py")

    assert all(result.passed for result in results.values())
    assert "import os" not in (tmp_path / "a.py").read_text()
    assert (tmp_path / "b.py").read_text() == '"""A module."""\n\nX = {"a": 1}\n'


def test_auto_fix_leaves_what_it_cannot_repair_as_a_finding(tmp_path: Path) -> None:
    put_files(tmp_path, {"a.py": UNDEFINED})

    lint = check(tmp_path, REPAIR, "a.py")["ruff_lint"]

    assert not lint.passed
    assert lint.details is not None
    assert "F821" in lint.details


def test_syntax_error_fails_both_checks_and_is_shown(tmp_path: Path) -> None:
    put_files(tmp_path, {"a.py": SYNTAX_ERROR})

    results = check(tmp_path, REPAIR, "a.py")

    assert not results["ruff_lint"].passed
    assert not results["ruff_format"].passed
    assert results["ruff_lint"].details is not None
    assert "a.py:1:7" in results["ruff_lint"].details


def test_files_that_were_not_written_are_neither_judged_nor_changed(tmp_path: Path) -> None:
    put_files(tmp_path, {"a.py": CLEAN, "other.py": UNUSED_IMPORT})

    results = check(tmp_path, REPAIR, "a.py")

    assert all(result.passed for result in results.values())
    assert (tmp_path / "other.py").read_text() == UNUSED_IMPORT


@pytest.mark.parametrize("paths", [(), ("README.md",), ("gone.py",)], ids=["none", "text", "gone"])
def test_without_python_files_there_is_nothing_to_check(
    tmp_path: Path, paths: tuple[str, ...]
) -> None:
    put_files(tmp_path, {"README.md": "import os"})

    results = check(tmp_path, REPAIR, *paths)

    assert [result.summary for result in results.values()] == ["no Python files"] * 2
    assert all(result.passed for result in results.values())


def test_stub_file_is_checked(tmp_path: Path) -> None:
    put_files(tmp_path, {"a.pyi": SYNTAX_ERROR})

    assert not check(tmp_path, JUDGE_ONLY, "a.pyi")["ruff_lint"].passed


def test_checks_that_are_off_are_not_made(tmp_path: Path) -> None:
    put_files(tmp_path, {"a.py": UNUSED_IMPORT})

    config = ValidationConfig(run_ruff_lint=False, run_ruff_format=False)

    assert check(tmp_path, config, "a.py") == {}
    assert (tmp_path / "a.py").read_text() == UNUSED_IMPORT


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("ruff.toml", 'lint.ignore = ["F401"]\n'),
        (".ruff.toml", 'lint.ignore = ["F401"]\n'),
        ("pyproject.toml", '[tool.ruff.lint]\nignore = ["F401"]\n'),
        ("pkg/ruff.toml", 'lint.ignore = ["F401"]\n'),
    ],
)
def test_configuration_in_the_worktree_is_followed(tmp_path: Path, name: str, text: str) -> None:
    put_files(tmp_path, {name: text, "pkg/a.py": UNUSED_IMPORT})

    assert check(tmp_path, JUDGE_ONLY, "pkg/a.py")["ruff_lint"].passed


def test_configuration_above_the_worktree_is_not_followed(tmp_path: Path) -> None:
    put_files(tmp_path, {"ruff.toml": 'lint.ignore = ["F401"]\n', "tree/a.py": UNUSED_IMPORT})

    assert not check(tmp_path / "tree", JUDGE_ONLY, "a.py")["ruff_lint"].passed


def test_file_beside_a_configured_directory_gets_no_configuration_from_above(
    tmp_path: Path,
) -> None:
    quiet = 'lint.ignore = ["F401"]\n'
    put_files(
        tmp_path,
        {
            "ruff.toml": quiet,
            "tree/pkg/ruff.toml": quiet,
            "tree/pkg/a.py": UNUSED_IMPORT,
            "tree/b.py": UNUSED_IMPORT,
        },
    )

    lint = check(tmp_path / "tree", JUDGE_ONLY, "pkg/a.py", "b.py")["ruff_lint"]

    assert lint.summary == "1 finding"
    assert lint.details is not None
    assert lint.details.startswith("b.py:3:8 F401")


def test_project_file_without_ruff_settings_is_no_configuration(tmp_path: Path) -> None:
    put_files(
        tmp_path,
        {
            "ruff.toml": 'lint.ignore = ["F401"]\n',
            "tree/pyproject.toml": '[project]\nname = "x"\n',
            "tree/a.py": UNUSED_IMPORT,
        },
    )

    assert not check(tmp_path / "tree", JUDGE_ONLY, "a.py")["ruff_lint"].passed


@pytest.mark.parametrize("name", ["ruff.toml", "pyproject.toml"])
def test_broken_configuration_never_reads_as_passed(tmp_path: Path, name: str) -> None:
    put_files(tmp_path, {name: "[tool.ruf", "a.py": CLEAN})

    results = check(tmp_path, REPAIR, "a.py")

    assert [result.passed for result in results.values()] == [False, False]
    assert results["ruff_lint"].summary == "could not check: ruff ended with exit 2"
    assert name in (results["ruff_lint"].details or "")


def test_file_that_the_configuration_excludes_is_left_alone(tmp_path: Path) -> None:
    put_files(tmp_path, {"ruff.toml": 'exclude = ["made"]\n', "made/a.py": UNUSED_IMPORT})

    results = check(tmp_path, REPAIR, "made/a.py")

    assert all(result.passed for result in results.values())
    assert (tmp_path / "made/a.py").read_text() == UNUSED_IMPORT


def test_file_in_an_ignored_directory_is_checked_all_the_same(tmp_path: Path) -> None:
    repo = make_repository(tmp_path / "repo", {".gitignore": "a.py\n/.forge-worktrees/\n"})
    tree = repo / ".forge-worktrees" / "t"
    git(repo, "worktree", "add", "--quiet", str(tree), "-b", "forge/t")
    put_files(tree, {"a.py": UNUSED_IMPORT, "build/b.py": UNUSED_IMPORT})

    assert check(tree, JUDGE_ONLY, "a.py", "build/b.py")["ruff_lint"].summary == "2 findings"


def test_syntax_of_the_newest_python_is_no_finding_without_configuration(tmp_path: Path) -> None:
    source = '"""A module."""\n\ntype Pair[T] = tuple[T, T]\n'
    put_files(tmp_path, {"a.py": source})

    assert all(result.passed for result in check(tmp_path, REPAIR, "a.py").values())


@pytest.mark.parametrize("name", ["@args.py", "a b.py", "[x].py", "é.py"])
def test_odd_file_name_is_a_file_and_nothing_else(tmp_path: Path, name: str) -> None:
    put_files(tmp_path, {name: "--version\n"})

    assert not check(tmp_path, JUDGE_ONLY, name)["ruff_lint"].passed


def test_ruff_leaves_no_cache_in_the_worktree(tmp_path: Path) -> None:
    put_files(tmp_path, {"ruff.toml": "", "a.py": CLEAN})

    check(tmp_path, REPAIR, "a.py")

    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.py", "home", "ruff.toml"]


def test_missing_ruff_does_not_read_as_passed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def find_nothing() -> str:
        raise FileNotFoundError("ruff")

    put_files(tmp_path, {"a.py": CLEAN})
    monkeypatch.setattr(ruff_module, "find_ruff_bin", find_nothing)

    results = check(tmp_path, REPAIR, "a.py")

    assert [result.passed for result in results.values()] == [False, False]
    assert results["ruff_lint"].summary == "could not check: ruff is not installed"


def run_tests(root: Path, command: str, timeout_s: float = 30) -> ValidationResult:
    config = ValidationConfig(run_tests=True, test_command=command, test_timeout_s=timeout_s)
    return check(root, config)["tests"]


def test_tests_pass_by_exit_code_zero(tmp_path: Path) -> None:
    verdict = run_tests(tmp_path, "test -d . && echo fine")

    assert verdict.passed
    assert verdict.summary.startswith("exit 0 in ")
    assert verdict.details is None


def test_failed_tests_carry_their_output(tmp_path: Path) -> None:
    verdict = run_tests(tmp_path, "echo one failed; exit 1")

    assert not verdict.passed
    assert verdict.details == "one failed"


def test_tests_come_last_and_see_the_repaired_files(tmp_path: Path) -> None:
    put_files(tmp_path, {"a.py": UNUSED_IMPORT})
    config = ValidationConfig(run_tests=True, test_command="! grep -q 'import os' a.py")

    results = validate_files(tmp_path, ["a.py"], config, lambda: None)

    assert [result.check_name for result in results] == ["ruff_lint", "ruff_format", "tests"]
    assert all(result.passed for result in results)


def test_tests_that_hang_are_killed(tmp_path: Path) -> None:
    verdict = run_tests(tmp_path, "sleep 100", timeout_s=0.3)

    assert not verdict.passed
    assert verdict.summary.startswith("killed after 0.")


def test_tests_that_take_too_much_are_killed_and_the_reason_is_said(tmp_path: Path) -> None:
    config = ValidationConfig(
        run_tests=True, test_command="while :; do :; done", test_cpu_s=0.3, test_timeout_s=30
    )

    verdict = check(tmp_path, config)["tests"]

    assert not verdict.passed
    assert verdict.summary.startswith("killed for more than 0.3 s of processor time after ")


def test_tests_are_bounded_without_being_asked(tmp_path: Path) -> None:
    verdict = run_tests(tmp_path, "ulimit -c; ulimit -f; exit 1")

    assert verdict.details == "0\n" + str(2048 * 2048)


def test_tests_that_put_a_link_in_place_of_a_file_fail(tmp_path: Path) -> None:
    put_files(tmp_path, {"a.txt": "a", "b.txt": "b"})
    config = ValidationConfig(run_tests=True, test_command="ln -sf /etc/passwd b.txt")

    results = check(tmp_path, config, "a.txt", "b.txt")

    assert results["tests"].passed
    assert not results["files"].passed
    assert "'b.txt'" in results["files"].summary


def test_tests_see_no_secret(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-very-secret")
    monkeypatch.setenv("FORGE_MODEL", "openai:x")
    script = "import os; print(dict(os.environ)); raise SystemExit(1)"

    verdict = run_tests(tmp_path, f'{sys.executable} -c "{script}"')

    assert verdict.details is not None
    assert "PATH" in verdict.details
    assert "sk-very-secret" not in verdict.details
    assert "FORGE_" not in verdict.details


def test_cancellation_ends_the_checks(tmp_path: Path) -> None:
    class Cancelled(Exception):
        pass

    def cancel() -> None:
        raise Cancelled

    config = ValidationConfig(run_tests=True, test_command="sleep 100")

    with pytest.raises(Cancelled):
        validate_files(tmp_path, [], config, cancel)

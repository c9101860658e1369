"""Checks judge the final state of the files, by the worktree's own configuration or none."""

import sys
from pathlib import Path

import pytest
from forge_core.models.result import ValidationResult
from forge_core.models.task import ValidationConfig
from forge_core.validation.changed_files import ChangedFiles
from forge_core.validation.checks import validate_files
from forge_core.validation.python import ruff as ruff_module
from support.repository import git, make_repository, put_files

CLEAN = '"""A module."""\n\nX = 1\n'
UNUSED_IMPORT = '"""A module."""\n\nimport os\n\nX = 1\n'
UNDEFINED = '"""A module."""\n\nprint(undefined)\n'
UNFORMATTED = '"""A module."""\n\nX   =  {  "a":1 }\n'
SYNTAX_ERROR = "def f(:\n"

JUDGE_ONLY = ValidationConfig(auto_fix=False, run_ruff_lint=True, run_ruff_format=True)
UNSET = ValidationConfig()
REPAIR = ValidationConfig(run_ruff_lint=True, run_ruff_format=True)


def check(root: Path, config: ValidationConfig, *paths: str) -> dict[str, ValidationResult]:
    results = validate_files(root, ChangedFiles(paths), config, lambda: None)
    return {result.check_name: result for result in results}


def test_clean_file_passes_lint_and_format(tmp_path: Path) -> None:
    put_files(tmp_path, {"a.py": CLEAN})

    results = validate_files(tmp_path, ChangedFiles(["a.py"]), JUDGE_ONLY, lambda: None)

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
    assert not any(result.unusable for result in results.values())  # It is the model's to repair.
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

    config = ValidationConfig(check_syntax=False, run_ruff_lint=False, run_ruff_format=False)

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
    assert results["ruff_lint"].summary.startswith("could not check: ruff ended with exit 2: ")
    assert all(result.unusable for result in results.values())
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
    monkeypatch.setenv("PATH", str(tmp_path))

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
    put_files(tmp_path, {"ruff.toml": "", "a.py": UNUSED_IMPORT})
    config = ValidationConfig(run_tests=True, test_command="! grep -q 'import os' a.py")

    results = validate_files(tmp_path, ChangedFiles(["a.py"]), config, lambda: None)

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
        validate_files(tmp_path, ChangedFiles([]), config, cancel)


def check_change(
    root: Path, before: dict[str, str], after: dict[str, str], config: ValidationConfig = UNSET
) -> dict[str, ValidationResult]:
    """Check what a change from `before` to `after` brought."""
    put_files(root, {**before, **after})
    bases = {path: text.encode() for path, text in before.items()}
    results = validate_files(root, ChangedFiles(list(after), bases), config, lambda: None)
    return {result.check_name: result for result in results}


OLD_STYLE = """\
import os
from json import dumps, loads

def a( x ):
    try:
        return os.getcwd( )
    except:
        return x


def b():
    return 1
"""


@pytest.mark.parametrize("configuration", [{}, {"ruff.toml": ""}], ids=["none", "ruff"])
def test_findings_that_stood_before_do_not_count(
    tmp_path: Path, configuration: dict[str, str]
) -> None:
    changed = "# moved down\n" + OLD_STYLE.replace("return 1", "return 2")

    results = check_change(tmp_path, {**configuration, "m.py": OLD_STYLE}, {"m.py": changed})

    assert all(result.passed for result in results.values())
    assert (tmp_path / "m.py").read_text() == changed


def test_new_finding_beside_an_equal_old_one_counts_where_it_was_written(tmp_path: Path) -> None:
    changed = OLD_STYLE.replace("    return 1", "    try:\n        b()\n    except:\n        pass")

    lint = check_change(tmp_path, {"ruff.toml": "", "m.py": OLD_STYLE}, {"m.py": changed})[
        "ruff_lint"
    ]

    assert (lint.details or "").startswith("m.py:14:5 E722 "), lint


@pytest.mark.parametrize(
    "wrong",
    ["X = undefined\n", "def f(:\n", "assert (1, 'always')\n", "return 1\n"],
    ids=["F821", "syntax", "F631", "F706"],
)
def test_new_error_counts_where_nobody_chose_ruff(tmp_path: Path, wrong: str) -> None:
    results = check_change(tmp_path, {"m.py": OLD_STYLE}, {"m.py": OLD_STYLE + wrong})

    assert not results["ruff_lint"].passed
    assert results["ruff_format"].summary == "not run (no ruff configuration)"
    assert (tmp_path / "m.py").read_text() == OLD_STYLE + wrong


def test_style_of_a_new_file_is_left_alone_where_nobody_chose_ruff(tmp_path: Path) -> None:
    text = "import os\nx   =  {  'a':1 }\nprint(_('hello'))\n"

    results = check_change(tmp_path, {}, {"new.py": text})

    assert all(result.passed for result in results.values())
    assert "errors only" in results["ruff_lint"].summary
    assert (tmp_path / "new.py").read_text() == text


def test_fix_removes_the_new_import_and_never_an_old_one(tmp_path: Path) -> None:
    before = {"ruff.toml": "", "m.py": OLD_STYLE}
    changed = OLD_STYLE.replace("import os\n", "import os\nimport re\nimport sys\nimport shlex\n")

    results = check_change(tmp_path, before, {"m.py": changed})

    assert all(result.passed for result in results.values())
    assert (tmp_path / "m.py").read_text() == OLD_STYLE


def test_old_names_on_a_changed_line_are_not_fixed_away(tmp_path: Path) -> None:
    before = {"ruff.toml": "", "m.py": OLD_STYLE}
    changed = OLD_STYLE.replace("dumps, loads", "dump, dumps, loads")

    lint = check_change(tmp_path, before, {"m.py": changed})["ruff_lint"]

    assert lint.details == "m.py:2:18 F401 `json.dump` imported but unused"
    assert "from json import dump, dumps, loads\n" in (tmp_path / "m.py").read_text()


def test_import_whose_last_use_went_is_a_finding_and_stays(tmp_path: Path) -> None:
    before = {"ruff.toml": "", "m.py": OLD_STYLE}
    changed = OLD_STYLE.replace("os.getcwd( )", "x")

    lint = check_change(tmp_path, before, {"m.py": changed})["ruff_lint"]

    assert "F401 `os` imported but unused" in (lint.details or "")
    assert (tmp_path / "m.py").read_text() == changed


def test_imports_are_sorted_as_far_as_the_change_unsorted_them(tmp_path: Path) -> None:
    sorted_imports = "import ast\nimport sys\n\nprint(ast, sys)\n"
    before = {"ruff.toml": 'lint.select = ["I"]\n', "m.py": sorted_imports}
    changed = sorted_imports.replace("print(ast, sys)", "print(ast, sys, json)").replace(
        "import sys\n", "import sys\nimport json\n"
    )

    assert check_change(tmp_path, before, {"m.py": changed})["ruff_lint"].passed
    assert (tmp_path / "m.py").read_text().startswith("import ast\nimport json\nimport sys\n")


def test_only_changed_lines_of_an_unformatted_file_are_formatted(tmp_path: Path) -> None:
    changed = OLD_STYLE + "\n\nX   =  {  'a':1 }\n"

    results = check_change(tmp_path, {"ruff.toml": "", "m.py": OLD_STYLE}, {"m.py": changed})

    assert results["ruff_format"].passed
    assert (tmp_path / "m.py").read_text() == OLD_STYLE + '\n\nX = {"a": 1}\n'


def test_change_that_cannot_be_formatted_alone_stays_as_it_is(tmp_path: Path) -> None:
    old = "class A:\n  def f(self):\n    return 1\n\n  def g(self):\n    return 2\n"
    changed = old.replace("return 2", "return  3")

    results = check_change(tmp_path, {"ruff.toml": "", "m.py": old}, {"m.py": changed})

    assert results["ruff_format"].summary == "formatted, 1 left as they stood (ruff.toml)"
    assert (tmp_path / "m.py").read_text() == changed


def test_what_was_formatted_before_is_formatted_whole(tmp_path: Path) -> None:
    old = 'X = f(1, 2)\n\n\ndef g():\n    return {"a": 1}\n'
    changed = old.replace("f(1, 2)", "f(1, 2, '" + "x" * 90 + "')")

    results = check_change(tmp_path, {"ruff.toml": "", "m.py": old}, {"m.py": changed})

    assert results["ruff_format"].passed
    assert (tmp_path / "m.py").read_text().startswith('X = f(\n    1,\n    2,\n    "x')


def test_repository_with_another_formatter_is_linted_only(tmp_path: Path) -> None:
    project = "[tool.ruff]\nline-length = 100\n\n[tool.black]\nline-length = 100\n"

    results = check_change(tmp_path, {"pyproject.toml": project}, {"m.py": UNFORMATTED})

    assert results["ruff_format"].summary == "not run (black is configured)"
    assert (tmp_path / "m.py").read_text() == UNFORMATTED


def test_bytes_of_untouched_lines_stay(tmp_path: Path) -> None:
    old = "\ufeffimport os\r\nx  =  os\r\n\x0c\r\ny  =  1"
    changed = old.replace("x  =  os\r\n", "x  =  os\r\nimport sys\r\nz = 'a'\r\n")
    put_files(tmp_path, {"ruff.toml": ""})
    (tmp_path / "m.py").write_bytes(changed.encode())

    validate_files(tmp_path, ChangedFiles(["m.py"], {"m.py": old.encode()}), UNSET, lambda: None)

    expected = old.replace("x  =  os\r\n", "x  =  os\r\nz = 'a'\r\n")
    assert (tmp_path / "m.py").read_bytes().decode() == expected


@pytest.mark.parametrize(
    "project",
    [
        '[project]\nname = "x"\nrequires-python = ">=3.8"\n',
        '[tool.poetry.dependencies]\npython = "^3.9"\n',
    ],
    ids=["project", "poetry"],
)
def test_syntax_that_the_project_s_python_lacks_is_an_error(tmp_path: Path, project: str) -> None:
    source = "match 1:\n    case 1:\n        pass\n"

    lint = check_change(tmp_path, {"pyproject.toml": project}, {"m.py": source})["ruff_lint"]

    assert "m.py:1:1 syntax " in (lint.details or "")


def test_change_of_a_file_that_could_not_be_parsed_is_judged_by_its_lines(tmp_path: Path) -> None:
    old = "print 'old'\nimport os\n\nX = 1\n"

    good = check_change(tmp_path, {"m.py": old}, {"m.py": old.replace("X = 1", "X = 2")})
    bad = check_change(tmp_path, {"m.py": old}, {"m.py": old.replace("X = 1", "X = (")})

    assert good["ruff_lint"].passed
    assert not bad["ruff_lint"].passed


def make_ruff(directory: Path, version: str) -> None:
    """Put a command that says it is another version of ruff on a path."""
    put_files(directory, {"ruff": f"#!/bin/sh\necho {version} >> {directory}/used\n"})
    (directory / "ruff").chmod(0o755)


def test_ruff_of_the_required_version_is_taken_from_the_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_ruff(tmp_path / "bin", "0.4.4")
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:/usr/bin:/bin")
    before = {"tree/ruff.toml": 'required-version = "==0.4.4"\n'}
    put_files(tmp_path, {**before, "tree/m.py": CLEAN})

    results = check(tmp_path / "tree", UNSET, "m.py")

    assert all(result.passed for result in results.values())
    assert (tmp_path / "bin/used").exists()


def test_required_version_that_nobody_has_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    put_files(tmp_path, {"ruff.toml": 'required-version = "==0.4.4"\n', "m.py": CLEAN})

    lint = check(tmp_path, UNSET, "m.py")["ruff_lint"]

    assert lint.unusable
    assert "Required version `==0.4.4`" in lint.summary


def test_file_that_is_not_what_its_name_says_fails_unless_nobody_asks(tmp_path: Path) -> None:
    put_files(tmp_path, {"a.json": "{"})

    syntax = check(tmp_path, UNSET, "a.json")["syntax"]

    assert (syntax.passed, syntax.summary) == (False, "1 file not what the name says")
    assert "syntax" not in check(tmp_path, ValidationConfig(check_syntax=False), "a.json")
    assert not check(tmp_path, ValidationConfig(run_ruff_lint=False), "a.json")["syntax"].passed


@pytest.mark.parametrize(
    ("project", "passed"),
    [
        pytest.param('[project]\nrequires-python = ">=3.9"\n', False, id="older"),
        pytest.param('[project]\nrequires-python = ">=3.10"\n', True, id="as old"),
        pytest.param('[tool.ruff]\ntarget-version = "py39"\n', False, id="ruff's"),
        pytest.param('[project]\nrequires-python = ">=3.99"\n', None, id="newer than ours"),
        pytest.param("", None, id="nobody says"),
    ],
)
def test_python_that_is_not_linted_must_be_read_by_the_oldest_one(
    tmp_path: Path, project: str, *, passed: bool | None
) -> None:
    put_files(
        tmp_path, {"pyproject.toml": project, "a.py": "match x:\n    case 1:\n        pass\n"}
    )

    results = check(tmp_path, ValidationConfig(run_ruff_lint=False), "a.py")

    if passed is not None:
        assert results["syntax"].passed is passed
    assert passed is not None or "syntax" not in results or results["syntax"].passed

"""Checks of the user run on changed files, beside the base, and harm nothing else."""

import os
import shutil
from collections.abc import Mapping
from pathlib import Path

import pytest
from forge_core.git.commits.receipt import locate_private
from forge_core.models.check import Check
from forge_core.models.result import ValidationResult
from forge_core.models.task import ValidationConfig
from forge_core.validation.changed_files import ChangedFiles
from forge_core.validation.checks import validate_files
from forge_core.validation.commands.base_view import NAME, base_in_place, bring_back
from support.repository import git, make_repository, put_files

NO_BAD = "grep -n bad {files} && exit 1; exit 0"
"""A linter that prints the lines with a word in them."""


class Attempt:
    """A repository in which an attempt wrote something."""

    def __init__(self, root: Path, base: Mapping[str, str]) -> None:
        self.root = make_repository(root, base)
        self.head = git(self.root, "rev-parse", "HEAD")
        self.base = base

    def check(
        self, files: Mapping[str, str | None], *checks: Check, task: str = "", **values: object
    ) -> dict[str, ValidationResult]:
        for path, text in files.items():
            if text is None:
                (self.root / path).unlink()
            else:
                put_files(self.root, {path: text})
        config = ValidationConfig.model_validate({"checks": checks, **values})
        bases = {path: self.base[path].encode() for path in files if path in self.base}
        changed = ChangedFiles(list(files), bases, self.head, task)
        results = validate_files(self.root, changed, config, lambda: None)
        return {result.check_name: result for result in results}

    def read(self, path: str) -> str:
        return (self.root / path).read_text()


@pytest.fixture
def attempt(tmp_path: Path) -> Attempt:
    return Attempt(tmp_path / "r", {"old.txt": "good\nbad\n", "fine.txt": "good\n", "x.c": "c\n"})


def test_check_judges_the_changed_files_that_match(attempt: Attempt) -> None:
    listing = Check(name="list", command="echo {files} >&2; exit 1", files=("*.txt",))

    verdict = attempt.check({"new.txt": "a\n", "b c.txt": "b\n", "y.c": "c\n"}, listing)["list"]

    assert not verdict.passed
    assert verdict.details == "new.txt b c.txt"
    assert verdict.duration_ms > 0


def test_check_without_its_files_is_named_as_not_run(attempt: Attempt) -> None:
    results = attempt.check(
        {"x.c": None},
        Check(name="none", command="false", files=("*.js",)),
        Check(name="gone", command="false {files}", files=("*.c",)),
        Check(name="whole", command="test ! -e x.c", files=("*.c",)),
    )

    assert results["none"].summary == "no changed file is one of its files"
    assert results["gone"].summary == "none of its files is left"
    assert results["whole"].summary.startswith("exit 0 ")
    assert all(result.passed for result in results.values())


def test_hostile_names_execute_nothing(attempt: Attempt, tmp_path: Path) -> None:
    names = ["$(touch pwned)", "`touch pwned`", "a;touch pwned", "a\nb", "-n", "x y", "'", '"']

    verdict = attempt.check(
        dict.fromkeys(names, "bad\n"), Check(name="cat", command="cat -- {files}; exit 3")
    )["cat"]

    assert verdict.details == "\n".join(["bad"] * len(names))
    assert not list(tmp_path.rglob("pwned"))


def test_finding_that_stood_before_is_no_fault_of_the_change(attempt: Attempt) -> None:
    verdict = attempt.check({"old.txt": "first\ngood\nbad\n"}, Check(name="words", command=NO_BAD))[
        "words"
    ]

    assert (verdict.passed, verdict.warning) == (True, True)
    assert verdict.summary.endswith("as without the change: nothing new")
    assert attempt.read("old.txt") == "first\ngood\nbad\n"


def test_second_finding_of_the_same_words_is_the_changes(attempt: Attempt) -> None:
    verdict = attempt.check({"old.txt": "bad\nbad\n"}, Check(name="words", command=NO_BAD))["words"]

    assert not verdict.passed
    assert verdict.summary.endswith("it fails without the change, too")


def test_finding_in_a_file_that_was_right_is_the_changes(attempt: Attempt) -> None:
    verdict = attempt.check({"fine.txt": "bad\n"}, Check(name="words", command=NO_BAD))["words"]

    assert not verdict.passed
    assert "without the change" not in verdict.summary


def test_base_is_judged_with_every_file_as_it_stood(attempt: Attempt) -> None:
    whole = Check(name="whole", command="cat *.txt *.c; test -e new.txt; exit 1")

    verdict = attempt.check({"new.txt": "n\n", "old.txt": "o\n", "x.c": None}, whole)["whole"]

    assert verdict.details is not None
    assert verdict.details.startswith("Printed with the change only:\nn\no\n")
    assert sorted(p.name for p in attempt.root.iterdir()) == [
        ".git",
        "fine.txt",
        "new.txt",
        "old.txt",
    ]
    assert (attempt.read("new.txt"), attempt.read("old.txt")) == ("n\n", "o\n")


def test_modes_come_back_as_well(attempt: Attempt) -> None:
    put_files(attempt.root, {"run.sh": "#!/bin/sh\n"})
    (attempt.root / "run.sh").chmod(0o755)

    with base_in_place(attempt.root, attempt.head, ["run.sh"]):
        assert not (attempt.root / "run.sh").exists()

    assert os.access(attempt.root / "run.sh", os.X_OK)


def test_files_come_back_after_a_crash_in_between(attempt: Attempt) -> None:
    put_files(attempt.root, {"old.txt": "mine\n", "new.txt": "new\n"})
    view = base_in_place(attempt.root, attempt.head, ["old.txt", "new.txt"])
    view.__enter__()
    assert attempt.read("old.txt") == "good\nbad\n"
    kept = (locate_private(attempt.root) / NAME).read_bytes()
    assert kept.count(b'"path"') == 2

    bring_back(attempt.root)

    assert (attempt.read("old.txt"), attempt.read("new.txt")) == ("mine\n", "new\n")
    assert not (locate_private(attempt.root) / NAME).exists()


def test_command_that_wrecks_the_files_at_the_base_loses_nothing(attempt: Attempt) -> None:
    wreck = Check(
        name="wreck",
        command="test -e .forge-seen || { touch .forge-seen; exit 1; }; rm old.txt; "
        "mkdir old.txt; ln -s /etc/passwd new.txt; exit 2",
    )

    verdict = attempt.check({"old.txt": "mine\n", "new.txt": "new\n"}, wreck)["wreck"]

    assert not verdict.passed
    assert (attempt.read("old.txt"), attempt.read("new.txt")) == ("mine\n", "new\n")
    assert not (attempt.root / "new.txt").is_symlink()


def test_directory_that_was_made_a_link_leads_nowhere(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "a.txt").write_text("theirs\n")
    attempt = Attempt(tmp_path / "r", {"d/a.txt": "base\n", "b": "b\n"})
    command = (
        "test -e .forge-seen || { touch .forge-seen; exit 1; }; "
        f"rm -r d; ln -s {outside} d; exit 1"
    )

    verdict = attempt.check({"d/a.txt": "mine\n"}, Check(name="link", command=command))["link"]

    assert (verdict.passed, verdict.unusable) == (False, True)
    assert "'d' is a link or not a directory" in verdict.summary
    assert (outside / "a.txt").read_text() == "theirs\n"


def test_missing_command_is_no_fault_of_the_files(attempt: Attempt) -> None:
    verdict = attempt.check({"a.txt": "x\n"}, Check(name="miss", command="no-such-linter {files}"))[
        "miss"
    ]

    assert (verdict.passed, verdict.unusable) == (False, True)


def test_check_has_the_bounds_and_the_environment_of_the_tests(
    attempt: Attempt, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "k")
    env = Check(name="env", command="env; exit 1")
    slow = Check(name="slow", command="sleep 60", timeout_s=0.2)
    big = Check(name="big", command="head -c 3000000 /dev/zero > big; test $? = 0")

    results = attempt.check({"a.txt": "x\n"}, env, slow, big, test_file_size_mb=1)

    assert "OPENAI_API_KEY" not in (results["env"].details or "")
    assert results["slow"].summary.startswith("killed after ")
    assert results["big"].summary.startswith("exit 1 ")


def test_skipped_check_is_named(attempt: Attempt) -> None:
    verdict = attempt.check({"a.txt": "x\n"}, skipped_checks=("theirs",))["theirs"]

    assert verdict.passed
    assert verdict.summary.startswith("not run: ")


@pytest.mark.skipif(shutil.which("node") is None, reason="there is no node")
def test_syntax_of_javascript_is_checked_by_node(tmp_path: Path) -> None:
    attempt = Attempt(tmp_path / "r", {"a.js": "module.exports = 1;\n", "old.js": "let let = 1;\n"})
    loop = 'for file in {files}; do node --check "$file" || exit 1; done'
    node = Check(name="node", command=loop, files=("*.js",))

    broken = attempt.check({"0.js": "0;\n", "a.js": "module.exports = ;\n"}, node)["node"]
    mended = attempt.check({"a.js": "module.exports = 2;\n"}, node)["node"]
    stood = attempt.check({"old.js": "let let = 1;\nlet b = 2;\n"}, node)["node"]

    assert not broken.passed
    assert broken.details is not None
    assert "SyntaxError" in broken.details
    assert (mended.passed, mended.warning) == (True, False)
    assert (stood.passed, stood.warning) == (True, True)

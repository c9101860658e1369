"""Fix commands mend what a change brought, and nothing else."""

from pathlib import Path

import pytest
from forge_core.models.check import Check
from support.repository import git

from .test_checks import Attempt

NO_TABS = "grep -n '\t' {files} && exit 1; exit 0"
EXPAND = "sed -i.old 's/\t/  /g' {files} && rm -f ./*.old"
"""Mends what the check finds, and works with every sed."""


@pytest.fixture
def attempt(tmp_path: Path) -> Attempt:
    return Attempt(tmp_path / "r", {"tabs.txt": "a\tb\nc\n", "plain.txt": "a  b\n", "z": "z\n"})


def tabs(fix: str) -> Check:
    return Check(name="tabs", command=NO_TABS, fix=fix, files=("*.txt",))


def test_new_file_is_mended(attempt: Attempt) -> None:
    verdict = attempt.check({"new.txt": "x\ty\n"}, tabs(EXPAND))["tabs"]

    assert (verdict.passed, verdict.warning) == (True, False)
    assert attempt.read("new.txt") == "x  y\n"


def test_line_that_was_written_is_mended_beside_others(attempt: Attempt) -> None:
    verdict = attempt.check({"plain.txt": "a  b\nx\ty\n"}, tabs(EXPAND))["tabs"]

    assert verdict.passed
    assert attempt.read("plain.txt") == "a  b\nx  y\n"


def test_fix_that_changes_what_stood_before_is_undone(attempt: Attempt) -> None:
    verdict = attempt.check({"tabs.txt": "a\tb\nc\nd\te\n"}, tabs(EXPAND))["tabs"]

    assert attempt.read("tabs.txt") == "a\tb\nc\nd\te\n"
    assert not verdict.passed
    assert "its fix put back in tabs.txt: it changed lines that stood before" in verdict.summary


def test_file_that_the_fix_left_alone_before_is_mended_whole(attempt: Attempt) -> None:
    """A line that stood may change if the change made it wrong, as one that is nested deeper."""
    indent = Check(
        name="indent",
        command="awk '/^if/{d=1} d && /^a/{exit 1}' {files}",
        fix='for f in {files}; do awk \'/^if/{d=1} d && /^a/{$0="  " $0} {print}\' "$f" > .t && '
        'mv .t "$f"; done',
    )

    verdict = attempt.check({"plain.txt": "if x\na  b\n"}, indent)["indent"]

    assert verdict.passed
    assert attempt.read("plain.txt") == "if x\n  a  b\n"


def test_other_files_are_put_back(attempt: Attempt) -> None:
    fix = "echo more >> z; echo new > made; rm -f plain.txt; " + EXPAND

    verdict = attempt.check({"new.txt": "x\ty\n"}, tabs(fix))["tabs"]

    assert attempt.read("new.txt") == "x  y\n"
    assert attempt.read("z") == "z\n"
    assert attempt.read("plain.txt") == "a  b\n"
    assert git(attempt.root, "status", "--porcelain") == "?? new.txt"
    assert verdict.passed
    assert "put back in made, plain.txt, z: not a changed file" in verdict.summary


def test_changes_of_the_user_of_before_are_left_alone(attempt: Attempt) -> None:
    (attempt.root / "z").write_text("mine\n")

    attempt.check({"new.txt": "x\ty\n"}, tabs(EXPAND))

    assert attempt.read("z") == "mine\n"


@pytest.mark.parametrize(
    "fix",
    [
        pytest.param(": > new.txt", id="empties"),
        pytest.param("rm new.txt", id="removes"),
        pytest.param("rm new.txt; mkdir new.txt", id="directory"),
        pytest.param("rm new.txt; ln -s z new.txt", id="link"),
        pytest.param("chmod +x new.txt", id="executable"),
        pytest.param("echo half > new.txt; kill -9 $$", id="killed"),
    ],
)
def test_fix_that_takes_the_change_away_is_undone(attempt: Attempt, fix: str) -> None:
    attempt.check({"new.txt": "x\ty\n"}, tabs(fix))

    assert attempt.read("new.txt") == "x\ty\n"
    assert git(attempt.root, "status", "--porcelain") == "?? new.txt"


def test_mended_file_has_no_other_name(attempt: Attempt) -> None:
    attempt.check({"new.txt": "x\ty\n"}, tabs("rm new.txt; ln z new.txt"))

    assert (attempt.root / "new.txt").stat().st_nlink == 1
    assert attempt.read("z") == "z\n"


def test_fix_whose_command_finds_more_than_it_mends_is_kept(attempt: Attempt) -> None:
    verdict = attempt.check({"new.txt": "x\ty\n"}, tabs(EXPAND + "; exit 1"))["tabs"]

    assert verdict.passed
    assert attempt.read("new.txt") == "x  y\n"


def test_missing_fix_command_is_no_fault_of_the_files(attempt: Attempt) -> None:
    verdict = attempt.check({"new.txt": "x\n"}, tabs("no-such-fixer {files}"))["tabs"]

    assert (verdict.passed, verdict.unusable) == (False, True)


def test_without_auto_fix_nothing_is_mended(attempt: Attempt) -> None:
    verdict = attempt.check({"new.txt": "x\ty\n"}, tabs(EXPAND), auto_fix=False)["tabs"]

    assert not verdict.passed
    assert attempt.read("new.txt") == "x\ty\n"

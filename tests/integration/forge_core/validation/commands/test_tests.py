"""Where tests fail, the base is asked whether the change is to blame, once."""

from pathlib import Path

import pytest
from forge_core.models.result import ValidationResult
from forge_core.validation.commands import tests as tests_module

from .test_checks import Attempt


@pytest.fixture
def attempt(tmp_path: Path) -> Attempt:
    return Attempt(tmp_path / "r", {"a.txt": "one\n", ".gitignore": "runs\n"})


def run(attempt: Attempt, text: str, command: str, task: str = "") -> ValidationResult:
    counted = f"echo . >> runs; {command}"
    verdicts = attempt.check({"a.txt": text}, run_tests=True, test_command=counted, task=task)
    return verdicts["tests"]


def count_runs(attempt: Attempt) -> int:
    return attempt.read("runs").count(".")


def test_failure_of_before_is_told_and_the_base_asked_once(attempt: Attempt) -> None:
    first = run(attempt, "two\n", "echo broken; exit 1")
    second = run(attempt, "three\n", "echo broken; exit 1")

    for verdict in (first, second):
        assert (verdict.passed, verdict.stood_before) == (False, True)
        assert verdict.summary.endswith(", in the same way as without the change")
    assert count_runs(attempt) == 3
    assert attempt.read("a.txt") == "three\n"


@pytest.mark.parametrize(
    ("task", "beside"), [("Colour the banner.", True), ("Fix the feed.", False)]
)
def test_tests_that_failed_before_are_told_apart_from_what_the_task_is_about(
    attempt: Attempt, task: str, *, beside: bool
) -> None:
    command = "echo 'FAILED test_feed.py::test_fetch - timeout'; exit 1"

    verdict = run(attempt, "two\n", command, task)

    assert (verdict.passed, verdict.stood_before) == (False, True)
    assert verdict.beside_task == beside
    assert ("the task is about none of them" in verdict.summary) == beside


def test_another_failure_than_before_is_told_as_one(attempt: Attempt) -> None:
    verdict = run(attempt, "two\n", "cat a.txt; exit 1")

    assert (verdict.passed, verdict.stood_before) == (False, False)
    assert verdict.summary.endswith("; the tests fail without the change, too")


def test_failure_of_the_change_is_told_as_ever(attempt: Attempt) -> None:
    verdict = run(attempt, "two\n", "grep one a.txt")

    assert (verdict.passed, verdict.stood_before) == (False, False)
    assert "without the change" not in verdict.summary


def test_tests_that_pass_run_once(attempt: Attempt) -> None:
    assert run(attempt, "two\n", "true").passed
    assert count_runs(attempt) == 1


def test_base_is_not_asked_where_that_takes_long(
    attempt: Attempt, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tests_module, "CHEAP_MS", 0.0)

    verdict = run(attempt, "two\n", "echo broken; exit 1")

    assert (verdict.passed, verdict.stood_before) == (False, False)
    assert count_runs(attempt) == 1

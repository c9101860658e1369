"""A verdict passes only where the tool itself said so."""

import json
from pathlib import PurePosixPath

import pytest
from forge_core.shell.bounds import CommandResult
from forge_core.validation.verdicts import (
    DETAILS_LENGTH,
    MAX_FINDINGS,
    build_format_verdict,
    build_lint_verdict,
    build_not_checked,
    build_skip,
    build_test_verdict,
)

ROOT = PurePosixPath("/repo")


def ended(returncode: int | None, output: str = "", *, truncated: bool = False) -> CommandResult:
    return CommandResult(returncode, output, truncated, 1500.0)


def finding(row: int = 3, code: str | None = "F401") -> str:
    return json.dumps(
        {
            "filename": "/repo/pkg/a.py",
            "location": {"row": row, "column": 7},
            "code": code,
            "message": "`os` imported but unused",
        }
    )


def test_findings_are_shown_as_place_code_and_message() -> None:
    verdict = build_lint_verdict([ended(1, finding())], ROOT)

    assert not verdict.passed
    assert verdict.summary == "1 finding"
    assert verdict.details == "pkg/a.py:3:7 F401 `os` imported but unused"


def test_warnings_among_the_findings_are_passed_over() -> None:
    output = f"warning: a rule is deprecated\n{finding()}\n{finding(4, None)}\n"

    verdict = build_lint_verdict([ended(1, output)], ROOT)

    assert verdict.summary == "2 findings"
    assert verdict.details is not None
    assert verdict.details.endswith("pkg/a.py:4:7 syntax `os` imported but unused")


def test_many_findings_are_cut_with_their_number() -> None:
    output = "\n".join(finding(row) for row in range(MAX_FINDINGS + 5))

    verdict = build_lint_verdict([ended(1, output)], ROOT)

    assert verdict.summary == f"{MAX_FINDINGS + 5} findings"
    assert verdict.details is not None
    assert verdict.details.splitlines()[-1] == "… and 5 more"


def test_findings_of_cut_output_are_counted_as_a_least_number() -> None:
    output = f"{finding()}\n{finding(2)[:20]}\n… 9 bytes left out …\n{finding(9)}"

    verdict = build_lint_verdict([ended(1, output, truncated=True)], ROOT)

    assert verdict.summary == "at least 2 findings"


def test_clean_runs_of_both_kinds_of_files_pass() -> None:
    verdict = build_lint_verdict([ended(0), ended(0)], ROOT)

    assert verdict.passed
    assert verdict.duration_ms == 3000


def test_finding_in_one_kind_of_files_fails_the_whole() -> None:
    assert not build_lint_verdict([ended(0), ended(1, finding())], ROOT).passed


@pytest.mark.parametrize("returncode", [2, 101, -9, None], ids=["error", "panic", "kill", "time"])
@pytest.mark.parametrize("output", ["", "[]", "invalid configuration"])
def test_lint_that_broke_off_never_passes(returncode: int | None, output: str) -> None:
    verdict = build_lint_verdict([ended(returncode, output)], ROOT)

    assert not verdict.passed
    assert verdict.summary.startswith("could not check: ruff ")


def test_lint_that_fails_without_findings_does_not_pass() -> None:
    verdict = build_lint_verdict([ended(1, "nonsense")], ROOT)

    assert not verdict.passed
    assert verdict.details == "nonsense"


@pytest.mark.parametrize(
    ("returncode", "passed", "summary"),
    [
        (0, True, "formatted"),
        (1, False, "not formatted"),
        (2, False, "could not check: ruff ended with exit 2"),
        (None, False, "could not check: ruff did not end"),
    ],
)
def test_format_is_judged_by_its_exit_code(
    returncode: int | None, passed: bool, summary: str
) -> None:
    verdict = build_format_verdict([ended(returncode, "a.py")])

    assert (verdict.passed, verdict.summary) == (passed, summary)
    assert verdict.details == (None if passed else "a.py")


@pytest.mark.parametrize(
    ("returncode", "passed", "summary"),
    [
        (0, True, "exit 0 in 1.5 s"),
        (1, False, "exit 1 in 1.5 s"),
        (-11, False, "exit -11 in 1.5 s"),
        (None, False, "killed after 1.5 s"),
    ],
)
def test_tests_are_judged_by_their_exit_code(
    returncode: int | None, passed: bool, summary: str
) -> None:
    verdict = build_test_verdict(ended(returncode, "out"))

    assert (verdict.check_name, verdict.passed, verdict.summary) == ("tests", passed, summary)


def test_failed_tests_show_the_end_of_their_output() -> None:
    verdict = build_test_verdict(ended(1, "begin" + "x" * DETAILS_LENGTH + "end"))

    assert verdict.details is not None
    assert verdict.details.endswith("end")
    assert "begin" not in verdict.details


def test_check_that_was_not_made_does_not_read_as_passed() -> None:
    assert not build_not_checked("ruff_lint", "ruff is not installed").passed
    assert build_skip("ruff_lint", "no Python files").passed

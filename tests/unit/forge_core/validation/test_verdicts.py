"""A verdict passes only where the tool itself said so."""

import pytest
from forge_core.shell.bounds import CommandResult
from forge_core.validation.findings import Finding
from forge_core.validation.verdicts import (
    MAX_FINDINGS,
    FormatReport,
    LintReport,
    build_format_verdict,
    build_lint_verdict,
    build_not_checked,
    build_skip,
    build_test_verdict,
)


def ended(returncode: int | None, output: str = "", *, truncated: bool = False) -> CommandResult:
    return CommandResult(returncode, output, truncated, 1500.0)


def finding(row: int = 3, code: str = "F401") -> Finding:
    return Finding("pkg/a.py", row, 7, code, "`os` imported but unused")


def test_findings_are_shown_as_place_code_and_message() -> None:
    verdict = build_lint_verdict(LintReport([finding()], duration_ms=3.0))

    assert not verdict.passed
    assert verdict.summary == "1 finding"
    assert verdict.details == "pkg/a.py:3:7 F401 `os` imported but unused"
    assert verdict.duration_ms == 3.0


def test_many_findings_are_cut_with_their_number() -> None:
    verdict = build_lint_verdict(LintReport([finding(row) for row in range(MAX_FINDINGS + 5)]))

    assert verdict.summary == f"{MAX_FINDINGS + 5} findings"
    assert verdict.details is not None
    assert verdict.details.splitlines()[-1] == "… and 5 more"


def test_findings_of_cut_output_are_counted_as_a_least_number() -> None:
    verdict = build_lint_verdict(LintReport([finding(), finding(9)], truncated=True))

    assert verdict.summary == "at least 2 findings"


@pytest.mark.parametrize(
    ("old", "sources", "summary"),
    [
        (0, (), "no findings"),
        (0, ("ruff.toml",), "no findings (ruff.toml)"),
        (2, ("a/ruff.toml", "errors only"), "no new findings, 2 stood before (a/ruff.toml, errors"),
    ],
)
def test_passed_lint_says_what_stood_before_and_whose_rules_were_applied(
    old: int, sources: tuple[str, ...], summary: str
) -> None:
    verdict = build_lint_verdict(LintReport([], old=old, sources=sources))

    assert verdict.passed
    assert verdict.summary.startswith(summary)


@pytest.mark.parametrize(
    ("report", "passed", "summary"),
    [
        (FormatReport(sources=["ruff.toml"]), True, "formatted (ruff.toml)"),
        (FormatReport(left=1, sources=["x"]), True, "formatted, 1 left as they stood (x)"),
        (FormatReport(reasons=["no ruff configuration"]), True, "not run (no ruff configuration)"),
        (FormatReport(["a.py"], sources=["ruff.toml"]), False, "not formatted"),
    ],
)
def test_format_says_whether_it_ran_and_why(
    report: FormatReport, passed: bool, summary: str
) -> None:
    verdict = build_format_verdict(report)

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


def test_failed_tests_show_both_ends_of_their_output() -> None:
    verdict = build_test_verdict(ended(1, "begin" + "x" * 50_000 + "end"))

    assert verdict.details is not None
    assert verdict.details.startswith("begin")
    assert verdict.details.endswith("end")
    assert not verdict.unusable


@pytest.mark.parametrize("returncode", [126, 127])
def test_command_that_did_not_run_is_no_judgement(returncode: int) -> None:
    verdict = build_test_verdict(ended(returncode, "sh: 1: pytets: not found"))

    assert (verdict.passed, verdict.unusable) == (False, True)
    assert verdict.summary.startswith(f"the test command could not run: exit {returncode}, ")


@pytest.mark.parametrize(
    ("command", "output", "unusable"),
    [
        ("python -m pytest -q", "/bin/python: No module named pytest", True),
        ("python -m pytest -q", "E   ModuleNotFoundError: No module named 'pytest'", False),
        ("python -m pkg.tests", "/bin/python: No module named pkg", False),
        ("make", "/bin/python: No module named pytest", False),
    ],
)
def test_missing_runner_is_no_judgement(command: str, output: str, unusable: bool) -> None:
    verdict = build_test_verdict(ended(1, output), command=command)

    assert (verdict.passed, verdict.unusable) == (False, unusable)


def test_check_that_was_not_made_does_not_read_as_passed() -> None:
    verdict = build_not_checked("ruff_lint", "ruff is not installed")

    assert (verdict.passed, verdict.unusable) == (False, True)
    assert build_skip("ruff_lint", "no Python files").passed

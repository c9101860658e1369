"""Verdicts of checks, made from what the tools said, pure."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from forge_core.models.result import ValidationResult
from forge_core.shell.bounds import CommandResult
from forge_core.validation.excerpt import build_excerpt
from forge_core.validation.findings import Finding

MAX_FINDINGS = 50
"""Findings of a linter that a verdict carries."""

CANNOT_RUN = {126: "it cannot be executed", 127: "no such command"}
"""Exit codes by which a shell says that a command did not run."""

RUNNER = re.compile(r"-m\s+(pytest|nose2|tox|nox|coverage|hatch)\b")
"""A test runner that Python is to run; a module of the repository may be missing by its change."""


@dataclass(frozen=True, slots=True)
class LintReport:
    """What a linter says of a change."""

    new: Sequence[Finding]
    """What the change brought."""
    old: int = 0
    """Findings that stood before."""
    truncated: bool = False
    """Whether some are missing."""
    sources: Sequence[str] = ()
    """Whose rules were applied, in words."""
    duration_ms: float = 0.0


@dataclass(frozen=True, slots=True)
class FormatReport:
    """How a change is formatted."""

    outputs: Sequence[str] = ()
    """What the formatter says of files that it would change."""
    left: int = 0
    """Files that were not formatted before and are left as they are."""
    sources: Sequence[str] = ()
    """Whose rules were applied, in words."""
    reasons: Sequence[str] = ()
    """Why other files are not formatted at all."""
    duration_ms: float = 0.0


def build_lint_verdict(report: LintReport) -> ValidationResult:
    """Build the verdict of a linter: only what a change brought counts."""
    findings = [finding.render() for finding in report.new]
    if not findings:
        stood = f"no new findings, {report.old} stood before" if report.old else "no findings"
        return ValidationResult(
            check_name="ruff_lint",
            passed=True,
            summary=_add_reasons(stood, report.sources),
            duration_ms=report.duration_ms,
        )
    at_least = "at least " if report.truncated else ""
    plural = "s" if len(findings) > 1 else ""
    more = [f"… and {len(findings) - MAX_FINDINGS} more"] if len(findings) > MAX_FINDINGS else []
    return ValidationResult(
        check_name="ruff_lint",
        passed=False,
        summary=f"{at_least}{len(findings)} finding{plural}",
        details="\n".join([*findings[:MAX_FINDINGS], *more]),
        duration_ms=report.duration_ms,
    )


def build_format_verdict(report: FormatReport) -> ValidationResult:
    """Build the verdict of a formatter."""
    if report.outputs:
        text = "\n".join(output.strip() for output in report.outputs)
        summary, details = "not formatted", build_excerpt(text)
    else:
        done = "formatted" if report.sources else "not run"
        left = f", {report.left} left as they stood" if report.left else ""
        reasons = [*report.sources, *report.reasons]
        summary, details = _add_reasons(done + left, reasons), None
    return ValidationResult(
        check_name="ruff_format",
        passed=not report.outputs,
        summary=summary,
        details=details,
        duration_ms=report.duration_ms,
    )


def _add_reasons(text: str, reasons: Sequence[str]) -> str:
    return f"{text} ({', '.join(reasons)})" if reasons else text


@dataclass(frozen=True, slots=True)
class BaseTests:
    """How the tests end without the change, as far as that is known."""

    failed: bool = False
    stood_before: bool = False
    """Whether they say the same."""
    beside_task: bool = False
    """Whether those that fail have nothing to do with the task."""


NO_BASE = BaseTests()
"""Where nothing is known of it."""


def build_test_verdict(
    result: CommandResult,
    roots: Sequence[str] = (),
    *,
    command: str = "",
    base: BaseTests = NO_BASE,
) -> ValidationResult:
    """Build the verdict on how the test command ended.

    Args:
        result: How it ended.
        roots: Directories that an editable install, or the environment, has Python read from the
            checkout, and which were read from the worktree.
        command: What was run.
        base: How it ends without the change.
    """
    obstacle = _find_obstacle(result, command)
    passed = result.returncode == 0
    editable = f", with the worktree before the editable {', '.join(roots)}" if roots else ""
    return ValidationResult(
        check_name="tests",
        passed=passed,
        summary=_describe_end(result, obstacle) + _compare_end(base) + editable,
        details=None if passed else build_excerpt(result.output, seek=True),
        duration_ms=result.duration_ms,
        unusable=obstacle is not None,
        stood_before=base.stood_before,
        beside_task=base.beside_task,
    )


def _find_obstacle(result: CommandResult, command: str) -> str | None:
    """Say why a test command did not run; None where it did."""
    reason = CANNOT_RUN.get(result.returncode or 0)
    if reason is not None:
        return f"exit {result.returncode}, {reason}"
    # As Python itself says it; what a test fails to import stands in quotes.
    names = RUNNER.findall(command) if result.returncode == 1 else ()
    missing = (name for name in names if f": No module named {name}\n" in f"{result.output}\n")
    return next((f"Python has no module {name}" for name in missing), None)


def _describe_end(result: CommandResult, obstacle: str | None) -> str:
    seconds = f"{result.duration_ms / 1000:.1f} s"
    if result.exceeded:
        return f"killed for {result.exceeded} after {seconds}"
    if result.timed_out:
        return f"killed after {seconds}"
    if obstacle is not None:
        return f"the test command could not run: {obstacle}"
    return f"exit {result.returncode} in {seconds}"


def _compare_end(base: BaseTests) -> str:
    if base.beside_task:
        return ": the same tests fail without the change, and the task is about none of them"
    if base.stood_before:
        return ", in the same way as without the change"
    return "; the tests fail without the change, too" if base.failed else ""


def build_replaced_verdict(paths: Sequence[str]) -> ValidationResult:
    """Build the verdict where files that were written are no longer regular files."""
    names = ", ".join(map(repr, paths))
    return ValidationResult(
        check_name="files",
        passed=False,
        summary=f"the tests put a link or another non-file in the place of {names}",
    )


def build_astray_verdict(mishap: str) -> ValidationResult:
    """Judge that the worktree is not what it was."""
    return ValidationResult(
        check_name="worktree", passed=False, summary=f"the tests changed the worktree: {mishap}"
    )


def build_skip(check_name: str, reason: str) -> ValidationResult:
    """Build the verdict where there was nothing to check."""
    return ValidationResult(check_name=check_name, passed=True, summary=reason)


def build_not_checked(check_name: str, reason: str, details: str | None = None) -> ValidationResult:
    """Build the verdict on a check that could not be made; nothing that is written passes it."""
    return ValidationResult(
        check_name=check_name,
        passed=False,
        summary=f"could not check: {reason}",
        details=None if details is None else build_excerpt(details),
        unusable=True,
    )

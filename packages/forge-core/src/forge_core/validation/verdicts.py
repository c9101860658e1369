"""Verdicts of checks, made from what the tools said, pure."""

import json
from collections.abc import Sequence
from pathlib import PurePath
from typing import Any

from forge_core.models.result import ValidationResult
from forge_core.shell.bounds import CommandResult

MAX_FINDINGS = 50
"""Findings of a linter that a verdict carries."""

DETAILS_LENGTH = 12_000
"""Characters of a command's output that a verdict carries, from the end."""

OWN_ENDS = (0, 1)
"""Exit codes with which ruff passes judgement; any other means that it could not."""


def build_lint_verdict(results: Sequence[CommandResult], root: PurePath) -> ValidationResult:
    """Build the verdict on the JSON lines of ``ruff check``, with paths relative to `root`."""
    if any(result.returncode not in OWN_ENDS for result in results):
        return _build_failed_run("ruff_lint", results)
    findings = [line for result in results for line in _parse_findings(result.output, root)]
    if all(result.returncode == 0 for result in results):
        return _build_verdict("ruff_lint", results, passed=True, summary="no findings")
    if not findings:
        return _build_failed_run("ruff_lint", results)
    at_least = "at least " if any(result.truncated for result in results) else ""
    plural = "s" if len(findings) > 1 else ""
    more = [f"… and {len(findings) - MAX_FINDINGS} more"] if len(findings) > MAX_FINDINGS else []
    return _build_verdict(
        "ruff_lint",
        results,
        passed=False,
        summary=f"{at_least}{len(findings)} finding{plural}",
        details="\n".join([*findings[:MAX_FINDINGS], *more]),
    )


def build_format_verdict(results: Sequence[CommandResult]) -> ValidationResult:
    """Build the verdict on how ``ruff format --check`` ended."""
    if any(result.returncode not in OWN_ENDS for result in results):
        return _build_failed_run("ruff_format", results)
    if all(result.returncode == 0 for result in results):
        return _build_verdict("ruff_format", results, passed=True, summary="formatted")
    return _build_verdict(
        "ruff_format", results, passed=False, summary="not formatted", details=_join(results)
    )


def build_test_verdict(result: CommandResult) -> ValidationResult:
    """Build the verdict on how the test command ended."""
    seconds = f"{result.duration_ms / 1000:.1f} s"
    if result.exceeded:
        ended = f"killed for {result.exceeded} after"
    else:
        ended = "killed after" if result.timed_out else f"exit {result.returncode} in"
    passed = result.returncode == 0
    return _build_verdict(
        "tests",
        [result],
        passed=passed,
        summary=f"{ended} {seconds}",
        details=None if passed else _join([result]),
    )


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


def build_not_checked(check_name: str, reason: str) -> ValidationResult:
    """Build the verdict on a check that could not be made; it does not pass."""
    return ValidationResult(
        check_name=check_name, passed=False, summary=f"could not check: {reason}"
    )


def _build_failed_run(check_name: str, results: Sequence[CommandResult]) -> ValidationResult:
    bad = next((r for r in results if r.returncode not in OWN_ENDS), results[-1])
    how = "did not end" if bad.timed_out else f"ended with exit {bad.returncode}"
    return _build_verdict(
        check_name,
        results,
        passed=False,
        summary=f"could not check: ruff {how}",
        details=_join([bad]),
    )


def _build_verdict(
    check_name: str,
    results: Sequence[CommandResult],
    *,
    passed: bool,
    summary: str,
    details: str | None = None,
) -> ValidationResult:
    return ValidationResult(
        check_name=check_name,
        passed=passed,
        summary=summary,
        details=details,
        duration_ms=sum(result.duration_ms for result in results),
    )


def _parse_findings(output: str, root: PurePath) -> list[str]:
    """Render the findings among lines of which some may be warnings or cut short."""
    findings = (_parse_line(line) for line in output.splitlines() if line.startswith("{"))
    return [_render_finding(finding, root) for finding in findings if finding]


def _parse_line(line: str) -> dict[str, Any] | None:
    try:
        finding = json.loads(line)
    except ValueError:
        return None
    return finding if isinstance(finding, dict) else None


def _render_finding(finding: dict[str, Any], root: PurePath) -> str:
    path = PurePath(str(finding.get("filename")))
    name = path.relative_to(root) if path.is_relative_to(root) else path
    place = finding.get("location") or {}
    where = f"{name}:{place.get('row')}:{place.get('column')}"
    return f"{where} {finding.get('code') or 'syntax'} {finding.get('message')}"


def _join(results: Sequence[CommandResult]) -> str:
    """Return the end of what the commands printed."""
    text = "\n".join(result.output.strip() for result in results).strip()
    return text if len(text) <= DETAILS_LENGTH else f"…{text[-DETAILS_LENGTH:]}"

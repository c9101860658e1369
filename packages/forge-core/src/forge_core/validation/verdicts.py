"""Verdicts of checks, made from what the tools said; pure."""

import json
from typing import Any

from forge_core.models.result import ValidationResult
from forge_core.shell_command import CommandResult

MAX_FINDINGS = 50
"""Findings of a linter that a verdict carries."""

DETAILS_LENGTH = 12_000
"""Characters of a command's output that a verdict carries, from the end."""


def build_lint_verdict(result: CommandResult) -> ValidationResult:
    """Judge by the JSON that ``ruff check`` printed."""
    findings = _parse_findings(result.output)
    if findings is None:
        return build_tool_failure("ruff_lint", result)
    if not findings:
        return _verdict("ruff_lint", result, passed=True, summary="no findings")
    lines = [_render_finding(finding) for finding in findings]
    more = [f"… and {len(lines) - MAX_FINDINGS} more"] * (len(lines) > MAX_FINDINGS)
    return _verdict(
        "ruff_lint",
        result,
        passed=False,
        summary=f"{len(findings)} finding{'s' if len(findings) > 1 else ''}",
        details="\n".join([*lines[:MAX_FINDINGS], *more]),
    )


def build_format_verdict(result: CommandResult) -> ValidationResult:
    """Judge by how ``ruff format`` ended."""
    if result.returncode == 0:
        return _verdict("ruff_format", result, passed=True, summary="formatted")
    if result.returncode == 1:
        return _verdict(
            "ruff_format",
            result,
            passed=False,
            summary="not formatted",
            details=_tail(result.output),
        )
    return build_tool_failure("ruff_format", result)


def build_test_verdict(result: CommandResult) -> ValidationResult:
    """Judge by how the test command ended."""
    seconds = f"{result.duration_ms / 1000:.1f} s"
    if result.timed_out:
        summary = f"killed after {seconds}"
    else:
        summary = f"exit {result.returncode} after {seconds}"
    passed = result.returncode == 0
    details = None if passed else _tail(result.output)
    return _verdict("tests", result, passed=passed, summary=summary, details=details)


def build_tool_failure(check_name: str, result: CommandResult) -> ValidationResult:
    """Say that a check could not judge; that is no pass."""
    how = "did not end" if result.timed_out else f"ended with exit {result.returncode}"
    return _verdict(
        check_name,
        result,
        passed=False,
        summary=f"could not check: ruff {how}",
        details=_tail(result.output),
    )


def build_skip(check_name: str, reason: str) -> ValidationResult:
    """Say that there was nothing to check."""
    return ValidationResult(check_name=check_name, passed=True, summary=reason)


def _verdict(
    check_name: str,
    result: CommandResult,
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
        duration_ms=result.duration_ms,
    )


def _parse_findings(output: str) -> list[dict[str, Any]] | None:
    try:
        findings = json.loads(output)
    except ValueError:
        return None
    return findings if isinstance(findings, list) else None


def _render_finding(finding: dict[str, Any]) -> str:
    place = finding.get("location") or {}
    where = f"{finding.get('filename')}:{place.get('row')}:{place.get('column')}"
    return f"{where} {finding.get('code') or 'syntax'} {finding.get('message')}"


def _tail(output: str) -> str:
    text = output.strip()
    return text if len(text) <= DETAILS_LENGTH else "…" + text[-DETAILS_LENGTH:]

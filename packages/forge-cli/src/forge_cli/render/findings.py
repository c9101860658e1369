"""What ``forge doctor`` found; pure."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from forge_cli.escape import escape_line

OLDEST_GIT = (2, 31)
"""The first git that says where its files are by an absolute path."""


@dataclass(frozen=True, slots=True)
class Finding:
    """What one look found."""

    subject: str
    detail: str
    remedy: str | None = None
    """What to do; None where all is well."""

    @property
    def ok(self) -> bool:
        """Whether nothing needs to be done."""
        return self.remedy is None


def judge_git(version: str) -> Finding:
    """Judge what `git --version` said."""
    numbers = re.search(r"(\d+)\.(\d+)", version)
    old = numbers is None or (int(numbers[1]), int(numbers[2])) < OLDEST_GIT
    wanted = ".".join(map(str, OLDEST_GIT))
    return Finding("git", version, f"install git {wanted} or newer" if old else None)


def judge_versions(versions: Sequence[tuple[str, str]], python: str) -> Finding:
    """Judge the versions of our distributions, which are released together."""
    same = len({version for _, version in versions}) == 1
    named = ", ".join(f"{name} {version}" for name, version in versions)
    remedy = None if same else "install the three distributions of one version"
    return Finding("versions", f"{named}, Python {python}", remedy)


def render_findings(findings: Sequence[Finding]) -> str:
    """Render a line for each look: what was found and, if need be, what to do."""
    width = max(len(finding.subject) for finding in findings)
    return "\n".join(
        f"{'ok ' if finding.ok else 'fix'}  {finding.subject:{width}}  {_describe(finding)}"
        for finding in findings
    )


def _describe(finding: Finding) -> str:
    detail = escape_line(finding.detail)
    return detail if finding.remedy is None else f"{detail}: {escape_line(finding.remedy)}"

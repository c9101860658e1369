"""What one look of ``forge doctor`` finds, and how it is judged; pure."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

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
    oldest = ".".join(map(str, OLDEST_GIT))
    return Finding("git", version, f"install git {oldest} or newer" if old else None)


def judge_versions(versions: Sequence[tuple[str, str]], python: str) -> Finding:
    """Judge the versions of our distributions, which are released together."""
    same = len({version for _, version in versions}) == 1
    named = ", ".join(f"{name} {version}" for name, version in versions)
    remedy = None if same else "install the three distributions of one version"
    return Finding("versions", f"{named}, Python {python}", remedy)

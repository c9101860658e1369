"""What one look of ``forge doctor`` finds, and how it is judged; pure."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

Level = Literal["ok", "warn", "fail"]
"""All is well; what works, but should be looked at; what keeps a command from its work."""

OLDEST_GIT = (2, 31)
"""The first git that says where its files are by an absolute path."""


@dataclass(frozen=True, slots=True)
class Finding:
    """What one look found."""

    subject: str
    detail: str
    remedy: str | None = None
    """What to do; None where all is well."""
    is_warning: bool = False
    """Whether everything works without the remedy, too."""

    @property
    def level(self) -> Level:
        """How bad it is."""
        if self.remedy is None:
            return "ok"
        return "warn" if self.is_warning else "fail"

    @property
    def ok(self) -> bool:
        """Whether nothing keeps a command from its work."""
        return self.level != "fail"


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

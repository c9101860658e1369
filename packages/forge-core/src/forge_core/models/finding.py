"""What a check found, in one line; pure, and without any library."""

from typing import Final

LISTING: Final = frozenset({"ruff_lint", "syntax"})
"""Checks whose details begin with the first finding."""


def describe_finding(check_name: str, summary: str, details: str | None) -> str:
    """Name a check with what it found: of a linter the first finding itself."""
    first = (details or "").strip().partition("\n")[0] if check_name in LISTING else ""
    return f"{check_name}: {first or summary}"

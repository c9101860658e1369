"""By which rules ruff judges a file: the repository's own, ruff's, or errors alone.

Ruff by itself would look for a configuration further up, in the user's checkout and home. Style is
the business of a repository that has chosen ruff, or of a user who asks for it; what cannot work is
an error everywhere.

See D71.
"""

import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

CONFIG_FILES = (".ruff.toml", "ruff.toml", "pyproject.toml")
"""Where a directory may configure ruff; the first counts, as it does for ruff."""

ERRORS = ("E9", "F63", "F7", "F82")
"""Rules for code that cannot work, beside syntax: undefined names, misplaced statements."""

GIVEN_NAMES = ("_", "ngettext", "get_ipython", "WindowsError", "reveal_type")
"""Names that programs find defined although no module defines them."""

FORMATTERS = ("black", "yapf", "autopep8", "blue")
"""Tables of `[tool]` for other formatters; beside one of them ruff only lints."""

LOWEST_MINOR, HIGHEST_MINOR = 7, 14
"""Versions 3.x whose syntax ruff tells apart."""

MINOR_VERSION = re.compile(r"(?:>=|~=|==|\^|^)\s*3\.(\d+)")

ANY_VERSION = re.compile(rf"{MINOR_VERSION.pattern}|^py3(\d+)$")
"""The same, or what ruff calls a version."""


@dataclass(frozen=True, slots=True)
class FileRules:
    """What applies to one Python file."""

    configuration: str | None
    """The file that configures ruff for it, relative to the worktree; None without one."""
    formatter: str | None = None
    """Another formatter that the repository configures beside ruff."""
    target_version: str | None = None
    """The oldest Python that the project supports, as ruff writes it, where ruff is not told."""

    @property
    def base_options(self) -> tuple[str, ...]:
        """Options of every command."""
        if self.configuration is not None:
            return ("--force-exclude",)
        target = () if self.target_version is None else ("--target-version", self.target_version)
        return ("--isolated", *target)

    def list_lint_options(self, wish: bool | None) -> tuple[str, ...]:
        """Return the options of a linter that was asked for, or not."""
        if self.configuration is not None or wish:
            return self.base_options
        names = ", ".join(f'"{name}"' for name in GIVEN_NAMES)
        return (
            *self.base_options,
            *("--select", ",".join(ERRORS)),
            *("--config", f"builtins = [{names}]"),
        )

    def lints_style(self, wish: bool | None) -> bool:
        """Return whether more than errors is looked for, and fixed."""
        return bool(wish) or self.configuration is not None

    def formats(self, wish: bool | None) -> bool:
        """Return whether the file is formatted."""
        return bool(wish) or (self.configuration is not None and self.formatter is None)


def find_rules(worktree: Path, path: str) -> FileRules:
    """Find the rules for a file between it and the top of its worktree."""
    target = None
    for parent in PurePosixPath(path).parents:
        project = _read_project(worktree / parent / "pyproject.toml")
        for name in CONFIG_FILES:
            if (worktree / parent / name).is_file() and (
                name != "pyproject.toml" or configures_ruff(project)
            ):
                return FileRules(str(parent / name), _find_formatter(project))
        target = target or _find_target_version(project)
    return FileRules(None, target_version=target)


def find_oldest(worktree: Path, path: str) -> tuple[int, int] | None:
    """Find the oldest Python that must read a file; None where the project does not say."""
    for parent in PurePosixPath(path).parents:
        for name in CONFIG_FILES:
            document = _read_project(worktree / parent / name) or {}
            tools = _get_table(document, "tool")
            ruff = _get_table(tools, "ruff") if name == "pyproject.toml" else document
            for text in (ruff.get("target-version"), *_list_versions(document)):
                match = ANY_VERSION.search(text) if isinstance(text, str) else None
                if match is not None:
                    return 3, int(match[1] or match[2])
    return None


def configures_ruff(project: Mapping[str, Any] | None) -> bool:
    """Return whether a ``pyproject.toml`` does; ruff says best what is wrong with a broken one."""
    return project is None or "ruff" in _get_table(project, "tool")


def _read_project(path: Path) -> Mapping[str, Any] | None:
    """Read a ``pyproject.toml``, empty where there is none; None where it cannot be parsed."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError:
        return {}
    except ValueError:
        return None


def _find_formatter(project: Mapping[str, Any] | None) -> str | None:
    tools = _get_table(project or {}, "tool")
    if "format" in _get_table(tools, "ruff"):
        return None
    return next((name for name in FORMATTERS if name in tools), None)


def _find_target_version(project: Mapping[str, Any] | None) -> str | None:
    for text in _list_versions(project or {}):
        match = MINOR_VERSION.search(text) if isinstance(text, str) else None
        if match is not None:
            minor = max(LOWEST_MINOR, int(match[1]))
            return f"py3{minor}" if minor <= HIGHEST_MINOR else None
    return None


def _list_versions(project: Mapping[str, Any]) -> Iterator[object]:
    yield _get_table(project, "project").get("requires-python")
    poetry = _get_table(_get_table(project, "tool"), "poetry")
    yield _get_table(poetry, "dependencies").get("python")


def _get_table(document: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    table = document.get(name)
    return table if isinstance(table, dict) else {}

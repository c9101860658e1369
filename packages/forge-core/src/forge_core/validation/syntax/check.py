"""Whether files are what their names say, as far as that can be told; pure.

Only what the change broke counts: a file that could not be parsed before may stay so, and a new one
counts where nobody can have meant it otherwise.

See D75.
"""

import re
from collections.abc import Callable, Mapping
from pathlib import PurePosixPath

from forge_core.models.result import ValidationResult
from forge_core.validation.syntax.json_text import find_json_fault, find_json_with_comments_fault
from forge_core.validation.syntax.kinds import allows_comments, is_sample, is_template
from forge_core.validation.syntax.python_text import PythonVersion, find_python_fault
from forge_core.validation.syntax.toml_text import find_toml_fault
from forge_core.validation.syntax.yaml_text import find_yaml_fault

FindFault = Callable[[str], str | None]
"""Says what is wrong with a text; None where nothing is, or nobody can tell."""

KINDS: Mapping[str, tuple[str, FindFault]] = {
    ".json": ("JSON", find_json_fault),
    ".jsonc": ("JSON", find_json_with_comments_fault),
    ".code-workspace": ("JSON", find_json_with_comments_fault),
    ".toml": ("TOML", find_toml_fault),
    ".yaml": ("YAML", find_yaml_fault),
    ".yml": ("YAML", find_yaml_fault),
}
"""Name of a kind and what finds faults, by the suffix of files."""

PYTHON_SUFFIXES = frozenset({".py", ".pyi"})

PROSE = frozenset({".md", ".markdown", ".mdx", ".rst", ".txt", ".adoc", ".qmd", ".rmd"})
"""Suffixes of files in which code is fenced."""

FENCED = re.compile(r"\s*(```+|~~~+)[\w+.-]*[ \t]*\r?\n.*\n\1[ \t]*\s*", re.DOTALL)
"""A text that is one block of code of Markdown as a whole."""

NO_PYTHON: Mapping[str, PythonVersion] = {}


def check_syntax(
    files: Mapping[str, bytes],
    bases: Mapping[str, bytes],
    pythons: Mapping[str, PythonVersion] = NO_PYTHON,
) -> ValidationResult | None:
    """Check files as they stand; None where there is nothing to say of any.

    Args:
        files: Contents by their paths.
        bases: What stood before; new files are missing.
        pythons: The oldest Python that must read a file, of those that nothing else judges.
    """
    problems = [
        f"{path}: {problem}"
        for path, content in files.items()
        if (problem := _find_problem(path, content, pythons.get(path)))
        and _is_due(path, bases, pythons)
    ]
    if problems:
        plural = "s" if len(problems) > 1 else ""
        return ValidationResult(
            check_name="syntax",
            passed=False,
            summary=f"{len(problems)} file{plural} not what the name says",
            details="\n".join(problems),
        )
    kinds = [kind for path in files if (kind := _name_kind(path, pythons.get(path)))]
    if not kinds:
        return None
    plural = "s" if len(kinds) > 1 else ""
    names = " and ".join(sorted(set(kinds)))
    return ValidationResult(
        check_name="syntax", passed=True, summary=f"{len(kinds)} file{plural} of {names} parsed"
    )


def _is_due(path: str, bases: Mapping[str, bytes], pythons: Mapping[str, PythonVersion]) -> bool:
    """Return whether a problem is the change's: it was none before, or there was no file."""
    if path in bases:
        return _find_problem(path, bases[path], pythons.get(path)) is None
    return not is_sample(path)


def _find_problem(path: str, content: bytes, python: PythonVersion | None) -> str | None:
    """Say what is wrong with a file; None for what is no text, too."""
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return None
    if PurePosixPath(path).suffix.lower() not in PROSE and FENCED.fullmatch(text):
        return "the whole file stands in a fence of Markdown: write the content without it"
    if python is not None:
        fault = find_python_fault(text, python)
        return None if fault is None else f"not Python {python[0]}.{python[1]}: {fault}"
    kind, find_fault = _find_kind(path)
    if find_fault is None or is_template(text):
        return None
    try:
        fault = find_fault(text)
    except RecursionError:
        return None
    return None if fault is None else f"not {kind}: {fault}"


def _find_kind(path: str) -> tuple[str, FindFault | None]:
    kind, find_fault = KINDS.get(PurePosixPath(path).suffix.lower(), ("", None))
    if find_fault is find_json_fault and allows_comments(path):
        return kind, find_json_with_comments_fault
    return kind, find_fault


def _name_kind(path: str, python: PythonVersion | None) -> str:
    return "Python" if python is not None else _find_kind(path)[0]

"""Whether files that are no Python are what their names say, as far as that can be told; pure.

Only what the change broke counts: a file that could not be parsed before, as one with comments,
may stay so.
"""

import json
import re
import tomllib
from collections.abc import Callable, Mapping
from fnmatch import fnmatchcase
from pathlib import PurePosixPath

from forge_core.models.result import ValidationResult

PARSERS: Mapping[str, Callable[[str], object]] = {".json": json.loads, ".toml": tomllib.loads}
"""What reads files of a suffix, and raises ValueError where it cannot."""

WITH_COMMENTS = (
    "tsconfig*.json", "jsconfig*.json", "devcontainer.json", "api-extractor.json", ".*rc.json",
)  # fmt: skip
"""Names of JSON files whose programs allow comments."""

PROSE = frozenset({".md", ".markdown", ".mdx", ".rst", ".txt", ".adoc", ".qmd", ".rmd"})
"""Suffixes of files in which code is fenced."""

FENCED = re.compile(r"\s*(```+|~~~+)[\w+.-]*[ \t]*\r?\n.*\n\1[ \t]*\s*", re.DOTALL)
"""A text that is one block of code of Markdown as a whole."""


def check_data(files: Mapping[str, bytes], bases: Mapping[str, bytes]) -> ValidationResult | None:
    """Check files as they stand; None where there is nothing to say of any.

    Args:
        files: Contents by their paths.
        bases: What stood before; new files are missing.
    """
    problems = [
        f"{path}: {problem}"
        for path, content in files.items()
        if (problem := _find_problem(path, content))
        and (path not in bases or _find_problem(path, bases[path]) is None)
    ]
    if problems:
        plural = "s" if len(problems) > 1 else ""
        return ValidationResult(
            check_name="syntax",
            passed=False,
            summary=f"{len(problems)} file{plural} not what the name says",
            details="\n".join(problems),
        )
    count = sum(_find_parser(path) is not None for path in files)
    if not count:
        return None
    plural = "s" if count > 1 else ""
    return ValidationResult(
        check_name="syntax", passed=True, summary=f"{count} file{plural} of JSON or TOML parsed"
    )


def _find_problem(path: str, content: bytes) -> str | None:
    """Say what is wrong with a file; None for what is no text, too."""
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return None
    if PurePosixPath(path).suffix.lower() not in PROSE and FENCED.fullmatch(text):
        return "the whole file stands in a fence of Markdown: write the content without it"
    parser = _find_parser(path)
    try:
        if parser is not None:
            parser(text)
    except RecursionError:
        return None
    except ValueError as error:
        return f"not {PurePosixPath(path).suffix[1:].upper()}: {error}"
    return None


def _find_parser(path: str) -> Callable[[str], object] | None:
    place = PurePosixPath(path)
    if ".vscode" in place.parts or any(fnmatchcase(place.name, name) for name in WITH_COMMENTS):
        return None
    return PARSERS.get(place.suffix.lower())

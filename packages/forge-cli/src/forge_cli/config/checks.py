"""Checks that files define, whose they are, and which of them run; pure.

See D75.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from forge_core.errors import UsageError
from forge_core.models.check import Check
from forge_core.models.error_text import describe_fault
from pydantic import ValidationError

UNTRUSTED = "the repository's own, and nobody trusts it"
"""Why a check is skipped that executes what a stranger wrote."""

REFUSED = "the repository's own, and --no-run-checks was given"

REPLACED = "your own of the same name runs"


@dataclass(frozen=True, slots=True)
class CheckSource:
    """A check, who defines it, and whether it runs."""

    check: Check
    source: str
    """Path of the file."""
    skipped: str | None = None
    """Why it does not run; None where it does."""


def parse_checks(path: str, document: object) -> tuple[Check, ...]:
    """Check what a file says of checks.

    Args:
        path: The file, for messages.
        document: What it has under `checks`: a list of tables.

    Raises:
        UsageError: It is no list of checks, or two have the same name.
    """
    if not isinstance(document, Sequence) or isinstance(document, str):
        raise UsageError(f"{path}: checks must be tables that begin with [[checks]]")
    checks = tuple(_parse(path, number, entry) for number, entry in enumerate(document, start=1))
    names = [check.name for check in checks]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise UsageError(f"{path}: two checks are called {twice!r}")
    return checks


def _parse(path: str, number: int, entry: object) -> Check:
    if isinstance(entry, Mapping):
        entry = {key: tuple(v) if isinstance(v, list) else v for key, v in entry.items()}
    try:
        return Check.model_validate(entry, strict=True)
    except ValidationError as error:
        faults = "; ".join(
            f"{'.'.join(map(str, fault['loc'])) or 'it'}: {describe_fault(fault)}"
            for fault in error.errors(include_url=False)
        )
        raise UsageError(f"{path}: check {number}: {faults}") from error


def parse_check_option(text: str) -> Check:
    """Read a check from `NAME=COMMAND`, or `NAME:PATTERN=COMMAND` for some files only.

    Raises:
        UsageError: It is neither.
    """
    head, separator, command = text.partition("=")
    name, *patterns = head.split(":")
    if not separator:
        raise UsageError(
            f"--check {text!r} is not NAME=COMMAND, such as 'eslint:*.js=npx eslint {{files}}'"
        )
    [check] = parse_checks("--check", [{"name": name, "command": command, "files": patterns}])
    return check


def merge_checks(*layers: Iterable[Check]) -> tuple[Check, ...]:
    """Put the checks of all layers together; of the same name, the last counts."""
    return tuple({check.name: check for layer in layers for check in layer}.values())


def select_checks(
    own: Iterable[CheckSource], foreign: Iterable[CheckSource], refusal: str | None
) -> list[CheckSource]:
    """Decide which checks run: the user's own, and a repository's if nothing is against it.

    Args:
        own: Of the user's own file.
        foreign: Of the repository's.
        refusal: Why those do not run; None where the user trusts them.
    """
    sources = list(own)
    names = {source.check.name for source in sources}
    for source in foreign:
        reason = REPLACED if source.check.name in names else refusal
        sources.append(CheckSource(source.check, source.source, reason))
    return sources


def build_check_defaults(sources: Iterable[CheckSource]) -> dict[str, Any]:
    """Build what a task has of configured checks, in the keys of its validation."""
    listed = list(sources)
    skipped = [s.check.name for s in listed if s.skipped not in {None, REPLACED}]
    values: dict[str, Any] = {
        "checks": tuple(source.check for source in listed if source.skipped is None),
        "skipped_checks": tuple(skipped),
    }
    return {key: value for key, value in values.items() if value}

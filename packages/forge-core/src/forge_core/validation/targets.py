"""Whether an answer kept to the files that it was to change, pure.

See D73.
"""

from collections.abc import Collection, Iterator, Sequence
from posixpath import normpath

from forge_core.models.call.llm import Untouched
from forge_core.models.result import ValidationResult

CHECK = "targets"

REASON_LENGTH = 300
"""Characters of a reason that are told."""

ADVICE = (
    "Change every file that was named, or give the reason in untouched for each that is right as "
    "it stands."
)

NOTHING_LEFT = ValidationResult(
    check_name=CHECK,
    passed=False,
    summary="repairs left nothing of the change",
    details="Use what you add: linters remove unused imports, and form alone is no change.",
)
"""The verdict on a change that was undone when it was checked."""


def normalize_targets(paths: Sequence[str]) -> tuple[str, ...]:
    """Return named files as git spells them, each once."""
    return tuple(dict.fromkeys(normpath(path) for path in paths))


def judge_targets(
    targets: Sequence[str],
    untouched: Sequence[Untouched],
    *,
    touched: Collection[str],
    missing: Collection[str],
) -> ValidationResult | None:
    """Judge what became of the named files; None where there is nothing to say.

    Args:
        targets: The named files, and directories that stand for all below them.
        untouched: What the answer says of files that it leaves as they are.
        touched: Paths that the answer made different from the commit.
        missing: Those of the targets that do not stand afterwards.
    """
    reasons = {normpath(file.file_path): _shorten(file.reason) for file in untouched}
    reasons = {path: reason for path, reason in reasons.items() if reason}
    absent = [path for path in targets if path in missing and path not in touched]
    left = [path for path in targets if path not in absent and not _is_touched(path, touched)]
    unexplained = [path for path in left if path not in reasons]
    if absent:
        return _refuse(f"named, but missing afterwards: {_join(absent)}")
    if not touched and (unexplained or not reasons):
        return _refuse(_describe_idleness(unexplained))
    if not touched:
        told = dict.fromkeys(reasons[path] for path in left) if left else reasons.values()
        return _accept(f"no change needed: {'; '.join(told)}")
    if unexplained and len(left) == len(targets):
        return _refuse(f"none of the named files was changed: {_join(left)}")
    if unexplained:
        return _accept(f"named, but not changed: {_join(unexplained)}", warning=True)
    if left:
        return _accept(f"left as they stand: {', '.join(_explain(left, reasons))}")
    return None


def _is_touched(target: str, touched: Collection[str]) -> bool:
    return target == "." or any(path == target or path.startswith(f"{target}/") for path in touched)


def _describe_idleness(targets: Sequence[str]) -> str:
    return "the answer changes nothing" + (f" of {_join(targets)}" if targets else "")


def _explain(paths: Sequence[str], reasons: dict[str, str]) -> Iterator[str]:
    return (f"{path} ({reasons[path]})" for path in paths)


def _shorten(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= REASON_LENGTH else f"{line[:REASON_LENGTH]}…"


def _join(paths: Sequence[str]) -> str:
    return ", ".join(paths)


def _refuse(summary: str) -> ValidationResult:
    return ValidationResult(check_name=CHECK, passed=False, summary=summary, details=ADVICE)


def _accept(summary: str, *, warning: bool = False) -> ValidationResult:
    return ValidationResult(check_name=CHECK, passed=True, summary=summary, warning=warning)

"""Finding target files that can never be written, before anything is paid for."""

from collections.abc import Sequence
from pathlib import Path

from forge_core.errors import UsageError
from forge_core.git.contents.base_files import read_base_files
from forge_core.git.contents.targets import find_target_faults

LEAST_CHARS = 4_000
"""Characters of a file's parts below which they lead nowhere."""


def check_targets(repo: Path, commit: str, targets: Sequence[str], room: int | None = None) -> None:
    """Check that every target file of a task can be written.

    Args:
        repo: The repository.
        commit: What the run starts from.
        targets: Paths that may stand in a repository.
        room: Characters that a prompt may have; None where that does not matter.

    Raises:
        UsageError: One cannot, whatever a model answers; the message says why.
    """
    for fault in find_target_faults(repo, commit, targets):
        if fault.is_final(targets):
            raise UsageError(fault.message)
    if room is None:
        return
    for path, file in read_base_files(repo, commit, targets).items():
        if min(len(file.content), LEAST_CHARS) > room:
            raise UsageError(
                f"target file {path!r} finds no room in a prompt, not even parts of it: "
                "raise token_budget"
            )

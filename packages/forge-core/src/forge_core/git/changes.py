"""What differs between two commits."""

from dataclasses import dataclass
from pathlib import Path

from forge_core.git.command import Git


@dataclass(frozen=True, slots=True)
class Change:
    """What a path became."""

    mode: str
    """Git's file mode, e.g. ``100644``."""
    blob: str | None
    """Id of the new content, None where the path was deleted."""


def list_changes(repo: Path, base: str, commit: str) -> dict[str, Change]:
    """Return every path that differs between two commits, renames as two paths."""
    listing = Git(repo).run("diff-tree", "-r", "-z", "--no-renames", base, commit)
    fields = listing.split("\0")[:-1]
    return {
        path: _parse_change(attributes)
        for attributes, path in zip(fields[::2], fields[1::2], strict=True)
    }


def _parse_change(attributes: str) -> Change:
    """Parse ``:<old mode> <new mode> <old blob> <new blob> <status>``."""
    _, mode, _, blob, status = attributes.split()
    return Change(mode, None if status == "D" else blob)

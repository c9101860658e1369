"""A cancelled run and what it left in its repository, as text and as a document."""

import shlex
from dataclasses import asdict, dataclass
from typing import Any

from forge_cli.escape import escape_line


@dataclass(frozen=True, slots=True)
class CancelledRun:
    """A run that was cancelled; None for what it left not."""

    workflow_id: str
    task_id: str
    repo: str
    branch: str | None = None
    worktree: str | None = None


def render_cancelled(run: CancelledRun) -> str:
    """Render what is left, and the command that removes it."""
    lines = [f"run {escape_line(run.workflow_id)}: cancelled"]
    kept = [
        f"{name} {escape_line(value)}"
        for name, value in (("branch", run.branch), ("worktree", run.worktree))
        if value is not None
    ]
    if kept:
        lines.append(f"  kept    {', '.join(kept)}")
        command = ("forge", "clean", run.task_id, "--repo", run.repo, "--force")
        lines.append(f"  remove  {escape_line(shlex.join(command))}")
    return "\n".join(lines)


def build_cancelled(run: CancelledRun) -> dict[str, Any]:
    """Build the document of ``forge cancel --json``."""
    return {**asdict(run), "status": "cancelled"}

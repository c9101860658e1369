"""Carrying out ``forge db archive``, and archiving after a run where the configuration says so."""

import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from forge_core.errors import UsageError
from forge_obs import Archiving, StoreError, archive, get_db_path, unarchive, upgrade

from forge_cli.actions.house.prune import find_abandoned
from forge_cli.escape import escape_line
from forge_cli.options.types import parse_since
from forge_cli.program import as_started
from forge_cli.render.figures import format_count, format_moment
from forge_cli.terminal.console import get_zone, print_warning

AFTER = "FORGE_ARCHIVE_AFTER"
"""Environment variable that says how old what is archived after each run has to be."""

WITHIN_S = 5.0
"""How long the command or worker of a run goes on archiving, in seconds; the next continues."""


def archive_old(path: Path, before: datetime) -> Archiving:
    """Archive what is old in a store brought to this version's schema.

    Raises:
        StoreError: The store cannot be read, upgraded or written.
    """
    upgrade(path)
    return archive(path, before, find_abandoned(path, before))


def bring_back(path: Path) -> Archiving:
    """Put all archived texts of a store brought to this version's schema back into their rows.

    Raises:
        StoreError: The store cannot be upgraded or written, or a frame is damaged.
    """
    upgrade(path)
    return unarchive(path)


def build_archiving(done: Archiving) -> dict[str, Any]:
    """Build the document of what was archived, or put back."""
    return {
        "calls": done.calls,
        "frames": done.frames,
        "text_bytes": done.text_bytes,
        "stored_bytes": done.stored_bytes,
        "freed_bytes": done.freed_bytes,
        "size_bytes": done.size_bytes,
        "obstacle": done.obstacle,
    }


def render_archiving(path: Path, done: Archiving, before: datetime, now: datetime) -> str:
    """Say what was archived of what had ended before a moment, which may be the current one."""
    if not done.calls:
        if before >= now:
            return "nothing is left to archive of what has ended"
        every = as_started("forge db archive --older-than 0s takes all that has ended")
        limit = format_moment(before, get_zone())
        return f"nothing is left to archive of what ended before {limit}; {every}"
    calls, frames = format_count(done.calls, "call"), format_count(done.frames, "frame")
    text = f"archived {calls} in {frames}: {done.text_bytes:,} bytes of text in "
    text += f"{done.stored_bytes:,} ({done.stored_bytes / done.text_bytes:.1%})"
    return f"{text}\n{_render_size(path, done)}"


def render_return(path: Path, done: Archiving) -> str:
    """Say what was put back."""
    if not done.frames:
        return "nothing is archived"
    calls, frames = format_count(done.calls, "call"), format_count(done.frames, "frame")
    text = f"put the texts of {calls} back from {frames}: {done.text_bytes:,} bytes"
    return f"{text}\n{_render_size(path, done)}"


def _render_size(path: Path, done: Archiving) -> str:
    name = escape_line(str(path))
    if done.obstacle is not None:
        return f"{name}: not made smaller: {done.obstacle}; its free pages are used again"
    freed = f", {done.freed_bytes:,} bytes freed" if done.freed_bytes else ""
    return f"{name}: {done.size_bytes:,} bytes{freed}"


def archive_after_run() -> None:
    """Archive for a few seconds what has become old, where the configuration says how old.

    A failure is a warning: the run has ended as it did.
    """
    age = os.environ.get(AFTER, "")
    if not age:
        return
    try:
        path, before = get_db_path(), parse_since(age, datetime.now(UTC), AFTER)
        if path is not None and path.exists():
            archive(path, before, within_s=WITHIN_S)
    except (StoreError, UsageError) as error:
        print_warning(f"nothing was archived: {error}")

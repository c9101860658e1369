"""Carrying out ``forge db prune``."""

import asyncio
import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from forge_core.errors import InfrastructureError
from forge_core.runs.retention import (
    Holdings,
    find_ended_runs,
    list_old_runs,
    measure,
    remove,
)
from forge_core.runs.state import OUT_OF_REACH, RUNNING, ask_statuses
from forge_core.state_dir.files import StateFiles
from forge_core.state_dir.locate import get_state_dir
from forge_obs import (
    INTERRUPTED,
    Extent,
    Pruning,
    RunQuery,
    StoreReader,
    count_prunable,
    get_engine,
    get_shown_status,
    prune,
    upgrade,
)

from forge_cli.escape import escape_line
from forge_cli.render.figures import format_count
from forge_cli.render.json_documents import build_moment
from forge_cli.terminal.console import print_warning


@dataclass(frozen=True, slots=True)
class Prunable:
    """What is old enough to be deleted."""

    store: Path | None
    """None where there is no database."""
    before: datetime
    rows: Extent
    abandoned: Sequence[str]
    """Interrupted runs among the rows."""
    names: Sequence[str]
    """Runs whose payloads and logs are in the state directory."""
    files: Holdings
    """How much that is."""


def find_prunable(store: Path | None, before: datetime) -> Prunable:
    """Look for what is old, in a store brought to this version's schema and beside the server.

    Raises:
        StoreError: The store cannot be read or upgraded.
    """
    present = store if store is not None and store.exists() else None
    if present is not None:
        upgrade(present)
    rows, abandoned = Extent(0, 0), list[str]()
    if present is not None:
        abandoned = find_abandoned(present, before)
        rows = count_prunable(get_engine(present), before, abandoned)
    names = asyncio.run(_find_ended(before))
    files = measure(StateFiles(get_state_dir()), names)
    return Prunable(present, before, rows, abandoned, names, files)


def find_abandoned(store: Path, before: datetime) -> list[str]:
    """Return the interrupted runs without a sign of life since a moment.

    None of those is among them that a configured server has under way, or may have: its worker
    would go on with them. The embedded server keeps an interrupted run open for ever.
    """
    reader = StoreReader.open(store)
    running = reader.iterate_runs(RunQuery(status=RUNNING)) if reader is not None else iter(())
    silent = [
        run.workflow_id
        for run in running
        if (run.seen_at or run.created_at) < before
        and get_shown_status(run) == INTERRUPTED
        and not run.broken
    ]
    states = ask_statuses(silent, os.environ, get_state_dir()) if silent else {}
    return [name for name in silent if states.get(name) not in {RUNNING, OUT_OF_REACH}]


def render_prunable(prunable: Prunable) -> str:
    """Say what would be deleted; nothing where that is nothing."""
    since = f"{prunable.before.astimezone():%Y-%m-%d %H:%M %Z}"
    parts = []
    if prunable.rows.runs or prunable.rows.calls:
        where = escape_line(str(prunable.store))
        among = f", {len(prunable.abandoned):,} of them interrupted," if prunable.abandoned else ""
        runs = f"{format_count(prunable.rows.runs, 'run')}{among}"
        calls = format_count(prunable.rows.calls, "call")
        parts.append(f"{runs} and {calls} are older than {since} in {where}.")
    if prunable.names:
        where = escape_line(str(get_state_dir()))
        parts.append(
            f"{_render_holdings(prunable.files)}, {prunable.files.bytes:,} bytes in {where}, "
            f"are older than {since}."
        )
    return " ".join(parts)


@dataclass(frozen=True, slots=True)
class Pruned:
    """What was deleted."""

    rows: Pruning | None
    """Of the store; None where there is no database."""
    files: Holdings | None
    """Of the state directory; None where nothing was old there."""


def prune_all(prunable: Prunable) -> Pruned:
    """Delete what is old.

    Raises:
        StoreError: The store cannot be written.
        InfrastructureError: A file cannot be removed.
    """
    rows = files = None
    if prunable.store is not None:
        rows = prune(prunable.store, prunable.before, prunable.abandoned)
    if prunable.names:
        files = remove(StateFiles(get_state_dir()), prunable.names, prunable.before)
    return Pruned(rows, files)


def render_pruned(done: Pruned) -> str:
    """Say what was deleted."""
    lines = [] if done.rows is None else [_render_pruning(done.rows)]
    if done.files is not None:
        freed = f"{done.files.bytes:,} bytes freed"
        lines.append(f"{_render_holdings(done.files)} deleted, {freed}")
    return "\n".join(lines)


def build_prunable(prunable: Prunable, done: Pruned | None) -> dict[str, Any]:
    """Build the document of what is old, and of what was deleted of it; None where nothing was."""
    rows = None if done is None else done.rows
    files = None if done is None else done.files
    return {
        "before": build_moment(prunable.before),
        "path": None if prunable.store is None else str(prunable.store),
        "runs": prunable.rows.runs,
        "interrupted": len(prunable.abandoned),
        "calls": prunable.rows.calls,
        "state_runs": prunable.files.runs,
        "state_bytes": prunable.files.bytes,
        "deleted": done is not None,
        "freed_bytes": (rows.freed_bytes if rows else 0) + (files.bytes if files else 0),
        "size_bytes": None if rows is None else rows.size_bytes,
    }


async def _find_ended(before: datetime) -> list[str]:
    """Return the runs that have ended and whose files are old; none where nobody can say."""
    files = StateFiles(get_state_dir())
    old = list_old_runs(files, before)
    if not old:
        return []
    try:
        return await find_ended_runs(files, old, before)
    except InfrastructureError as error:
        holdings = _render_holdings(measure(files, old))
        print_warning(
            f"{holdings} are kept, since nothing says whether those runs have ended: {error}"
        )
        return []


def _render_extent(extent: Extent) -> str:
    return f"{format_count(extent.runs, 'run')} and {format_count(extent.calls, 'call')}"


def _render_holdings(holdings: Holdings) -> str:
    return f"payloads and logs of {format_count(holdings.runs, 'run')}"


def _render_pruning(done: Pruning) -> str:
    line = f"{_render_extent(done.deleted)} deleted, {done.freed_bytes:,} bytes freed"
    if done.obstacle is not None:
        line += f"; the file could not be shrunk: {done.obstacle}; its space will be reused"
    return f"{line} (now {done.size_bytes:,} bytes)"

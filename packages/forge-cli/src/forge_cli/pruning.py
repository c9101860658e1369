"""Carrying out ``forge db prune``."""

from datetime import datetime
from pathlib import Path

from forge_core.temporal.payload_store import prune_payloads
from forge_core.temporal.server import get_state_dir
from forge_core.temporal.state import StateFiles
from forge_obs import get_engine, upgrade
from forge_obs.maintenance import Extent, Pruning, count_prunable, list_unfinished, prune

from forge_cli.render.figures import format_count


def count(path: Path, before: datetime) -> Extent:
    """Count what would be deleted, in a store brought to this version's schema.

    Raises:
        StoreError: It cannot be read or upgraded.
    """
    upgrade(path)
    return count_prunable(get_engine(path), before)


def prune_all(path: Path, before: datetime) -> str:
    """Delete old runs and calls, then payloads of runs that have ended; tells what came of it.

    Raises:
        StoreError: The store cannot be written.
    """
    done = prune(path, before)
    payloads = StateFiles(get_state_dir()).payloads
    removed = prune_payloads(payloads, list_unfinished(get_engine(path)), before)
    lines = [_describe(done)]
    if removed.runs:
        owners = format_count(removed.runs, "run")
        lines.append(f"payloads of {owners} deleted, {removed.bytes:,} bytes given back")
    return "\n".join(lines)


def _describe(done: Pruning) -> str:
    runs, calls = format_count(done.deleted.runs, "run"), format_count(done.deleted.calls, "call")
    line = f"{runs} and {calls} deleted, {done.freed_bytes:,} bytes given back"
    if done.obstacle is not None:
        line += f"; the file could not be made smaller: {done.obstacle}; its space is used again"
    return f"{line} (now {done.size_bytes:,} bytes)"

"""What is not in the store, in words."""

from forge_obs.spool.format import Backlog

from forge_cli.escape import escape_line
from forge_cli.render.figures import format_count, format_moment


def render_backlog(backlog: Backlog) -> list[str]:
    """Say what waits and what was lost, in a line each; nothing where all is stored."""
    lines = []
    if backlog.pending:
        lines.append(render_pending(backlog.pending))
    if backlog.lost:
        lost = format_count(backlog.lost, "record")
        lines.append(f"{lost} lost{_describe_last(backlog)}: `forge db check` says more")
    return lines


def render_pending(pending: int) -> str:
    """Say that records wait."""
    verb = "waits" if pending == 1 else "wait"
    waiting = format_count(pending, "record")
    return f"{waiting} {verb} to be stored: the next run does it, or `forge db upgrade`"


def render_backlog_figures(backlog: Backlog, lost_file: str) -> list[str]:
    """Give both counts, with what to do about them.

    Args:
        backlog: What is not in the store.
        lost_file: Path of the file that counts the losses.
    """
    store = ": `forge db upgrade` stores them" if backlog.pending else ""
    forget = ""
    if backlog.lost:
        forget = f"{_describe_last(backlog)}: remove {escape_line(lost_file)} to count anew"
    return [f"pending    {backlog.pending}{store}", f"lost       {backlog.lost}{forget}"]


def _describe_last(backlog: Backlog) -> str:
    last = backlog.last_lost_at
    return "" if last is None else f", the last at {format_moment(last)}"

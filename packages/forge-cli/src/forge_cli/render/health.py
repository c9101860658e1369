"""How the store, the server and this machine are, as text; pure."""

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from forge_cli.escape import escape_line
from forge_cli.program import as_started
from forge_cli.render.figures import format_count, format_duration, format_moment
from forge_cli.render.table import align

if TYPE_CHECKING:
    from collections.abc import Sequence

    from forge_core.embedded_server.status import ServerStatus
    from forge_obs import Backlog

    from forge_cli.views.finding import Finding


def render_backlog(backlog: "Backlog") -> list[str]:
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
    return f"{waiting} {verb} to be stored: the next run stores them, or `forge db upgrade`"


def render_backlog_figures(backlog: "Backlog", lost_file: str) -> list[str]:
    """Return both counts, with what to do about them.

    Args:
        backlog: What is not in the store.
        lost_file: Path of the file that counts the losses.
    """
    store = as_started(": `forge db upgrade` stores them") if backlog.pending else ""
    forget = ""
    if backlog.lost:
        forget = f"{_describe_last(backlog)}: remove {escape_line(lost_file)} to reset the count"
    return [f"pending    {backlog.pending}{store}", f"lost       {backlog.lost}{forget}"]


def _describe_last(backlog: "Backlog") -> str:
    last = backlog.last_lost_at
    return "" if last is None else f", the last at {format_moment(last)}"


def render_server_status(status: "ServerStatus") -> str:
    """Render how the server stands, one fact a line."""
    record = status.record
    lines = [
        ("directory", escape_line(str(status.directory))),
        ("state", f"{status.state_bytes:,} bytes, logs {status.log_bytes:,} bytes"),
    ]
    if record is None:
        return _join([("server", as_started("not running: forge run starts it")), *lines])
    ends = f"ends after {format_duration(timedelta(seconds=record.idle_s))} without use"
    users = [f"{escape_line(lease.purpose)} (pid {lease.pid})" for lease in status.leases]
    count = format_count(len(users), "lease")
    lines = [
        ("server", f"running at {record.address}, since {record.started_at}"),
        ("ui", record.ui_address or as_started("off: forge server stop, then forge server start")),
        ("pid", f"{record.server_pid}, supervisor {record.pid}"),
        *lines,
        ("used by", f"{count}: " + ", ".join(users) if users else f"nobody: {ends}"),
    ]
    return _join(lines)


def build_server_status(status: "ServerStatus") -> dict[str, Any]:
    """Build the document of ``forge server status --json``."""
    record = status.record
    return {
        "running": record is not None,
        "address": record.address if record else None,
        "ui_address": record.ui_address if record else None,
        "server_pid": record.server_pid if record else None,
        "supervisor_pid": record.pid if record else None,
        "started_at": record.started_at if record else None,
        "idle_s": record.idle_s if record else None,
        "directory": str(status.directory),
        "state_bytes": status.state_bytes,
        "log_bytes": status.log_bytes,
        "leases": [{"pid": lease.pid, "purpose": lease.purpose} for lease in status.leases],
    }


def _join(lines: list[tuple[str, str]]) -> str:
    return "\n".join(line.plain for line in align(lines))


def render_findings(findings: "Sequence[Finding]") -> str:
    """Render a line for each look: what was found and, if need be, what to do."""
    rows = [
        ("ok" if finding.ok else "fix", finding.subject, _describe(finding)) for finding in findings
    ]
    return "\n".join(line.plain for line in align(rows))


def _describe(finding: "Finding") -> str:
    detail = escape_line(finding.detail)
    return (
        detail if finding.remedy is None else f"{detail}: {as_started(escape_line(finding.remedy))}"
    )

"""The embedded server as text and as a document."""

from datetime import timedelta
from typing import Any

from forge_core.embedded_server.status import ServerStatus

from forge_cli.escape import escape_line
from forge_cli.render.figures import format_count, format_duration


def render_server_status(status: ServerStatus) -> str:
    """Render how the server stands, one fact a line."""
    record = status.record
    lines = [
        ("directory", escape_line(str(status.directory))),
        ("state", f"{status.state_bytes:,} bytes, logs {status.log_bytes:,} bytes"),
    ]
    if record is None:
        return _join([("server", "not running: forge run starts it"), *lines])
    ends = f"ends after {format_duration(timedelta(seconds=record.idle_s))} without use"
    users = [f"{escape_line(lease.purpose)} (pid {lease.pid})" for lease in status.leases]
    count = format_count(len(users), "lease")
    lines = [
        ("server", f"running at {record.address}, since {record.started_at}"),
        ("ui", record.ui_address or "off: forge server stop, then forge server start"),
        ("pid", f"{record.server_pid}, supervisor {record.pid}"),
        *lines,
        ("used by", f"{count}: " + ", ".join(users) if users else f"nobody: {ends}"),
    ]
    return _join(lines)


def build_server_status(status: ServerStatus) -> dict[str, Any]:
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
    return "\n".join(f"{label:<9} {value}" for label, value in lines)

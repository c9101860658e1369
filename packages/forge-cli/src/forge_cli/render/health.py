"""How the store, the server and this machine are, as text; pure."""

import textwrap
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from rich.text import Text

from forge_cli.escape import escape_line
from forge_cli.program import as_started
from forge_cli.render.figures import format_count, format_duration, format_moment
from forge_cli.render.table import ALERT, align

if TYPE_CHECKING:
    from collections.abc import Sequence

    from forge_core.embedded_server.status import ServerStatus
    from forge_obs import Backlog

    from forge_cli.views.finding import Finding

LEVELS = {"ok": "green", "warn": ALERT, "fail": "red"}
"""Styles of what a look may come to."""

LEVEL_WIDTH = 6


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


def render_findings(findings: "Sequence[Finding]", *, width: int | None = None) -> Text:
    """Render what each look found and, on a line below it, what to do.

    Args:
        findings: In the order of the looks.
        width: Columns of the terminal, within which words are wrapped; None for any.
    """
    subjects = max((len(finding.subject) for finding in findings), default=0)
    indent = " " * (LEVEL_WIDTH + subjects + 2)
    lines = []
    for finding in findings:
        subject = Text(f"{finding.subject:<{subjects}}  ")
        level = Text(finding.level, style=LEVELS[finding.level])
        level.pad_right(LEVEL_WIDTH - len(finding.level))
        first, *rest = _wrap(escape_line(finding.detail), indent, width)
        lines += [level + subject + Text(first), *map(Text, rest)]
        if finding.remedy is not None:
            remedy = _wrap(f"→ {as_started(escape_line(finding.remedy))}", indent, width)
            lines += [Text(indent + remedy[0]), *map(Text, remedy[1:])]
    return Text("\n").join(lines)


def _wrap(text: str, indent: str, width: int | None) -> list[str]:
    """Wrap a text between its words; the first line has its indent already."""
    if width is None:
        return [text]
    wrapped = textwrap.wrap(
        text,
        width,
        initial_indent=indent,
        subsequent_indent=indent,
        break_long_words=False,
        break_on_hyphens=False,
    )
    return [line if number else line[len(indent) :] for number, line in enumerate(wrapped)] or [""]

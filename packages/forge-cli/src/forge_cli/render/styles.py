"""Colours of statuses, on terminals."""

from rich.text import Text

from forge_cli.escape import escape_line

STYLES = {
    "success": "green",
    "running": "cyan",
    "answered": "cyan",
    "interrupted": "yellow",
    "cancelled": "yellow",
    "failure_retryable": "yellow",
    "failure_terminal": "red",
    "error": "red",
    "failed": "red",
    "unfinished": "yellow",
    "unknown": "yellow",
    "waiting": "dim",
    "not started": "dim",
}
"""Styles by status."""


def style_status(status: str, shown: str | None = None) -> Text:
    """Give a status in its colour, or other words in the colour of the status."""
    return Text(escape_line(shown or status), style=STYLES.get(status, ""))

"""A manifest as a table."""

from collections.abc import Mapping
from typing import Any

from forge_cli.escape import escape_line
from forge_cli.render.table import align
from forge_cli.views.json_text import load_or_keep

COLUMNS = ("form", "tokens", "rank", "part", "reason")
"""Headings of the manifest."""


def render_manifest(manifest_json: str | None) -> list[str]:
    """Render a manifest as a table: each part with its form, tokens, rank and reason."""
    entries = load_or_keep(manifest_json)
    if not isinstance(entries, list) or not entries:
        return []
    rows = [COLUMNS, *(_describe_entry(entry) for entry in entries if isinstance(entry, dict))]
    lines = align(rows, right={1, 2})
    return ["", "manifest (tokens are estimates):", *(f"  {line.plain}".rstrip() for line in lines)]


def _describe_entry(entry: Mapping[str, Any]) -> tuple[str, ...]:
    kind, name = str(entry.get("kind", "")), str(entry.get("name") or "")
    rank = entry.get("rank")
    return tuple(
        escape_line(text)
        for text in (
            str(entry.get("form", "")),
            str(entry.get("tokens", "")),
            "" if rank is None else str(rank),
            name or kind.replace("_", " "),
            str(entry.get("reason", "")),
        )
    )

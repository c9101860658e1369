"""What a model was shown, as text: figures of a context, and its parts one by one."""

from collections.abc import Mapping
from typing import Any

from forge_cli.escape import escape_line
from forge_cli.views.json_text import load_object, load_or_keep

COLUMNS = ("form", "tokens", "rank", "part", "reason")
"""Headings of the manifest."""


def describe_stats(stats_json: str | None) -> str:
    """Describe a context in one line; tokens are estimates and said to be."""
    stats = load_object(stats_json)
    if not stats:
        return ""
    share = stats.get("budget_utilization")
    percent = f" ({share:.1%} of the budget)" if isinstance(share, int | float) else ""
    parts = [
        f"about {stats.get('total_estimated_tokens')} tokens{percent}, an estimate",
        f"{stats.get('files_discovered')} files known",
        f"{stats.get('files_included_full')} shown in full",
        f"{stats.get('files_included_signatures')} as signatures",
        f"{stats.get('files_truncated')} shortened or without room",
        f"map {stats.get('repo_map_tokens')} tokens",
    ]
    return ", ".join(parts + _describe_gaps(stats))


def render_manifest(manifest_json: str | None) -> list[str]:
    """Render a manifest as a table: each part with its form, tokens, rank and reason."""
    entries = load_or_keep(manifest_json)
    if not isinstance(entries, list) or not entries:
        return []
    rows = [COLUMNS, *(_describe_entry(entry) for entry in entries if isinstance(entry, dict))]
    widths = [max(len(row[column]) for row in rows) for column in range(len(COLUMNS) - 1)]
    lines = (
        f"  {form:<{widths[0]}}  {tokens:>{widths[1]}}  {rank:>{widths[2]}}"
        f"  {part:<{widths[3]}}  {reason}"
        for form, tokens, rank, part, reason in rows
    )
    return ["", "manifest (tokens are estimates):", *(line.rstrip() for line in lines)]


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


def _describe_gaps(stats: Mapping[str, Any]) -> list[str]:
    left_out, unparsed = stats.get("files_left_out"), stats.get("unparsed")
    gaps = []
    if isinstance(left_out, dict) and left_out:
        reasons = ", ".join(f"{number} {reason}" for reason, number in left_out.items())
        gaps.append(f"left out by default: {reasons}")
    if isinstance(unparsed, list) and unparsed:
        listed = "; ".join(map(str, unparsed))
        gaps.append(f"{stats.get('files_unparsed')} without signatures ({listed})")
    return gaps

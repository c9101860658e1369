"""The next form of a request after a refusal; pure."""

from collections.abc import Mapping
from dataclasses import replace

from forge_core.models.call.dialect import LIMITS, Dialect, OutputMode

NEXT_MODES: Mapping[OutputMode, OutputMode] = {"tool": "json_schema", "json_schema": "prompted"}
"""What is tried where a server has no such form."""


def find_next_dialect(dialect: Dialect, parameter: str, words: str) -> Dialect | None:
    """Return the form without what a server refused; None where there is no such form.

    Each refusal takes one thing away, so that asking again comes to an end.

    Args:
        dialect: The form that was refused.
        parameter: What of it, as `find_refused_parameter` names it.
        words: What the server said; it may name what it would take.
    """
    if parameter == "tool_choice":
        return _loosen_choice(dialect, words)
    if parameter == "strict":
        return replace(dialect, strict=False) if dialect.strict else _change_mode(dialect)
    if parameter == "stream":
        return replace(dialect, stream=False) if dialect.stream else None
    if parameter in {"tools", "response_format"}:
        return _change_mode(dialect)
    if parameter in dialect.refused:
        return None
    refused = (*dialect.refused, parameter)
    if parameter in LIMITS:
        limit = next((name for name in LIMITS if name not in refused), None)
        return replace(dialect, limit=limit, refused=refused)
    if parameter == "parallel_tool_calls":
        return replace(dialect, parallel_tool_calls=None, refused=refused)
    return replace(dialect, refused=refused)


def describe_change(before: Dialect, after: Dialect) -> str:
    """Say in what form a request is sent again."""
    if after.output_mode != before.output_mode:
        ways = {
            "json_schema": "for text that fits the schema instead of a tool call",
            "prompted": "for JSON by the prompt alone",
        }
        return ways[after.output_mode]
    if after.tool_choice != before.tool_choice:
        return f"with tool_choice {after.tool_choice}"
    if after.strict != before.strict:
        return "without strict"
    if after.stream != before.stream:
        return "without streaming"
    if after.limit not in {before.limit, None}:
        return f"with {after.limit}"
    return f"without {', '.join(after.refused[len(before.refused) :])}"


def _loosen_choice(dialect: Dialect, words: str) -> Dialect | None:
    if dialect.output_mode != "tool":
        return None
    if dialect.tool_choice == "auto":
        return _change_mode(dialect)
    if dialect.tool_choice == "required" and "named tool" in words.lower():
        return replace(dialect, tool_choice="named")
    return replace(dialect, tool_choice="auto")


def _change_mode(dialect: Dialect) -> Dialect | None:
    mode = NEXT_MODES.get(dialect.output_mode)
    return None if mode is None else replace(dialect, output_mode=mode)

"""The body of a request, rewritten where the library cannot be told of a dialect; pure.

Every provider whose client lets us see its body sends one JSON object.
"""

import json
from typing import Any

from forge_core.models.call.dialect import LIMITS, Dialect

Body = dict[str, Any]


def read_body(content: bytes) -> Body:
    """Read the body of a request; an empty one where it is no JSON object."""
    try:
        body = json.loads(content)
    except (ValueError, RecursionError):
        return {}
    return body if isinstance(body, dict) else {}


def rewrite_body(body: Body, dialect: Dialect, tool: str) -> Body | None:
    """Return a body in a dialect; None where it is in that dialect already.

    Args:
        body: What the library built.
        dialect: The form that it has to have.
        tool: Name of the tool by which the model answers.
    """
    rewritten = json.loads(json.dumps(body))
    if LIMITS[0] in body and dialect.limit != LIMITS[0]:
        limit = rewritten.pop(LIMITS[0])
        rewritten |= {dialect.limit: limit} if dialect.limit else {}
    elif LIMITS[1] in body and LIMITS[1] in dialect.refused and dialect.limit:
        rewritten[dialect.limit] = rewritten.pop(LIMITS[1])
    if dialect.tool_choice == "named" and dialect.output_mode == "tool":
        _name_tool(rewritten, tool)
    for path in dialect.refused:
        _drop(rewritten, path.split("."))
    return rewritten if rewritten != body else None


def _name_tool(body: Body, tool: str) -> None:
    """Have the choice name the tool, as each of the three interfaces that can be told spells it."""
    choice = body.get("tool_choice")
    if choice == "required":
        named: Body = {"type": "function"}
        named |= {"name": tool} if "input" in body else {"function": {"name": tool}}
        body["tool_choice"] = named
    elif isinstance(choice, dict) and choice.get("type") == "any":
        body["tool_choice"] = {**choice, "type": "tool", "name": tool}


def _drop(body: Body, path: list[str]) -> None:
    """Remove a parameter, and with the last one inside another that one too."""
    *outer, name = path
    inner = body
    for part in outer:
        value = inner.get(part)
        if not isinstance(value, dict):
            return
        inner = value
    inner.pop(name, None)
    if outer and not inner:
        _drop(body, outer)

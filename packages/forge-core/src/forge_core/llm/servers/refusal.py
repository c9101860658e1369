"""Which parameter a server refuses, read from what it answers; pure.

Only what was sent can be refused, so the names to look for are those in the body of the request.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from forge_core.llm.error_body import list_statements, split_path
from forge_core.llm.servers.answer_schema import PATTERN

ESSENTIAL = frozenset(
    {"contents", "input", "instructions", "messages", "model", "prompt", "system", "user"}
)
"""What no request can do without, whatever a server says of it."""

READABLE = range(400, 600)
"""Statuses whose words may tell of a parameter."""

OTHER_MATTERS = frozenset({401, 402, 403, 408, 413, 429})
"""Statuses that tell of the key, the account or the moment."""

SIZE = re.compile(r"too (large|long|big)|at most|exceed|maximum|less than or equal|greater than")
"""Words about a value out of bounds; another name would not bring it back in."""

LIMIT_NAMES = frozenset({"max_completion_tokens", "max_output_tokens", "max_tokens"})

NAMES: tuple[tuple[str, re.Pattern[str]], ...] = (
    (
        "tools",
        re.compile(
            r"(not|n't) support(ed)? (the )?(use of )?(tools?\b|function.?call)"
            r"|tools param requires|support tool use"
            r"|(tools?|tool use|tool.?calling|function.?calling)( is| are)? "
            r"(not|un)[ -]?(supported|enabled|available)"
        ),
    ),
    ("tool_choice", re.compile(r"tool[_ ]?choice|auto-tool-choice")),
    ("stream_options", re.compile(r"stream_options")),
    ("parallel_tool_calls", re.compile(r"parallel[_ ]tool[_ ](calls|use)")),
    ("response_format", re.compile(r"response_format|json[_ ]schema|structured outputs?\b")),
    ("strict", re.compile(r"\bstrict\b|additionalproperties|invalid schema")),
    (
        "stream",
        re.compile(
            r"stream(ing)?\W*\s(is |are )?(not |un)(supported|allowed|available|enabled)"
            r"|(not|n't) support(ed)? (response )?stream|unsupported\W+(parameter\W+)?.?stream\b"
        ),
    ),
)
"""What servers write of parameters that have more than one name; the first that fits counts."""

PATTERNS = re.compile(r"\bpattern\W+(is |are )?(not |un)\w*|(not|n't) support.{0,40}\bpattern\b")
"""Words about patterns in a schema, whatever place is named."""

FORMATS = frozenset({"format", "output_config", "output_format", "response_format", "text"})
"""First parts of paths to the format of a text."""


def find_refused_parameter(status: int, body: str, sent: Mapping[str, Any]) -> str | None:
    """Return the parameter that a response refuses, by its path in the body; None for no one.

    A forced choice of a tool is `tool_choice`, the demand to hold an answer to its schema `strict`,
    tools at all `tools`, a format of the text `response_format`, and patterns in a schema
    `pattern`, whatever a server calls them.

    Args:
        status: The HTTP status.
        body: The response's body.
        sent: The request's body.
    """
    if status not in READABLE or status in OTHER_MATTERS:
        return None
    for path, words in list_statements(body):
        said = words.lower()
        if PATTERNS.search(said):
            return PATTERN
        name = _read_path(path, sent) if path else None
        name = name or _read_words(said, sent)
        if name is not None and not (name in LIMIT_NAMES and SIZE.search(said)):
            return name
    return None


TOO_LONG = re.compile(
    r"exceed_context_size|exceeds the available context|context.(length|size|window).{0,40}exceed"
    r"|maximum context length|(prompt|input) is too long|context_length_exceeded"
)
"""Words for prompts that do not fit the model."""


def is_too_long(status: int, body: str) -> bool:
    """Return whether a response says that the prompts do not fit the model."""
    return status in {400, 413, 422, 500} and TOO_LONG.search(body.lower()) is not None


def _read_path(path: str, sent: Mapping[str, Any]) -> str | None:
    parts = split_path(path)
    if not parts or parts[0] in ESSENTIAL:
        return None
    if parts[0] in {"tools", "functions"}:
        return "strict" if len(parts) > 1 else "tools"
    if parts[0] in {"tool_choice", "function_call", "tool_config", "toolConfig"}:
        return "parallel_tool_calls" if "disable_parallel_tool_use" in parts else "tool_choice"
    if parts[0] in FORMATS:
        return "strict" if "strict" in parts else "response_format"
    return ".".join(parts) if _is_sent(parts, sent) else None


def _is_sent(parts: list[str], sent: object) -> bool:
    for part in parts:
        if not isinstance(sent, Mapping) or part not in sent:
            return False
        sent = sent[part]
    return True


def _read_words(said: str, sent: Mapping[str, Any]) -> str | None:
    for name, pattern in NAMES:
        if pattern.search(said):
            return name
    names = [path for path in _list_paths(sent) if path.partition(".")[0] not in ESSENTIAL]
    return next((path for path in names if _names(said, path.rpartition(".")[2])), None)


def _list_paths(sent: Mapping[str, Any]) -> Iterator[str]:
    """List the parameters of a body and those one level below, the inner ones first."""
    for key, value in sent.items():
        if isinstance(value, Mapping):
            yield from (f"{key}.{inner}" for inner in value)
    yield from sent


def _names(said: str, key: str) -> bool:
    """Whether a text names a parameter: a plain word only where it stands in quotes."""
    name = re.escape(key.lower())
    if "_" in key or key == "temperature":
        return re.search(rf"(?<![\w.]){name}(?!\w)", said) is not None
    return re.search(rf"[`'\"]{name}[`'\"]", said) is not None

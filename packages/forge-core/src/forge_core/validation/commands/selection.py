"""Which changed files a check is about, and how a command is told of them; pure."""

import re
from collections.abc import Sequence
from functools import cache

from forge_core.models.check import PLACEHOLDER

ARGUMENTS = '"$@"'
"""What the shell replaces by its arguments, each of them as one word, whatever it holds."""

TOKEN = re.compile(r"\*\*/|\*\*|\*|\?|\[[!^]?\]?[^\]]*\]|\{[^{}]*\}|.", re.DOTALL)
"""A part of a pattern that means one thing."""

PLAIN = re.compile(r"[A-Za-z0-9_./]")
"""A first character of a path that no command takes for anything else."""


def select_paths(patterns: Sequence[str], paths: Sequence[str]) -> list[str]:
    """Select the paths that a check applies to; all of them where it names no patterns."""
    return [path for path in paths if not patterns or any(matches(p, path) for p in patterns)]


def matches(pattern: str, path: str) -> bool:
    """Return whether a pattern matches a path.

    `*` and `?` stop at a slash, `**` does not; `[ab]` and `{js,ts}` give alternatives. Without a
    slash a pattern is about names at any depth, with one about the path from the top. A slash at
    the end stands for all that is below.
    """
    return _compile(pattern).fullmatch(path) is not None


@cache
def _compile(pattern: str) -> re.Pattern[str]:
    if "/" not in pattern:
        pattern = f"**/{pattern}"
    elif pattern.endswith("/"):
        pattern += "**"
    return re.compile("".join(map(_translate, TOKEN.findall(pattern))), re.DOTALL)


def _translate(token: str) -> str:
    simple = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}
    if token in simple:
        return simple[token]
    if len(token) > 2 and token[0] == "[":
        inner = token[1:-1]
        negated = inner[0] in "!^"
        members = re.escape(inner[1:] if negated else inner).replace("\\-", "-")
        return f"(?!/)[{'^' * negated}{members}]"
    if len(token) > 2 and token[0] == "{":
        parts = token[1:-1].split(",")
        return f"(?:{'|'.join(''.join(map(_translate, TOKEN.findall(p))) for p in parts)})"
    return re.escape(token)


def build_argv(command: str, paths: Sequence[str]) -> list[str]:
    """Build the arguments with which a shell runs a command on files.

    The paths are arguments of the shell, never a part of its program, so that it executes nothing
    of their names.
    """
    if PLACEHOLDER not in command:
        return ["/bin/sh", "-c", command]
    return ["/bin/sh", "-c", command.replace(PLACEHOLDER, ARGUMENTS), "sh", *map(spell, paths)]


def spell(path: str) -> str:
    """Spell a path so that no command takes it for an option or a file of arguments."""
    return path if PLAIN.match(path) else f"./{path}"

"""A check of files of any kind by a command that a user names.

See D75.
"""

import re
from collections.abc import Iterator
from typing import Annotated

from pydantic import AfterValidator, BaseModel, Field

from forge_core.models.frozen import USER_INPUT

PLACEHOLDER = "{files}"
"""What stands in a command for the changed files."""

BUILT_IN = frozenset(
    {"ruff_lint", "ruff_format", "syntax", "tests", "targets", "files", "worktree"}
)
"""Names of Forge's own checks."""

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,39}")


def _check_name(name: str) -> str:
    if NAME.fullmatch(name) is None:
        raise ValueError(
            f"{name!r} is no name of a check: 1 to 40 letters, digits, '.', '_' and '-'"
        )
    if name in BUILT_IN:
        raise ValueError(f"{name!r} is the name of one of Forge's own checks")
    return name


def _check_command(command: str) -> str:
    if not command.strip():
        raise ValueError("the command is empty")
    if "\0" in command:
        raise ValueError("the command holds a null character")
    if any(_list_quotings(command)):
        raise ValueError(
            f"{PLACEHOLDER} stands in quotes in {command!r}: write it without, each path is quoted"
        )
    return command


def _check_pattern(pattern: str) -> str:
    if not pattern or pattern.startswith("/") or ".." in pattern.split("/"):
        raise ValueError(
            f"{pattern!r} matches no file: write a name such as *.js, or a path from the "
            "repository's top such as src/**/*.ts"
        )
    return pattern


Command = Annotated[str, AfterValidator(_check_command)]
"""A command of the shell."""


class Check(BaseModel):
    """A command that judges changed files."""

    model_config = USER_INPUT

    name: Annotated[str, AfterValidator(_check_name)]
    """What the check is called wherever its verdict is shown."""
    command: Command
    """Shell command that fails if the files are not right; {files} stands for their paths."""
    files: tuple[Annotated[str, AfterValidator(_check_pattern)], ...] = ()
    """Files that it applies to, as patterns such as *.js or src/**/*.ts; none for all."""
    fix: Command | None = None
    """Shell command that first mends what it can of the changed files."""
    timeout_s: float = Field(default=120, gt=0, allow_inf_nan=False)
    """Seconds after which either command and everything that it started are killed."""

    @property
    def commands(self) -> tuple[str, ...]:
        """All that it runs."""
        return (self.command,) if self.fix is None else (self.fix, self.command)

    @property
    def longest_s(self) -> float:
        """Seconds that it takes at most: fixing, judging, and judging what stood before."""
        return (len(self.commands) + 1) * self.timeout_s


def _list_quotings(command: str) -> Iterator[bool]:
    """Say of each placeholder whether the shell would read it inside quotes."""
    quote, position = "", 0
    while position < len(command):
        character = command[position]
        if command.startswith(PLACEHOLDER, position):
            yield bool(quote)
        if character == "\\" and quote != "'":
            position += 1
        elif quote:
            quote = "" if character == quote else quote
        elif character in "'\"":
            quote = character
        position += 1

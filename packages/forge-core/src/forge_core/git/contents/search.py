"""Searching the text files of a commit for words, within bounds."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from forge_core.git.command import Git
from forge_core.git.contents.partial_clone import list_missing

MAX_OUTPUT_BYTES = 2_000_000
"""Bytes of what git finds that are looked at."""

TIMEOUT_S = 20.0
"""Seconds that a search may take."""

MATCH = re.compile(r"(?P<path>[^\0]+)\0(?P<line>\d+)[\0:](?P<text>.*)", re.DOTALL)
"""One line of ``git grep -z -n``, less the commit."""


@dataclass(frozen=True, slots=True)
class FoundLine:
    """A line that holds what was sought."""

    path: str
    line: int
    """Its number, from 1."""
    text: str


@dataclass(frozen=True, slots=True)
class Search:
    """What a search has found, by path and line."""

    lines: tuple[FoundLine, ...]
    is_whole: bool = True
    """Whether all was looked at."""


def search_commit(worktree: Path, commit: str, words: str) -> Search | None:
    """Find lines with some words, literally, in the text files of a commit.

    Args:
        worktree: Whose attributes apply; it is searched itself where the commit is not there as a
            whole.
        commit: Its hash.
        words: One line of text. It is no pattern, so that no word of a model's takes for ever.

    Returns:
        None if git could not do it in time.
    """
    command = ("grep", "-z", "-n", "-I", "-F", "--no-color", "--no-textconv", "--full-name")
    # Git would fetch what is missing one by one, so that only what is checked out is looked at.
    tree = () if list_missing(worktree, commit) else (commit,)
    output = Git(worktree).read_some(
        *command, "--no-column", "--no-recurse-submodules", "-e", words, *tree, "--",
        most=MAX_OUTPUT_BYTES, timeout_s=TIMEOUT_S, answers=(1,),
    )  # fmt: skip
    if output is None:
        return None
    is_whole = len(output) < MAX_OUTPUT_BYTES
    prefix = sum(len(name) + 1 for name in tree)
    return Search(tuple(_parse(output, prefix, is_whole=is_whole)), is_whole)


def _parse(output: bytes, prefix: int, *, is_whole: bool) -> Iterator[FoundLine]:
    lines = output.decode("utf-8", "replace").split("\n")
    for line in lines if is_whole else lines[:-1]:
        match = MATCH.fullmatch(line[prefix:])
        if match is not None:
            text = match["text"].removesuffix("\r")
            yield FoundLine(match["path"], int(match["line"]), text)

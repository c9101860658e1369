"""What an answer makes of each file, where plain JSON says it; pure.

Most answers are tool calls whose arguments are exactly what was asked for. Of these all but edits
can be told without the models of the engine, which take longer to import than a command may.
`forge_cli.views.calls.parsed_answer` reads every answer that there is.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from forge_core.edits.lines import split_quoted
from forge_obs import Interaction

from forge_cli.views.json_text import load_object

ROLE = "llm"
"""Role of a call that answers with changes of files."""

LISTS = frozenset({"files", "deletions", "renames", "untouched"})
"""Lists of an answer that can be read without the engine."""


@dataclass(frozen=True, slots=True)
class WrittenFile:
    """What an answer makes of one file."""

    said: tuple[str, ...]
    """What the answer says of it: all of its lines, its edits, or that it goes."""
    lines: tuple[str, ...] | None = None
    """The file as it is afterwards; None where nobody can tell that."""


def read_plain_answer(call: Interaction) -> dict[str, WrittenFile] | None:
    """Read what a plain answer without edits makes of each file; None for any other answer."""
    answer = load_object(call.response)
    if call.role != ROLE or not LISTS & answer.keys():
        return None
    if answer.get("edits") or answer.get("context_request") or answer.keys() - KNOWN:
        return None
    try:
        return dict(_list_written(answer))
    except (AttributeError, KeyError, TypeError):
        return None  # it has another form


KNOWN = LISTS | {"edits", "explanation", "context_request"}


def _list_written(answer: Mapping[str, Any]) -> Iterator[tuple[str, WrittenFile]]:
    for file in answer.get("files") or ():
        yield file["file_path"], write_whole(file["content"])
    for path in answer.get("deletions") or ():
        yield path, write_note("deleted")
    for rename in answer.get("renames") or ():
        yield rename["file_path"], write_note(f"renamed to {rename['new_path']}")


def write_whole(content: str) -> WrittenFile:
    """Make a file that an answer gives whole."""
    lines = tuple(split_quoted(content))
    return WrittenFile(lines, lines)


def write_note(said: str) -> WrittenFile:
    """Make a file of which an answer says something else than its lines."""
    return WrittenFile((said,))

"""Two answers beside each other, file by file where they change files; pure."""

import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass

from forge_obs import Interaction

from forge_cli.views.calls.conversation import read_conversation
from forge_cli.views.calls.written_files import WrittenFile, read_plain_answer
from forge_cli.views.comparison.sections import State
from forge_cli.views.json_text import load_json

WHOLE = "answer"
"""What an answer is called that does not change files."""

CHANGES = ("file_path", "deletions", "context_request")
"""Words of which one stands in an answer that changes files."""


@dataclass(frozen=True, slots=True)
class AnswerPair:
    """What two answers say of one file, or all that they say."""

    name: str
    """The file's path, or `WHOLE`."""
    old: tuple[str, ...] | None
    """Lines; None where the first answer does not name the file."""
    new: tuple[str, ...] | None
    is_whole: bool = True
    """Whether the lines are those of the file afterwards; else they are what is said of it."""

    @property
    def state(self) -> State:
        """What differs: new is a file that only the second answer changes."""
        if self.old is None:
            return "new"
        if self.new is None:
            return "gone"
        return "same" if self.old == self.new else "changed"


def pair_answers(old: Interaction, new: Interaction) -> tuple[AnswerPair, ...]:
    """Pair what two answers make of files, in the order of their paths."""
    if names_files(old) or names_files(new):
        pairs = _pair_files(old, new)
        if pairs is not None:
            return pairs
    before, after = _read_lines(old), _read_lines(new)
    return () if before is after is None else (AnswerPair(WHOLE, before, after),)


def names_files(call: Interaction) -> bool:
    """Return whether an answer may change files; to read it takes the models of the engine."""
    return any(word in (call.response or "") for word in CHANGES)


def _pair_files(old: Interaction, new: Interaction) -> tuple[AnswerPair, ...] | None:
    """Pair changes of files; None where one of the answers has none."""
    before, after = _read_files(old), _read_files(new)
    if before is None or after is None:
        return None
    return tuple(
        _pair(path, before.get(path), after.get(path)) for path in sorted({**before, **after})
    )


def _read_files(call: Interaction) -> Mapping[str, WrittenFile] | None:
    plain = read_plain_answer(call)
    if plain is not None or not names_files(call):
        return plain
    from forge_cli.views.calls.parsed_answer import read_written_files  # noqa: PLC0415 - slow

    return read_written_files(call)


def _pair(path: str, old: WrittenFile | None, new: WrittenFile | None) -> AnswerPair:
    """Compare the file as both make it; where that is not known, what both say of it."""
    files = [file for file in (old, new) if file is not None]
    is_whole = all(file.lines is not None for file in files)
    before, after = (
        None if file is None else file.lines if is_whole else file.said for file in (old, new)
    )
    return AnswerPair(path, before, after, is_whole=is_whole)


def _read_lines(call: Interaction) -> tuple[str, ...] | None:
    """Return the lines of an answer, JSON with a line for each value, then the tools it calls."""
    parts = read_conversation(call.messages_json).calls
    calls = [line for part in parts for line in (part.title, *part.text.split("\n"))]
    response = call.response
    if response is None or (calls and not response):
        return tuple(calls) or None
    if response.lstrip()[:1] in {"{", "["}:
        with suppress(ValueError):
            response = json.dumps(load_json(response), ensure_ascii=False, indent=2)
    return (*response.split("\n"), *calls)

"""Who wrote lines of a file: a call of a model, a person, or what a squash has lost; pure.

See D86.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import Enum
from typing import Any

from forge_core.git.blame import BlamedLine, Commit
from forge_core.git.commits.trailers import list_mentions, parse_trailers
from forge_obs import Interaction

from forge_cli.views.calls.place import CallPlace
from forge_cli.views.calls.sections import read_sections
from forge_cli.views.json_text import load_object

SHORT_PROMPT = 300
"""Characters of what was asked for that are shown; `forge show` has the whole prompt."""


class Origin(Enum):
    """Where lines come from."""

    CALL = "call"
    """From calls of models, by the trailers of their commit."""
    SQUASH = "squash"
    """From a commit that brought several of ours together: which of them, nobody knows."""
    LOST = "lost"
    """From a commit without trailers that has the file just as a run left it."""
    PERSON = "person"
    """From a commit that is none of ours."""
    UNCOMMITTED = "uncommitted"
    """From nowhere yet."""


@dataclass(frozen=True, slots=True)
class Written:
    """A call that wrote lines, or may have."""

    entry_id: str
    workflow_id: str
    step_id: str | None = None
    attempt: int = 0
    """0 where nobody says."""
    call: Interaction | None = None
    """None where it is not on record here."""
    place: CallPlace | None = None

    @property
    def asked(self) -> str:
        """What was asked for, in short; empty where it is not on record."""
        unit = self.place.unit if self.place is not None else None
        run = self.place.view.run if self.place is not None else None
        text = (unit.description if unit else "") or (run.description if run else "") or ""
        if not text and self.call is not None:
            sections = read_sections(self.call)
            tasks = [section for section in sections if section.kind == "task"]
            text = next((section.text for section in tasks or sections[-1:]), "")
        line = " ".join(text.split())
        return line if len(line) <= SHORT_PROMPT else line[: SHORT_PROMPT - 1] + "…"


@dataclass(frozen=True, slots=True)
class Author:
    """Who wrote some lines of one file."""

    origin: Origin
    commit: Commit | None = None
    """None for lines in no commit."""
    path: str = ""
    """What the file was called in that commit."""
    calls: tuple[Written, ...] = ()
    """By trailers, or those that are possible; several where the answers do not tell either."""
    run: str | None = None
    """Of what was lost: the newest run that left the file so."""
    runs_alike: int = 0
    """How many other runs left it so, too."""


@dataclass(frozen=True, slots=True)
class Authorship:
    """Lines of a file with their authors."""

    path: str
    lines: tuple[BlamedLine, ...]
    authors: tuple[Author, ...]
    by_line: tuple[int, ...]
    """Of each line, the place of its author in `authors`."""

    def list_ranges(self, author: int) -> list[tuple[int, int]]:
        """List the lines of an author, first and last of each stretch."""
        ranges: list[tuple[int, int]] = []
        for line, number in zip(self.lines, self.by_line, strict=True):
            if number != author:
                continue
            if ranges and ranges[-1][1] == line.number - 1:
                ranges[-1] = (ranges[-1][0], line.number)
            else:
                ranges.append((line.number, line.number))
        return ranges


def read_origin(commit: Commit) -> tuple[Origin, tuple[Written, ...]]:
    """Say where a commit comes from by its message, and which calls that names.

    Only the last trailer block is believed. If the message holds blocks of several commits, it is
    that of a squash, and all of them are possible.
    """
    mentions = list_mentions(commit.message)
    trailers = parse_trailers(commit.message)
    is_squash = len({mention.entry_ids for mention in mentions}) > 1
    if trailers is not None and not is_squash:
        mentions = (trailers,)
    named = tuple(
        Written(entry_id, mention.workflow_id, mention.step_id, mention.attempt)
        for mention in mentions
        for entry_id in mention.entry_ids
    )
    if trailers is not None and not is_squash:
        return Origin.CALL, named
    return (Origin.SQUASH if mentions else Origin.PERSON), named


def choose_writers(calls: Sequence[Written], path: str) -> tuple[Written, ...]:
    """Choose those calls whose answers write a file; all of them where the answers do not tell.

    Args:
        calls: With their texts, as far as these are on record.
        path: The file as it was called in the commit.
    """
    writers = [call for call in calls if path in _read_written_texts(call.call)]
    return tuple(writers or calls)


def attribute_lines(
    path: str, lines: Sequence[BlamedLine], authors: Mapping[tuple[str | None, str], Author]
) -> Authorship:
    """Give each line its author; where several calls are possible, those whose answers have it.

    Args:
        path: The file.
        lines: Its lines.
        authors: By commit and path.
    """
    narrowed = {key: _Narrowing(author) for key, author in authors.items()}
    places: dict[tuple[object, ...], int] = {}
    listed: list[Author] = []
    by_line = []
    for line in lines:
        author = narrowed[line.commit, line.path].choose(line.text)
        calls = tuple(written.entry_id for written in author.calls)
        key = (line.commit, line.path, calls)
        if key not in places:
            places[key] = len(listed)
            listed.append(author)
        by_line.append(places[key])
    return Authorship(path, tuple(lines), tuple(listed), tuple(by_line))


class _Narrowing:
    """Narrows an author of several possible calls down, line by line in their order."""

    def __init__(self, author: Author) -> None:
        self._author = author
        self._last = author
        is_doubtful = author.origin in {Origin.SQUASH, Origin.LOST} and len(author.calls) > 1
        self._texts = (
            [(one, _read_written_texts(one.call).get(author.path, "")) for one in author.calls]
            if is_doubtful
            else []
        )

    def choose(self, line: str) -> Author:
        """Choose the author of a line; an empty one goes with the line before."""
        if self._texts and line.strip():
            calls = tuple(call for call, text in self._texts if line.strip() in text)
            self._last = replace(self._author, calls=calls) if calls else self._author
        return self._last


def _read_written_texts(call: Interaction | None) -> Mapping[str, str]:
    """Return what an answer writes of each file, as far as it is plain JSON."""
    answer = load_object(call.response if call is not None else None)
    texts: dict[str, str] = {}
    for key, content in (("files", "content"), ("edits", "replace"), ("renames", "")):
        for item in _list_items(answer.get(key)):
            path = item.get("new_path" if key == "renames" else "file_path")
            if isinstance(path, str):
                path = path.removeprefix("./")
                texts[path] = f"{texts.get(path, '')}\n{item.get(content) or ''}"
    return texts


def _list_items(value: Any) -> list[Mapping[str, Any]]:  # noqa: ANN401 - whatever was answered
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []

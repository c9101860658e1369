"""Where in a text an answer may stand: among prose, in a code block, behind the thinking; pure.

A text is searched for JSON objects. One that begins with a key that only an answer has and cannot
be read is the end of the search: what stands inside a broken answer is a part of one, not another.
The work is bounded by the length of the text, whatever it holds.
"""

import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence, Set
from dataclasses import dataclass, replace
from itertools import islice

from forge_core.llm.answers.lenient_json import (
    BLANKS,
    NotJSON,
    Parsed,
    RepeatedKey,
    parse_strict,
    parse_value,
    skip_blanks,
)

BOM = "\ufeff"

START = re.compile(
    r"""\{\s*(?:"([^"\\]{1,64})"\s*:|'([^'\\]{1,64})'\s*:|([A-Za-z_]\w{0,63})\s*:|(?=/[/*]))"""
)
"""How an object begins; its first key, unless a comment stands before it."""

FENCE = re.compile(r"(```|~~~)[\w+-]{0,30}+[ \t]*+\r?\n?(.*?)\1", re.DOTALL)
"""A code block."""

THOUGHT = re.compile(r"<(/?)(?:think|thinking|thought|reasoning)>", re.IGNORECASE)
"""Around what a model says to itself."""

MAX_FAILED_READS = 4
"""How often a text may be looked at in vain, from its beginning to its end."""

MAX_FAILED_STEPS = 20_000
"""Values that may be read in vain."""

MAX_OBJECTS = 1000
"""Objects of one text that are looked at."""

EMPTY = "it is empty"
"""What is said of a text without anything in it."""

BEHIND_THINKING = "after its thinking"
INSIDE_THINKING = "inside thinking that does not end"
IN_PROSE = "among other text"
IN_BLOCK = "in a code block"
"""Where an answer stood, for the record."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A value that may be the answer, or be around it."""

    value: object
    is_whole: bool = False
    """Whether nothing else stands in the text or in its code block."""
    notes: tuple[str, ...] = ()
    """What had to be overlooked to read it."""


@dataclass(frozen=True, slots=True)
class _Place:
    start: int
    end: int
    candidate: Candidate


class _Broken(Exception):
    """An answer that cannot be read, at `start`."""

    def __init__(self, start: int, fault: NotJSON) -> None:
        super().__init__(str(fault))
        self.start = start
        self.fault = fault


def find_candidates(text: str, keys: Set[str]) -> list[Candidate]:
    """Return the values in a text that may be an answer.

    Args:
        text: What a model sent.
        keys: Keys that only an answer or a part of one has.

    Raises:
        NotJSON: There is none, or an answer that cannot be read.
    """
    bare = text.strip().strip(BOM).strip()
    notes = ("a byte order mark",) if BOM in text.strip()[:1] else ()
    if not bare:
        raise NotJSON(EMPTY, 0)
    whole = _read_whole(bare)
    if whole is not None:
        return [Candidate(whole.value, is_whole=True, notes=(*notes, *whole.slips))]
    rest, thinking = _strip_thinking(bare)
    whole = _read_whole(rest) if thinking else None
    if whole is not None:
        notes = (*notes, *thinking, *whole.slips)
        return [Candidate(whole.value, is_whole=True, notes=notes)]
    candidates = [place.candidate for place in _find_places(rest, keys)]
    return [replace(one, notes=(*notes, *thinking, *one.notes)) for one in candidates]


def read_nested(text: str) -> object:
    """Return the value that a string holds as JSON; the string itself where it is none.

    Raises:
        RepeatedKey: It is JSON that says two things at once.
    """
    whole = _read_whole(text.strip()) if text.lstrip()[:1] in {"{", "[", '"'} else None
    return text if whole is None else whole.value


def _read_whole(text: str) -> Parsed | None:
    """Read a text that is one value and nothing else; None where it is not."""
    try:
        return Parsed(parse_strict(text), len(text))
    except RepeatedKey:
        raise
    except NotJSON:
        pass
    try:
        parsed = parse_value(text)
        return parsed if skip_blanks(text, parsed.end) == len(text) else None
    except NotJSON:
        return None


def _strip_thinking(text: str) -> tuple[str, tuple[str, ...]]:
    """Return what follows the thinking at the beginning of a text, and a note of that."""
    position = 0
    while (mark := THOUGHT.match(text, position)) is not None:
        end = mark.end() if mark.group(1) else _find_close(text, mark.end())
        if end is None or (position := _skip_blanks(text, end)) == len(text):
            return text[mark.end() :], (INSIDE_THINKING,)
    return text[position:], (BEHIND_THINKING,) if position else ()


def _skip_blanks(text: str, start: int) -> int:
    match = BLANKS.match(text, start)
    return match.end() if match else start


def _find_close(text: str, start: int) -> int | None:
    return next((m.end() for m in THOUGHT.finditer(text, start) if m.group(1)), None)


def _find_places(text: str, keys: Set[str]) -> list[_Place]:
    try:
        objects = _find_objects(text, keys)
    except _Broken as broken:
        # A draft in thinking that the prompt began: the answer stands behind the end of that.
        marks = THOUGHT.finditer(text, broken.start)
        ends = [mark.end() for mark in marks if mark.group(1)]
        if not ends:
            raise broken.fault from broken
        return _find_places(text[ends[-1] :], keys)
    blocks = list(_find_blocks(text, objects))
    inside = _Spans((block.start, block.end) for block in blocks)
    objects = [place for place in objects if place.start not in inside]
    places = sorted([*objects, *blocks], key=lambda place: place.start)
    if not places:
        raise NotJSON("it holds no JSON object", 0)
    thoughts = _find_thoughts(text, places)
    return [place for place in places if place.start not in thoughts] or places


def _find_objects(text: str, keys: Set[str]) -> list[_Place]:
    """Find objects, not those inside others.

    Raises:
        _Broken: One begins as an answer does and cannot be read, or none can.
    """
    places: list[_Place] = []
    faults: list[NotJSON] = []
    position, characters, steps = 0, MAX_FAILED_READS * len(text), MAX_FAILED_STEPS
    while (start := START.search(text, position)) is not None:
        at = start.start()
        try:
            parsed = parse_value(text, at)
        except NotJSON as fault:
            characters -= fault.position - at
            steps -= fault.steps + 1
            is_fatal = isinstance(fault, RepeatedKey) or min(characters, steps) < 0
            if is_fatal or not keys.isdisjoint(start.groups()):
                raise _Broken(at, _locate(text, at, fault)) from fault
            faults = faults or [_locate(text, at, fault)]
            position = at + 1
            continue
        notes = (IN_PROSE, *parsed.slips)
        places.append(_Place(at, parsed.end, Candidate(parsed.value, notes=notes)))
        position = parsed.end
        if len(places) > MAX_OBJECTS:
            raise _Broken(at, NotJSON(f"it holds more than {MAX_OBJECTS} JSON objects", at))
    if faults and not places:
        raise _Broken(len(text), faults[0])
    return places


def _locate(text: str, start: int, fault: NotJSON) -> NotJSON:
    """Say in which line of an object it cannot be read."""
    if isinstance(fault, RepeatedKey):
        return fault
    line = text.count("\n", start, fault.position) + 1
    return NotJSON(f"{fault}, in line {line} of the JSON", fault.position)


def _find_blocks(text: str, objects: Sequence[_Place]) -> Iterator[_Place]:
    """Find code blocks that hold one value; not those inside the strings of an object."""
    spans = _Spans((place.start, place.end) for place in objects)
    for match in islice(FENCE.finditer(text), MAX_OBJECTS):
        start, end = match.span(2)
        whole = None if match.start() in spans else _read_whole(text[start:end].strip())
        if whole is not None:
            notes = (IN_BLOCK, *whole.slips)
            yield _Place(start, end, Candidate(whole.value, is_whole=True, notes=notes))


def _find_thoughts(text: str, places: Sequence[_Place]) -> "_Spans":
    """Find what stands in thinking: before a mark that ends it, or behind one that begins it."""
    values = _Spans((place.start, place.end) for place in places)
    thoughts: list[tuple[int, int]] = []
    begin: int | None = None
    for mark in THOUGHT.finditer(text):
        if mark.start() in values:
            continue
        if not mark.group(1):
            begin = mark.start() if begin is None else begin
        elif begin is None:
            thoughts = [(0, mark.end())]  # the prompt began it
        else:
            thoughts.append((begin, mark.end()))
            begin = None
    if begin is not None:
        thoughts.append((begin, len(text)))
    return _Spans(thoughts)


class _Spans:
    """Parts of a text, in their order."""

    def __init__(self, spans: Iterable[tuple[int, int]]) -> None:
        self._spans = list(spans)
        self._starts = [start for start, _ in self._spans]

    def __contains__(self, position: int) -> bool:
        index = bisect_right(self._starts, position) - 1
        return index >= 0 and position < self._spans[index][1]

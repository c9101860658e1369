"""JSON as models write it, read only where it has one meaning; pure.

Beyond JSON itself it may have commas before a closing bracket, comments, strings in single quotes,
raw line ends in strings, keys without quotes and Python's words for true, false and null. Nothing
is completed and no quote is guessed: a string ends where its quote says so, or the text is no JSON.
"""

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass, field

MAX_DEPTH = 64
"""Values inside one another; an answer needs six."""

BLANKS = re.compile(r"[\s\ufeff]*")
COMMENT_LINE = re.compile(r"//[^\n]*")
DOUBLE = re.compile(r'"([^"\\]*(?:\\.[^"\\]*)*)"', re.DOTALL)
SINGLE = re.compile(r"'([^'\\]*(?:\\.[^'\\]*)*)'", re.DOTALL)
BARE_KEY = re.compile(r"[A-Za-z_$][A-Za-z0-9_$]*")
NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")
WORDS = {"true": True, "false": False, "null": None}
PYTHON_WORDS = {"True": True, "False": False, "None": None}

UNENDED = "it ends before its JSON does"
"""What is said of a text that stops inside a value."""


class NotJSON(ValueError):
    """A text that is no JSON, or says two things at once."""

    def __init__(self, why: str, position: int) -> None:
        """Keep the reason and how far the text was looked at."""
        super().__init__(why)
        self.position = position
        self.steps = 0
        """Values that were read before."""


class RepeatedKey(NotJSON):
    """An object gives one key two values."""


@dataclass(slots=True)
class Parsed:
    """A value that stands in a text."""

    value: object
    end: int
    """Where the text goes on after it."""
    slips: tuple[str, ...] = ()
    """In what it is no JSON."""


def parse_strict(text: str) -> object:
    """Read JSON of which nothing but raw control characters in strings is forgiven.

    Raises:
        NotJSON: It is none.
    """
    try:
        return json.loads(
            text, strict=False, object_pairs_hook=_join_pairs, parse_constant=_refuse_constant
        )
    except NotJSON:
        raise
    except json.JSONDecodeError as error:
        raise NotJSON("it is not valid JSON", error.pos) from error
    except (ValueError, RecursionError) as error:
        raise NotJSON("it is not valid JSON", len(text)) from error


def parse_value(text: str, start: int = 0) -> Parsed:
    """Read the value that begins at `start`, whatever stands behind it.

    Raises:
        NotJSON: None does, or it can be read in two ways.
    """
    reader = _Reader(text, start)
    try:
        value = reader.read_value(0)
    except NotJSON as fault:
        fault.steps = reader.steps
        raise
    return Parsed(value, reader.position, tuple(reader.slips))


def skip_blanks(text: str, start: int) -> int:
    """Return where something else than blanks and comments begins."""
    reader = _Reader(text, start)
    reader.skip()
    return reader.position


def _join_pairs(pairs: Iterable[tuple[str, object]], position: int = 0) -> dict[str, object]:
    joined: dict[str, object] = {}
    for key, value in pairs:
        if key in joined and joined[key] != value:
            why = f"`{key[:40]}` stands twice in one object, with different values: give it once"
            raise RepeatedKey(why, position)
        joined[key] = value
    return joined


def _refuse_constant(word: str) -> object:
    raise NotJSON(f"{word} is no JSON", 0)


@dataclass(slots=True)
class _Reader:
    """Reads from a position on; every failure says how far it looked."""

    text: str
    position: int
    slips: dict[str, None] = field(default_factory=dict)
    steps: int = 0

    def skip(self) -> None:
        """Pass over blanks and comments; raises `NotJSON` for one without an end."""
        while True:
            self.position = self._after(BLANKS)
            if self.text.startswith("//", self.position):
                self.position = self._after(COMMENT_LINE)
            elif self.text.startswith("/*", self.position):
                end = self.text.find("*/", self.position + 2)
                if end < 0:
                    raise NotJSON("a comment does not end", len(self.text))
                self.position = end + 2
            else:
                return
            self.slips["a comment"] = None

    def read_value(self, depth: int) -> object:
        """Read the value at the position, inside so many others; raises `NotJSON`."""
        self.steps += 1
        self.skip()
        char = self._peek()
        if char in {"{", "["}:
            if depth == MAX_DEPTH:
                raise self._fail(f"more than {MAX_DEPTH} values stand inside one another")
            self.position += 1
            return self._read_object(depth + 1) if char == "{" else self._read_list(depth + 1)
        if char in {'"', "'"}:
            return self._read_string(char)
        return self._read_number() if char in "-0123456789" else self._read_word()

    def _read_object(self, depth: int) -> dict[str, object]:
        pairs: list[tuple[str, object]] = []
        while not self._ends("}"):
            key = self._read_key()
            self.skip()
            if self._peek() != ":":
                raise self._fail("a colon is missing after a key")
            self.position += 1
            pairs.append((key, self.read_value(depth)))
            self._separate("}")
        return _join_pairs(pairs, self.position)

    def _read_list(self, depth: int) -> list[object]:
        items: list[object] = []
        while not self._ends("]"):
            items.append(self.read_value(depth))
            self._separate("]")
        return items

    def _ends(self, bracket: str) -> bool:
        self.skip()
        if self._peek() != bracket:
            return False
        self.position += 1
        return True

    def _separate(self, bracket: str) -> None:
        """Step over a comma, which may stand behind the last item too."""
        self.skip()
        if self._peek() == bracket:
            return
        if self._peek() != ",":
            raise self._fail(f"a comma or {bracket} is missing, or a quote is not escaped")
        self.position += 1
        self.skip()
        if self._peek() == bracket:
            self.slips["a trailing comma"] = None

    def _read_key(self) -> str:
        char = self._peek()
        if char in {'"', "'"}:
            return self._read_string(char)
        match = BARE_KEY.match(self.text, self.position)
        if match is None:
            raise self._fail("a key is missing")
        self.position = match.end()
        self.slips["a key without quotes"] = None
        return match.group()

    def _read_string(self, quote: str) -> str:
        match = (DOUBLE if quote == '"' else SINGLE).match(self.text, self.position)
        if match is None:
            raise NotJSON(UNENDED, len(self.text))
        self.position = match.end()
        raw = match.group(1)
        if quote == "'":
            self.slips["strings in single quotes"] = None
            raw = re.sub(r"\\(.)|\"", _requote, raw, flags=re.DOTALL)
        if "\\" not in raw:
            return raw
        try:
            text: str = json.loads(f'"{raw}"', strict=False)
        except ValueError as error:
            why = "a backslash in a string stands before a character that is no escape"
            raise NotJSON(why, self.position) from error
        return text

    def _read_number(self) -> object:
        match = NUMBER.match(self.text, self.position)
        if match is None:
            raise self._fail("a number is not written as JSON has it")
        self.position = match.end()
        try:
            return json.loads(match.group())
        except ValueError as error:
            raise self._fail("a number is too long") from error

    def _read_word(self) -> object:
        match = BARE_KEY.match(self.text, self.position)
        word = match.group() if match else ""
        if word in PYTHON_WORDS:
            self.slips["Python's words"] = None
        elif word not in WORDS:
            raise self._fail("a value is missing, or a string without quotes")
        self.position += len(word)
        return {**WORDS, **PYTHON_WORDS}[word]

    def _after(self, pattern: re.Pattern[str]) -> int:
        match = pattern.match(self.text, self.position)
        return match.end() if match else self.position

    def _peek(self) -> str:
        """Return the next character.

        Raises:
            NotJSON: There is none.
        """
        if self.position >= len(self.text):
            raise NotJSON(UNENDED, len(self.text))
        return self.text[self.position]

    def _fail(self, why: str) -> NotJSON:
        return NotJSON(why, self.position)


def _requote(match: re.Match[str]) -> str:
    """Spell part of a string in single quotes as one in double quotes has it."""
    escaped = match.group(1)
    if escaped is None:
        return '\\"'
    return "'" if escaped == "'" else match.group()

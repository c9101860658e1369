"""A call's prompts as their sections; pure.

The manifest says where each section stands. What was recorded before it did, or does not stand
there any more since it was redacted, is taken apart at its headings; what a later request of a call
adds stands behind all of them and is taken apart at its own.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import ceil
from typing import Any

from forge_core.context.sections import FILE_KINDS, HEADINGS
from forge_obs import Interaction

from forge_cli.views.calls.shown_files import FENCE, HEADING
from forge_cli.views.json_text import load_or_keep

PROMPTS = ("system", "user")
"""The two texts of a request, in their order."""

MARK = "## "
"""How a section begins that has a heading."""

INSTRUCTIONS = "instructions"
"""The kind of section that has no heading."""

KINDS = {heading: kind for kind, heading in HEADINGS.items()}
"""Kinds by their heading."""

LATER = {
    "Asked for": "asked_for",
    "Search": "search",
    "Shown now": "shown_now",
    "Your request": "request",
    "Previous answer": "previous_answer",
}
"""Kinds of sections that a later request of a call adds, by their heading."""

CHARS_PER_TOKEN = 4.0
"""Characters of a token where no manifest says how many were estimated."""


@dataclass(frozen=True, slots=True)
class PromptSection:
    """One part of a prompt."""

    prompt: str
    """`system` or `user`."""
    kind: str
    """As the manifest says; empty for a prompt that is not known to have sections."""
    name: str
    """What it is about, e.g. a file's path; empty where the kind says it all."""
    title: str
    text: str
    """All of it, without its heading."""
    length: int
    """Characters, heading included."""
    tokens: int
    """Estimated."""
    path: str | None = None
    """The file that it shows."""

    @property
    def key(self) -> tuple[str, str, str]:
        """What a section of another call has in common with it that shows the same thing."""
        return self.prompt, self.kind, self.name


Entry = Mapping[str, Any]


def read_sections(call: Interaction) -> tuple[PromptSection, ...]:
    """Take the prompts of a call apart; what has no sections is one section a prompt."""
    loaded = load_or_keep(call.context_manifest_json)
    listed = loaded if isinstance(loaded, list) else []
    entries = [entry for entry in listed if isinstance(entry, dict)]
    reader = _Reader(entries, _measure_tokens(entries))
    texts = zip(PROMPTS, (call.system_prompt, call.user_prompt), strict=True)
    return tuple(section for prompt, text in texts if text for section in reader.read(prompt, text))


def _measure_tokens(entries: Sequence[Entry]) -> float:
    """Return the characters of a token by which a manifest was estimated."""
    sizes = [
        (entry["length"], entry["tokens"])
        for entry in entries
        if isinstance(entry.get("length"), int) and isinstance(entry.get("tokens"), int)
    ]
    tokens = sum(size for _, size in sizes)
    return max(1.0, sum(length for length, _ in sizes) / tokens) if tokens > 0 else CHARS_PER_TOKEN


@dataclass(frozen=True, slots=True)
class _Reader:
    """Takes prompts of one call apart."""

    entries: Sequence[Entry]
    chars_per_token: float

    def read(self, prompt: str, text: str) -> Iterator[PromptSection]:
        """Yield the sections of a prompt in order; all of it as one where none are on record."""
        placed = [entry for entry in self.entries if entry.get("prompt") == prompt]
        if not self.entries:
            yield self._build(prompt, "", text, title=f"{prompt.capitalize()} prompt")
        elif placed and _stand_there(placed, text):
            for entry in placed:
                start, length = entry["start"], entry["length"]
                yield self._build(prompt, str(entry["kind"]), text[start : start + length], entry)
            yield from self._read_headings(prompt, text[start + length :].lstrip("\n"), LATER)
        else:
            yield from self._read_headings(prompt, text, {**KINDS, **LATER})

    def _read_headings(
        self, prompt: str, text: str, kinds: Mapping[str, str]
    ) -> Iterator[PromptSection]:
        """Take a text apart at those headings that stand outside of fences."""
        starts = [0, *_find_headings(text, kinds), len(text)]
        for start, stop in pairwise(starts):
            part = text[start:stop].strip("\n")
            if part:
                kind = kinds.get(_read_heading(part), INSTRUCTIONS if prompt == "system" else "")
                yield self._build(prompt, kind, f"{part}\n")

    def _build(
        self, prompt: str, kind: str, text: str, entry: Entry | None = None, title: str = ""
    ) -> PromptSection:
        heading, body = "", text
        if kind not in {"", INSTRUCTIONS} and text.startswith(MARK):
            heading, _, body = text.partition("\n")
        heading = heading.removeprefix(MARK)
        named = HEADING.fullmatch(MARK + heading)
        name = named["path"] if named else ""
        tokens = ceil(len(text) / self.chars_per_token)
        path = name if kind in FILE_KINDS and name else None
        if entry is not None:
            name = str(entry.get("name") or "")
            tokens = entry["tokens"] if isinstance(entry.get("tokens"), int) else tokens
            path = entry.get("path") if isinstance(entry.get("path"), str) else None
        usual = kind.replace("_", " ").capitalize() or f"{prompt.capitalize()} prompt"
        return PromptSection(
            prompt=prompt,
            kind=kind,
            name=name,
            title=title or heading or usual,
            text=body.strip("\n"),
            length=len(text),
            tokens=tokens,
            path=path,
        )


def _stand_there(placed: Sequence[Entry], text: str) -> bool:
    """Return whether sections stand where a manifest says: in a row, each with its heading."""
    known = {str(kind): heading for kind, heading in HEADINGS.items()}
    end = -1
    for entry in placed:
        start, length, kind = entry.get("start"), entry.get("length"), entry.get("kind")
        if not (isinstance(start, int) and isinstance(length, int) and isinstance(kind, str)):
            return False
        if start != end + 1 or length < 0 or start + length > len(text):
            return False
        heading = "" if kind == INSTRUCTIONS else MARK + known.get(kind, "")
        if not text.startswith(heading, start):
            return False
        end = start + length
    return end == len(text) or text[end] == "\n"


def _find_headings(text: str, kinds: Mapping[str, str]) -> Iterator[int]:
    """Find where sections begin after the first character."""
    position, fence = 0, ""
    for line in text.split("\n"):
        opening = None if fence else FENCE.fullmatch(line)
        if fence:
            fence = "" if line == fence else fence
        elif opening is not None:
            fence = opening["ticks"]
        elif position and line.startswith(MARK) and _read_heading(line) in kinds:
            yield position
        position += len(line) + 1


def _read_heading(text: str) -> str:
    """Return what a section's heading says that it holds; empty where there is none."""
    line = text.partition("\n")[0]
    if not line.startswith(MARK):
        return ""
    title = line.removeprefix(MARK)
    return title if title in KINDS or title in LATER else title.partition(": ")[0]

"""Sections: the parts of a prompt as values, before they become text."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from math import ceil
from typing import Literal

SectionKind = Literal[
    "instructions",
    "task",
    "failure",
    "target_file",
    "repo_map",
    "finding",
    "plan",
    "refused_file",
    "refused_edits",
    "changed_file",
    "written_file",
    "mentioned_file",
    "dependency",
    "short_file",
    "interface",
    "context_file",
]
"""What a section holds, in the order in which sections are given room.

The map comes before what differs between the calls of a run, so that it is the same in all.
"""

SectionForm = Literal["text", "full", "excerpt", "signatures"]
"""Prose, a repository file in full, parts of one, or the outline of one."""

HEADINGS: dict[SectionKind, str] = {
    "repo_map": "Repository map",
    "context_file": "Context file",
    "interface": "Interface",
    "short_file": "Short file",
    "dependency": "Imported file",
    "mentioned_file": "Named in the description",
    "changed_file": "Changed by the previous attempt, as it stands now",
    "written_file": "Written by an earlier step",
    "target_file": "Target file",
    "plan": "Plan",
    "task": "Task",
    "failure": "Previous attempt",
    "finding": "Finding",
    "refused_file": "Refused file",
    "refused_edits": "Refused changes",
}

FILE_KINDS: frozenset[SectionKind] = frozenset(
    {
        "context_file",
        "interface",
        "short_file",
        "dependency",
        "mentioned_file",
        "written_file",
        "changed_file",
        "target_file",
        "refused_file",
    }
)
"""Kinds whose name is the path of a file."""

SHORTENED: dict[SectionForm, str] = {
    "excerpt": " (parts of it, the whole file finds no room)",
    "signatures": " (signatures only, the whole file finds no room)",
}


@dataclass(frozen=True, slots=True)
class Section:
    """One part of a prompt."""

    kind: SectionKind
    name: str
    """What the section is about, e.g. a path; empty where the kind says it all."""
    text: str
    reason: str
    """Why it is shown."""
    form: SectionForm = "text"
    outline: str = ""
    """What replaces the text where that does not fit; empty where nothing can."""
    source: str = ""
    """The file of which parts replace the text where it does not fit; empty for no parts."""
    words: str = ""
    """Words of the task, by which these parts are chosen."""
    ranges: tuple[tuple[int, int], ...] = ()
    """Of an excerpt: first and last line of each part, counted from 1."""
    rank: int | None = None
    """Rank of the file among the repository's Python files, 1 for the most important."""
    tokens: int = 0
    """Estimated, heading included; set when the section is packed."""


def estimate_tokens(text: str, chars_per_token: float) -> int:
    """Estimate the tokens of a text from its length."""
    return ceil(len(text) / chars_per_token)


def fence(text: str, language: str = "") -> str:
    """Put text into a Markdown code block that nothing in the text can close."""
    runs = re.findall(r"`{3,}", text) if "```" in text else ()
    longest = max(map(len, runs), default=2)
    ticks = "`" * (longest + 1)
    ending = "" if text.endswith("\n") or not text else "\n"
    return f"{ticks}{language}\n{text}{ending}{ticks}"


def shorten(section: Section) -> Section | None:
    """Reduce a file to its outline; None where it has none."""
    if not section.outline:
        return None
    return replace(section, text=fence(section.outline), form="signatures", outline="")


def render_section(section: Section) -> str:
    """Render one section under its heading; instructions have none."""
    if section.kind == "instructions":
        return section.text
    heading = HEADINGS[section.kind]
    title = f"{heading}: {section.name}" if section.name else heading
    short = SHORTENED.get(section.form, "") if section.kind != "interface" else ""
    return f"## {title}{short}\n\n{section.text}\n"


def render_sections(sections: Iterable[Section]) -> str:
    """Render a prompt from its sections, in their order."""
    return "\n".join(render_section(section) for section in sections)

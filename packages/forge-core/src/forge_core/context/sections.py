"""Sections: the parts of a prompt as values, before they become text."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from math import ceil
from typing import Literal

SectionKind = Literal[
    "repository",
    "context_file",
    "target_file",
    "plan",
    "task",
    "failure",
    "finding",
    "refused_file",
]
"""What a section holds."""

SectionForm = Literal["text", "full"]
"""Prose of ours, or a repository file in full."""

HEADINGS: dict[SectionKind, str] = {
    "repository": "Repository",
    "context_file": "Context file",
    "target_file": "Target file",
    "plan": "Plan",
    "task": "Task",
    "failure": "Previous attempt",
    "finding": "Finding",
    "refused_file": "Refused file",
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


def estimate_tokens(text: str, chars_per_token: float) -> int:
    """Estimate the tokens of a text from its length."""
    return ceil(len(text) / chars_per_token)


def fence(text: str, language: str = "") -> str:
    """Put text into a Markdown code block that nothing in the text can close."""
    longest = max((len(run) for run in re.findall(r"`{3,}", text)), default=2)
    ticks = "`" * (longest + 1)
    ending = "" if text.endswith("\n") or not text else "\n"
    return f"{ticks}{language}\n{text}{ending}{ticks}"


def render_section(section: Section) -> str:
    """Render one section under its heading."""
    heading = HEADINGS[section.kind]
    title = f"{heading}: {section.name}" if section.name else heading
    return f"## {title}\n\n{section.text}\n"


def render_sections(sections: Iterable[Section]) -> str:
    """Render a prompt from its sections, in their order."""
    return "\n".join(render_section(section) for section in sections)

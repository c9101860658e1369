"""Which files of its context a run had any use for; pure.

A file was of use if an answer changed it, imported it or named it. What a model read and did not
mention may still have helped it, so the share of what was never touched is the most that could be
spared, not the least.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

from forge_obs import Interaction

from forge_cli.views.analysis.answer_text import read_answer
from forge_cli.views.calls.sections import PromptSection, read_sections

SHORTENED = ("signatures only", "parts of it")
"""How the title of a section says that it shows a file in part."""


@dataclass(frozen=True, slots=True)
class FilePayoff:
    """What one file cost a run, and what it was good for."""

    path: str
    calls: int
    """In how many calls it was shown."""
    calls_used: int
    """In how many of them the answer made use of it."""
    tokens: int
    """Estimated, all calls together."""
    uses: tuple[str, ...]
    """Of `changed`, `imported`, `named`; empty where nothing came of it."""
    is_cut: bool
    """Whether an answer changed it, or asked for it, that had been shown a part only."""


@dataclass(frozen=True, slots=True)
class Payoff:
    """What the context of a run was good for."""

    files: tuple[FilePayoff, ...]
    """The largest first."""
    other_tokens: int
    """Tokens of what is no file: instructions, map, task, findings."""

    @property
    def file_tokens(self) -> int:
        """Tokens of all files."""
        return sum(file.tokens for file in self.files)

    @property
    def untouched_tokens(self) -> int:
        """Tokens of the files of which no answer made any use."""
        return sum(file.tokens for file in self.files if not file.uses)

    @property
    def untouched_share(self) -> float | None:
        """Their share of all tokens of files; None where no file was shown."""
        return self.untouched_tokens / self.file_tokens if self.file_tokens else None


@dataclass(slots=True)
class _Sum:
    calls: int = 0
    calls_used: int = 0
    tokens: int = 0
    uses: set[str] = field(default_factory=set)
    is_cut: bool = False


def measure_payoff(calls: Iterable[Interaction]) -> Payoff:
    """Measure what the context of some calls, with their texts, was good for."""
    sums: dict[str, _Sum] = {}
    other = 0
    for call in calls:
        answer = read_answer(call)
        for section in read_sections(call):
            if section.path is None:
                other += section.tokens
                continue
            total = sums.setdefault(section.path, _Sum())
            uses = set(answer.list_uses(section.path))
            total.calls += 1
            total.calls_used += bool(uses)
            total.tokens += section.tokens
            total.uses |= uses
            total.is_cut |= _is_shortened(section) and answer.needs(section.path)
    files = [
        FilePayoff(path, s.calls, s.calls_used, s.tokens, tuple(sorted(s.uses)), s.is_cut)
        for path, s in sums.items()
    ]
    return Payoff(tuple(sorted(files, key=lambda file: (-file.tokens, file.path))), other)


def _is_shortened(section: PromptSection) -> bool:
    return any(word in section.title for word in SHORTENED) or section.kind == "interface"

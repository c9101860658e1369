"""What a model answers and what one call of it cost."""

from collections.abc import Iterator, Mapping
from typing import Literal, Self

from forge_obs import LLMStats
from pydantic import BaseModel, ConfigDict, Field, model_validator

from forge_core.models.budget import NONE_SPENT, Spending
from forge_core.models.call.context import ShownFile
from forge_core.models.frozen import FrozenModel
from forge_core.models.plan import Plan

Origin = Literal["provider", "scripted", "replay"]
"""Who answered: a provider over the network, a script, a recording."""


ANSWER = ConfigDict(frozen=True, json_schema_serialization_defaults_required=True)
"""Of what a model is asked for: the schema sent, of serialization, has every field required."""


class FileOutput(BaseModel):
    """One file of an answer, whole."""

    model_config = ANSWER

    file_path: str = Field(description="Path relative to the repository's root.")
    content: str = Field(
        description="The complete content of the file: what you leave out is gone."
    )
    executable: bool | None = Field(
        default=None,
        description="true for a script that is started by its own name, null for anything else.",
    )


class FileEdit(BaseModel):
    """One change of an existing file."""

    model_config = ANSWER

    file_path: str = Field(description="Path of a file that you were shown.")
    search: str = Field(
        description="Whole lines copied exactly from the file, nothing left out, which stand in it "
        "only once: those to be changed, with two lines before and after them, or one where you "
        "change several lines; more if these stand there more than once. Never empty."
    )
    replace: str = Field(
        description="All that stands there afterwards, the lines before and after included."
    )
    every: bool = Field(
        default=False,
        description="true to replace a word or phrase literally wherever it stands in the file.",
    )


class FileRename(BaseModel):
    """A file that gets another path; edits of it name the old one."""

    model_config = ANSWER

    file_path: str = Field(description="The path as it is.")
    new_path: str = Field(description="The path afterwards, of which no file stands yet.")


class Untouched(BaseModel):
    """A file named to be changed that needs no change."""

    model_config = ANSWER

    file_path: str = Field(description="Its path.")
    reason: str = Field(description="Why it is right as it stands.")


class LLMResponse(BaseModel):
    """The changes of files and a short explanation."""

    model_config = ANSWER

    explanation: str = Field(default="", description="What was done and why, in a few sentences.")
    files: tuple[FileOutput, ...] = Field(
        default=(), description="Files to create, and small ones to replace as a whole."
    )
    edits: tuple[FileEdit, ...] = Field(
        default=(),
        description="Changes of existing files, in any order; each is sought in the file as shown.",
    )
    deletions: tuple[str, ...] = Field(default=(), description="Paths of files to delete.")
    renames: tuple[FileRename, ...] = Field(default=(), description="Files to move.")
    untouched: tuple[Untouched, ...] = Field(
        default=(), description="Files named to be changed that need no change, each with why."
    )

    @model_validator(mode="before")
    @classmethod
    def _require_changes(cls, answer: object) -> object:
        """Refuse an object that has none of the lists, which is no answer to what was asked."""
        if isinstance(answer, Mapping) and not LISTS.intersection(answer):
            raise ValueError(f"the answer must have one of {', '.join(sorted(LISTS))}")
        return answer

    @model_validator(mode="after")
    def _refuse_contradictions(self) -> Self:
        ways: dict[str, set[str]] = {}
        for way, paths in self._list_paths():
            for path in paths:
                ways.setdefault(path, set()).add(way)
        for path, names in ways.items():
            if len(names) > 1 and names != {"edits", "renames"}:
                named = " and ".join(sorted(names))
                raise ValueError(f"{path!r} stands in {named}: name it in one of them")
        return self

    @property
    def changes_files(self) -> bool:
        """Whether there is anything to write."""
        return bool(self.files or self.edits or self.deletions or self.renames)

    def _list_paths(self) -> Iterator[tuple[str, list[str]]]:
        yield "files", [file.file_path for file in self.files]
        yield "edits", [edit.file_path for edit in self.edits]
        yield "deletions", list(self.deletions)
        yield "renames", [rename.file_path for rename in self.renames]
        yield "renames as a new path", [rename.new_path for rename in self.renames]


NO_FILES = "the answer holds no files"
"""Why an answer is unusable that neither changes a file nor says why none needs it."""

LISTS = frozenset({"files", "edits", "deletions", "renames", "untouched"})
"""Lists of an answer, each of which may be missing, but not all."""


class CallUsage(FrozenModel):
    """Where an answer came from and what it took; shared by every kind of call."""

    model_name: str
    """The model that answered, as the provider names it."""
    input_tokens: int = 0
    """Tokens of the request, cached ones included."""
    output_tokens: int = 0
    """Tokens of the answer, reasoning included."""
    latency_ms: float = 0.0
    """Wall time of the request in milliseconds."""
    first_token_ms: float | None = None
    """From sending the request to the first token, in milliseconds; None where it came whole."""
    cache_read_tokens: int = 0
    cache_write_tokens: int = 0
    reasoning_tokens: int = 0
    finish_reason: str | None = None
    origin: Origin = "provider"


class LLMCallResult(CallUsage):
    """An accepted answer with files."""

    task_id: str
    response: LLMResponse
    shown: tuple[ShownFile, ...] | None = None
    """What the model had seen when it answered; None where nobody checked that."""
    entry_id: str | None = None
    """Of the request that got the answer; None in what an older Forge returned."""
    spent: Spending = NONE_SPENT
    """What the whole call took, with the requests before the accepted one."""


class PlanCallResult(CallUsage):
    """An accepted plan."""

    task_id: str
    plan: Plan
    entry_id: str | None = None
    """Of the request that got the plan; None in what an older Forge returned."""
    spent: Spending = NONE_SPENT
    """What the whole call took, with the requests before the accepted one."""


def build_llm_stats(result: CallUsage) -> LLMStats:
    """Reduce a call to the figures that travel in a Temporal result."""
    return LLMStats.model_validate(result, from_attributes=True)

"""A model's answer as a diff, against what its prompt showed of the files."""

from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher, unified_diff

from forge_core.edits.lines import split_quoted, split_text
from forge_core.edits.refusal import EditRefused
from forge_core.edits.splice import Splice, plan_edit
from forge_core.errors import ForgeError
from forge_core.llm.parse_answer import UnfitAnswer, parse_answer
from forge_core.models.call.context_request import AskingResponse, ContextRequest
from forge_core.models.call.llm import FileEdit, FileOutput, LLMResponse
from forge_obs import Interaction

from forge_cli.escape import escape, escape_line
from forge_cli.render.changes import describe_way
from forge_cli.render.figures import format_count
from forge_cli.views.shown_files import ShownPart, read_shown_files

ROLE = "llm"
"""Role of a call that answers with changes of files."""

MOST_LINES = 5
"""Lines that are named of an edit that is made at several places."""


def render_answer(call: Interaction) -> str | None:
    """Render an answer's changes; None for what is no answer for files."""
    if call.role != ROLE or call.response is None:
        return None
    try:
        answer = parse_answer(call.response, AskingResponse)
    except (UnfitAnswer, ForgeError):
        return None
    if not isinstance(answer, AskingResponse):
        return None
    if answer.asked is not None:
        return "\n".join(_render_request(answer.asked))
    return "\n".join(_render(answer, read_shown_files(call.user_prompt)))


def _render_request(asked: ContextRequest) -> Iterator[str]:
    for path in asked.files:
        yield escape_line(f"asks for {path}")
    for words in asked.searches:
        yield escape_line(f"asks where {words!r} stands")


def _render(answer: LLMResponse, shown: dict[str, list[ShownPart]]) -> Iterator[str]:
    if answer.explanation:
        yield escape(answer.explanation)
    for rename in answer.renames:
        yield from ("", escape_line(f"rename {rename.file_path} to {rename.new_path}"))
    for path in dict.fromkeys(edit.file_path for edit in answer.edits):
        yield from ("", escape_line(f"--- {path}"), escape_line(f"+++ {path}"))
        for edit in answer.edits:
            if edit.file_path == path:
                yield from _render_edit(edit, shown.get(path, []))
    for file in answer.files:
        yield from ("", *_render_file(file, shown.get(file.file_path, [])))
    for path in answer.deletions:
        yield from ("", escape_line(f"delete {path}"))
    for left in answer.untouched:
        yield from ("", escape_line(f"untouched {left.file_path}: {left.reason}"))


def _render_edit(edit: FileEdit, parts: Sequence[ShownPart]) -> Iterator[str]:
    yield f"@@ {_describe_place(edit, parts)} @@"
    yield from _compare(split_quoted(edit.search), split_quoted(edit.replace))


def _describe_place(edit: FileEdit, parts: Sequence[ShownPart]) -> str:
    for part in parts:
        try:
            splices = plan_edit(split_text(part.text), edit)
        except EditRefused:
            continue
        if splices:
            return f"{_name_lines(splices, part.first)}, {describe_way(splices[0].rung)}"
    return "its place is not to be told from the prompt"


def _name_lines(splices: Sequence[Splice], first: int) -> str:
    numbers = [first + splice.first for splice in splices]
    if splices[0].rung != "every":
        return f"line {numbers[0]}"
    more = f" and {len(numbers) - MOST_LINES} more" if len(numbers) > MOST_LINES else ""
    return f"lines {', '.join(map(str, numbers[:MOST_LINES]))}{more}"


def _compare(old: Sequence[str], new: Sequence[str]) -> Iterator[str]:
    """Give every line of both, those in common once."""
    matcher = SequenceMatcher(None, old, new, autojunk=False)
    for tag, i1, i2, j1, j2 in matcher.get_opcodes():
        if tag == "equal":
            yield from (f" {escape(line)}" for line in old[i1:i2])
            continue
        yield from (f"-{escape(line)}" for line in old[i1:i2])
        yield from (f"+{escape(line)}" for line in new[j1:j2])


def _render_file(file: FileOutput, parts: Sequence[ShownPart]) -> Iterator[str]:
    whole = next((part for part in parts if part.is_whole), None)
    new = split_quoted(file.content)
    if whole is None:
        yield escape_line(f"+++ {file.file_path}")
        yield f"@@ whole, {format_count(len(new), 'line')} @@"
        yield from (f"+{escape(line)}" for line in new)
        return
    old = split_quoted(whole.text)
    lines = unified_diff(old, new, file.file_path, file.file_path, lineterm="")
    yield from (
        map(escape, lines) if old != new else (escape_line(f"{file.file_path}: as it was"),)
    )

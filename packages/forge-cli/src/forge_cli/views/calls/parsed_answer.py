"""Answers as the engine reads them, and what their edits make of the files in the prompt; pure.

It takes the models of the engine, which take their time: import it where an answer names files.
"""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from difflib import SequenceMatcher

from forge_core.edits.apply import apply_edits
from forge_core.edits.lines import split_quoted
from forge_core.edits.refusal import EditsRefused
from forge_core.errors import ForgeError
from forge_core.llm.parse_answer import UnfitAnswer, parse_answer
from forge_core.models.call.context_request import AskingResponse
from forge_core.models.call.llm import FileEdit, LLMResponse
from forge_obs import Interaction

from forge_cli.views.calls.shown_files import ShownPart, read_shown_files
from forge_cli.views.calls.written_files import ROLE, WrittenFile, write_note, write_whole


def read_answer(call: Interaction) -> AskingResponse | None:
    """Read an answer that changes files; None for any other."""
    if call.role != ROLE or call.response is None:
        return None
    try:
        answer = parse_answer(call.response, AskingResponse)
    except (UnfitAnswer, ForgeError):
        return None
    return answer if isinstance(answer, AskingResponse) else None


def read_written_files(call: Interaction) -> dict[str, WrittenFile] | None:
    """Return what an answer makes of each file; None for what is no answer for files."""
    answer = read_answer(call)
    if answer is None or answer.asked is not None:
        return None
    return dict(_list_written(answer, read_shown_files(call.user_prompt)))


def _list_written(
    answer: LLMResponse, shown: dict[str, list[ShownPart]]
) -> Iterator[tuple[str, WrittenFile]]:
    for file in answer.files:
        yield file.file_path, write_whole(file.content)
    for path in dict.fromkeys(edit.file_path for edit in answer.edits):
        edits = [edit for edit in answer.edits if edit.file_path == path]
        yield path, _edit(edits, shown.get(path, ()))
    for path in answer.deletions:
        yield path, write_note("deleted")
    edited = {edit.file_path for edit in answer.edits}
    for rename in answer.renames:
        if rename.file_path not in edited:
            yield rename.file_path, write_note(f"renamed to {rename.new_path}")


def _edit(edits: Sequence[FileEdit], parts: Sequence[ShownPart]) -> WrittenFile:
    said = [line for edit in edits for line in ("@@", *compare_lines(edit.search, edit.replace))]
    lines = None
    whole = next((part for part in parts if part.is_whole), None)
    if whole is not None:
        with suppress(EditsRefused):
            lines = tuple(split_quoted(apply_edits(whole.text, edits).text))
    return WrittenFile(tuple(said), lines)


def compare_lines(old: str, new: str) -> Iterator[str]:
    """Give every line of both texts with its sign, those in common once."""
    before, after = split_quoted(old), split_quoted(new)
    matcher = SequenceMatcher(None, before, after, autojunk=False)
    for tag, i1, i2, j1, j2 in matcher.get_opcodes():
        if tag == "equal":
            yield from (f" {line}" for line in before[i1:i2])
            continue
        yield from (f"-{line}" for line in before[i1:i2])
        yield from (f"+{line}" for line in after[j1:j2])

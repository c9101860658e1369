"""A model's answer as a diff, against what its prompt showed of the files."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from forge_core.edits.lines import split_quoted, split_text
from forge_core.edits.refusal import EditRefused
from forge_core.edits.splice import Splice, plan_edit
from forge_core.models.call.context_request import ContextRequest
from forge_core.models.call.llm import FileEdit, FileOutput, LLMResponse
from forge_obs import Interaction
from rich.text import Text

from forge_cli.escape import escape, escape_line
from forge_cli.render.calls.highlight import Highlighter, plain
from forge_cli.render.changes import describe_way
from forge_cli.render.diff_text import ADDED, color_line, diff_lines
from forge_cli.render.figures import format_count
from forge_cli.render.wrapping import wrap_prose
from forge_cli.views.calls.parsed_answer import compare_lines, read_answer
from forge_cli.views.calls.shown_files import ShownPart, read_shown_files

MOST_LINES = 5
"""Lines that are named of an edit that is made at several places."""


def render_answer(
    call: Interaction, highlight: Highlighter = plain, width: int | None = None
) -> Text | None:
    """Render an answer's changes; None for what is no answer for files.

    Args:
        call: The call.
        highlight: Colours a text by the path of its file, the text being escaped.
        width: Columns within which prose is broken; None to leave it as it is.
    """
    answer = read_answer(call)
    if answer is None:
        return None
    if answer.asked is not None:
        return _join(_render_request(answer.asked))
    return _join(_Renderer(read_shown_files(call.user_prompt), highlight, width).render(answer))


def _join(lines: Iterable[Text]) -> Text:
    return Text("\n").join(lines)


def _render_request(asked: ContextRequest) -> Iterator[Text]:
    for path in asked.files:
        yield Text(escape_line(f"asks for {path}"))
    for words in asked.searches:
        yield Text(escape_line(f"asks where {words!r} stands"))


@dataclass(frozen=True, slots=True)
class _Renderer:
    """Renders one answer."""

    shown: dict[str, list[ShownPart]]
    highlight: Highlighter
    width: int | None

    def render(self, answer: LLMResponse) -> Iterator[Text]:
        """Render the explanation, then each file that changes, as a diff."""
        if answer.explanation:
            yield Text(wrap_prose(escape(answer.explanation), self.width))
        for rename in answer.renames:
            yield from _head(f"rename {rename.file_path} to {rename.new_path}")
        for path in dict.fromkeys(edit.file_path for edit in answer.edits):
            yield from _head(f"--- {path}", f"+++ {path}")
            for edit in answer.edits:
                if edit.file_path == path:
                    yield from _render_edit(edit, self.shown.get(path, []))
        for file in answer.files:
            yield from self._render_file(file)
        for path in answer.deletions:
            yield from _head(f"delete {path}")
        for left in answer.untouched:
            yield from (Text(), Text(escape_line(f"untouched {left.file_path}: {left.reason}")))

    def _render_file(self, file: FileOutput) -> Iterator[Text]:
        parts = self.shown.get(file.file_path, [])
        whole = next((part for part in parts if part.is_whole), None)
        new = split_quoted(file.content)
        if whole is None:
            yield from _head(f"+++ {file.file_path}")
            yield color_line(f"@@ whole, {format_count(len(new), 'line')} @@")
            code = self.highlight("\n".join(map(escape, new)), file.file_path)
            yield from (Text.assemble(("+", ADDED), line) for line in code.split("\n") if new)
            return
        old = split_quoted(whole.text)
        if old == new:
            yield from _head(f"{file.file_path}: as it was")
            return
        yield Text()
        yield from diff_lines(old, new, file.file_path)


def _head(*lines: str) -> Iterator[Text]:
    yield Text()
    yield from (Text(escape_line(line), style="bold") for line in lines)


def _render_edit(edit: FileEdit, parts: Sequence[ShownPart]) -> Iterator[Text]:
    yield color_line(f"@@ {_describe_place(edit, parts)} @@")
    lines = compare_lines(edit.search, edit.replace)
    yield from (color_line(escape(line)) for line in lines)


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

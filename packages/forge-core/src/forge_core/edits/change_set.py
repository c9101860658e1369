"""From an answer and the commit that it was made for to the files that are to stand; pure.

The base is the commit, never the worktree: applied to its own result, one edit in ten changes the
file again, and an activity may be executed twice.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from itertools import islice

from forge_core.edits.apply import EditedText, apply_edits
from forge_core.edits.feedback import explain_refusals, find_nearest, quote_text
from forge_core.edits.lines import split_quoted, split_text
from forge_core.edits.omission import count_lines, find_placeholders, loses_most
from forge_core.edits.refusal import EditsRefused, Refusal
from forge_core.edits.sight import Sight
from forge_core.errors import ForgeError
from forge_core.models.call.llm import FileEdit, FileOutput, FileRename, LLMResponse
from forge_core.models.changes import BaseFile, FileChange, PlannedFile

SHEBANG = "#!"
"""How a script begins that is started by its own name."""

MAX_LOST = 100
"""Rows of a file that are shown because a refused content does not have them."""

MAX_COMPARED = 5_000_000
"""Product of the lines of two files up to which it is counted exactly what differs."""


class UnfitChanges(ForgeError):
    """An answer cannot be made of the files as they are; nothing of it is written."""

    def __init__(
        self,
        problems: Sequence[str],
        unseen: Mapping[str, Sequence[int]] | None = None,
        advice: Sequence[str] = (),
    ) -> None:
        """Keep what is wrong, a paragraph each, and the rows of files that have to be shown."""
        super().__init__("; ".join(problem.split("\n", 1)[0] for problem in problems))
        self.problems = tuple(problems)
        self.advice = tuple(advice)
        """What the model is to do, beside what it can read from the problems."""
        self.unseen = {path: tuple(rows) for path, rows in (unseen or {}).items()}
        """Path to rows, counted from 0; without any, the file as a whole is meant."""


@dataclass(frozen=True, slots=True)
class ChangeSet:
    """What an answer makes of the files of a commit, all of it or nothing."""

    files: tuple[PlannedFile, ...]
    """Those that are written before those that go."""
    changes: tuple[FileChange, ...]
    """What differs from the commit, for the record."""

    @property
    def paths(self) -> tuple[str, ...]:
        """The paths that are written or go."""
        return tuple(file.path for file in self.files)


def list_paths(response: LLMResponse) -> tuple[str, ...]:
    """List every path that an answer names to be changed, each once."""
    named = (
        *(file.file_path for file in response.files),
        *(edit.file_path for edit in response.edits),
        *response.deletions,
        *(path for rename in response.renames for path in (rename.file_path, rename.new_path)),
    )
    return tuple(dict.fromkeys(named))


def build_change_set(
    response: LLMResponse, base: Mapping[str, BaseFile], sight: Sight | None = None
) -> ChangeSet:
    """Build what an answer makes of the files of a commit.

    Args:
        response: The answer.
        base: Those of the paths that it names which are regular files of the commit.
        sight: What the model has seen; None for everything.

    Raises:
        UnfitChanges: It cannot be done; all reasons are told at once.
    """
    builder = _Builder(response, base, sight)
    builder.plan()
    if builder.problems:
        raise UnfitChanges(builder.problems, builder.unseen, builder.give_advice())
    return ChangeSet((*builder.writes, *builder.removals), tuple(builder.changes))


class _Builder:
    """Collects what an answer changes and what is wrong with it."""

    def __init__(
        self, response: LLMResponse, base: Mapping[str, BaseFile], sight: Sight | None
    ) -> None:
        self._response = response
        self._base = base
        self._sight = sight
        self._edits: dict[str, list[tuple[int, FileEdit]]] = {}
        for number, edit in enumerate(response.edits):
            self._edits.setdefault(edit.file_path, []).append((number, edit))
        self._unfit_edits = 0
        self.problems: list[str] = []
        self.unseen: dict[str, list[int]] = {}
        self.writes: list[PlannedFile] = []
        self.removals: list[PlannedFile] = []
        self.changes: list[FileChange] = []

    def plan(self) -> None:
        """Work out all removals and writings; raises what `plan_changes` raises."""
        for file in self._merge_files():
            self._write_whole(file)
        renamed = {rename.file_path for rename in self._response.renames}
        for path in self._edits:
            if path not in renamed:
                self._write_edited(path)
        for path in dict.fromkeys(self._response.deletions):
            self._delete(path)
        for rename in dict.fromkeys(self._response.renames):
            self._rename(rename)

    def _merge_files(self) -> Iterable[FileOutput]:
        """Return the files that are written whole, each once, whatever was said twice alike."""
        files: dict[str, FileOutput] = {}
        for file in self._response.files:
            if files.setdefault(file.file_path, file).content != file.content:
                self.problems.append(
                    f"files: {file.file_path} is answered twice with different contents: "
                    "answer it once"
                )
        return files.values()

    def give_advice(self) -> list[str]:
        """Say what is to be sent again."""
        fitting = len(self._response.edits) - self._unfit_edits
        rest = f" Of the edits, {fitting} would fit." if fitting else ""
        return [f"Nothing was written.{rest} Send the whole answer again, mended."]

    def _write_whole(self, file: FileOutput) -> None:
        path, old = file.file_path, self._base.get(file.file_path)
        original = _decode(old) if old is not None else None
        content = self._encode(path, _keep_line_endings(file.content, original))
        if old is not None and old.content not in {b"", content} and not self._holds_whole(path):
            then = "so it is not replaced as a whole: change it by edits"
            rows = _find_lost_rows(original or "", file.content)
            self._refuse_unseen(path, "files", then, rows)
        else:
            self.problems += _find_omissions(file, original)
        executable = file.executable
        if executable is None and old is None:
            executable = file.content.startswith(SHEBANG)
        before = None if old is None else old.content
        self.writes.append(PlannedFile(path, before, content, executable))
        if old is None:
            added = len(split_text(file.content).lines)
            self.changes.append(FileChange(path=path, kind="added", lines_added=added))
        elif content != old.content:
            added, removed = count_differences(original or "", file.content)
            self.changes.append(
                FileChange(path=path, kind="modified", lines_added=added, lines_removed=removed)
            )

    def _encode(self, path: str, text: str) -> bytes:
        try:
            return text.encode()
        except UnicodeEncodeError:
            self.problems.append(f"the content of {path} is not valid Unicode text")
            return b""

    def _write_edited(self, path: str) -> None:
        old = self._require(path, f"edits[{self._edits[path][0][0]}]")
        self._unfit_edits += 0 if old is not None else len(self._edits[path])
        result = self._edit(path, old) if old is not None else None
        if old is None or result is None:
            return
        self.writes.append(PlannedFile(path, old.content, self._encode(path, result.text)))
        if result.rungs:
            self.changes.append(FileChange(path=path, kind="modified", **_count(result)))

    def _holds_whole(self, path: str) -> bool:
        return self._sight is None or self._sight.holds_whole(path)

    def _refuse_unseen(self, path: str, where: str, then: str, rows: Iterable[int] = ()) -> None:
        """Refuse to change what the model has not seen, which is shown to it next."""
        self.unseen.setdefault(path, []).extend(rows)
        if self._sight is not None:
            seen = self._sight.describe(path)
            self.problems.append(f"{where} ({path}): {path!r} exists and {seen}, {then}")

    def _edit(self, path: str, old: BaseFile) -> EditedText | None:
        original = _decode(old)
        numbered = self._edits.get(path, [])
        if not numbered:
            return EditedText("")
        if original is None:
            self.problems.append(f"edits of {path}: the file is not UTF-8 text, so it has no lines")
            return None
        for number, edit in numbered:
            placeholders = find_placeholders(path, edit.replace, original)
            if placeholders:
                self._unfit_edits += 1
                self.problems.append(
                    _explain_placeholder(f"edits[{number}] ({path})", placeholders)
                )
        shown = None if self._sight is None else self._sight.get_rows(path)
        edits = [edit for _, edit in numbered]
        if shown is not None and not shown:
            rows = [row for edit in edits for row in _find_rows(original, edit)]
            self._unfit_edits += len(edits)
            self._refuse_unseen(
                path, f"edits[{numbered[0][0]}]", "so its lines cannot be quoted", rows
            )
            return None
        try:
            return apply_edits(original, edits, shown)
        except EditsRefused as refused:
            self._unfit_edits += len({refusal.edit for refusal in refused.refusals})
            self.problems += explain_refusals(path, original, numbered, refused.refusals)
            if shown is not None:
                self.unseen[path] = _list_rows(original, edits, refused.refusals)
            return None

    def _delete(self, path: str) -> None:
        old = self._require_seen(path, "deletions")
        if old is None:
            return
        self.removals.append(PlannedFile(path, old.content, None))
        removed = len(split_text(_decode(old) or "").lines)
        self.changes.append(FileChange(path=path, kind="deleted", lines_removed=removed))

    def _rename(self, rename: FileRename) -> None:
        old = self._require_seen(rename.file_path, "renames")
        if rename.new_path in self._base:
            self.problems.append(f"renames: a file stands at {rename.new_path!r} already")
            return
        result = self._edit(rename.file_path, old) if old is not None else None
        if old is None or result is None:
            return
        content = self._encode(rename.new_path, result.text) if result.rungs else old.content
        self.writes.append(PlannedFile(rename.new_path, None, content, old.executable))
        self.removals.append(PlannedFile(rename.file_path, old.content, None))
        change = FileChange(
            path=rename.new_path, kind="renamed", old_path=rename.file_path, **_count(result)
        )
        self.changes.append(change)

    def _require_seen(self, path: str, where: str) -> BaseFile | None:
        """Return a file that may go: one that was shown in any form, or named as a target."""
        old = self._require(path, where)
        if old is None or self._sight is None or self._sight.knows(path):
            return old
        self._refuse_unseen(path, where, "so it stays where it is")
        return None

    def _require(self, path: str, where: str) -> BaseFile | None:
        old = self._base.get(path)
        if old is None:
            self.problems.append(
                f"{where}: no regular file of the repository stands at {path!r}; "
                "name one as it is shown, and write a new one in files"
            )
        return old


def _find_rows(text: str, edit: FileEdit) -> Sequence[int]:
    """Find the rows that an edit is probably about, to be shown."""
    search = split_quoted(edit.search)
    return (search and find_nearest(split_text(text), search)) or ()


def _find_lost_rows(text: str, content: str) -> list[int]:
    """Find the first rows of a file that another content does not have, to be shown."""
    kept = set(split_text(content).keys)
    lost = (row for row, key in enumerate(split_text(text).keys) if key not in kept)
    return list(islice(lost, MAX_LOST))


def _list_rows(text: str, edits: Sequence[FileEdit], refusals: Sequence[Refusal]) -> list[int]:
    """List the rows that refused edits are about, said or probable."""
    rows = (
        row for refusal in refusals for row in refusal.rows or _find_rows(text, edits[refusal.edit])
    )
    return list(dict.fromkeys(rows))


def count_differences(before: str, after: str) -> tuple[int, int]:
    """Count the lines that are added and removed between two texts."""
    old, new = split_text(before), split_text(after)
    one = list(map("".join, zip(old.lines, old.ends, strict=True)))
    other = list(map("".join, zip(new.lines, new.ends, strict=True)))
    if len(one) * len(other) > MAX_COMPARED:
        return (Counter(other) - Counter(one)).total(), (Counter(one) - Counter(other)).total()
    codes = SequenceMatcher(None, one, other, autojunk=False).get_opcodes()
    changed = [code for code in codes if code[0] != "equal"]
    added = sum(j2 - j1 for _, _, _, j1, j2 in changed)
    return added, sum(i2 - i1 for _, i1, i2, _, _ in changed)


def _count(result: EditedText) -> dict[str, object]:
    return {
        "lines_added": result.lines_added,
        "lines_removed": result.lines_removed,
        "rungs": dict(result.rungs),
    }


def _decode(file: BaseFile) -> str | None:
    """Return a file's text; None where it is none."""
    try:
        return file.content.decode()
    except UnicodeDecodeError:
        return None


def _keep_line_endings(content: str, original: str | None) -> str:
    """Let a whole file end its lines as the one that it replaces does, if all of them do so."""
    if not original or "\r" in content:
        return content
    newlines = original.count("\n")
    return content.replace("\n", "\r\n") if 0 < newlines == original.count("\r\n") else content


def _find_omissions(file: FileOutput, original: str | None) -> Iterator[str]:
    placeholders = find_placeholders(file.file_path, file.content, original)
    if placeholders:
        yield _explain_placeholder(f"files ({file.file_path})", placeholders)
    if original is not None and loses_most(file.content, original):
        before, after = count_lines(original), count_lines(file.content)
        yield (
            f"files ({file.file_path}): the file has {before} lines that are not blank, the answer "
            f"{after} of it: what is left out is gone. Use edits, also to delete lines; they say "
            "which lines are meant to go"
        )


def _explain_placeholder(where: str, placeholders: Sequence[tuple[int, str]]) -> str:
    row, line = placeholders[0]
    return (
        f"{where}: line {row + 1} stands for code that is left out: {quote_text(line)}. "
        "Everything is written as it stands in the answer: use edits for a part of a file"
    )

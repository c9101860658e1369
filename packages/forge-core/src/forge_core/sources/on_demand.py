"""Reading what a model asks for before it answers: files and searches of one commit.

A model may see what a context may show, and nothing else: files that the commit has, which are
neither excluded nor likely to hold keys. They are read from the commit, never from the worktree.

See D78.
"""

import fnmatch
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import islice
from pathlib import Path

from forge_core.context.excerpt import show_rows
from forge_core.context.exclusion import find_exclusion
from forge_core.context.sections import fence
from forge_core.git.contents.base_files import read_base_files
from forge_core.git.contents.search import FoundLine, search_commit
from forge_core.llm.context_rounds import Given
from forge_core.models.call.context import ShownFile
from forge_core.models.call.context_request import ContextRequest
from forge_core.sources.git_files import list_commit

MAX_FILES = 20
MAX_SEARCHES = 10
"""Of one request; further ones are not looked at."""

MAX_FOUND_LINES = 60
"""Lines of one search that are shown."""

FOUND_LINE_LENGTH = 300
"""Characters of a found line that are shown."""

MAX_LISTED = 100
"""Files of a directory that are named."""

MAX_ALIKE = 5
"""Files of the same name that are named where one is missing."""

SPAN = re.compile(r"(?P<path>.+):(?P<first>\d{1,7})(?:-(?P<last>\d{1,7}))?")
"""A file and some of its lines; no file that Forge shows has a colon in its name."""

SECRETS = (
    ".env", ".env.*", "*.pem", "*.key", "*.p12", "*.pfx", "*.jks", "*.keystore", "*.kdbx",
    "id_rsa*", "id_ed25519*", "id_ecdsa*", ".netrc", ".pypirc", ".npmrc", ".htpasswd",
    "credentials", "credentials.*", "secrets", "secrets.*",
)  # fmt: skip
"""Names of files that are likely to hold keys."""

HARMLESS = ("*.example", "*.sample", "*.template", "*.dist", "*.py", "*.md", "*.rst", "*.pub")
"""Names among these that hold none."""


@dataclass
class Room:
    """Characters that the later requests of one call may add to its prompt."""

    chars: int


@dataclass
class ContextReader:
    """Gives a model what it asks for, as far as it may see it and finds room.

    Args:
        worktree: Of the repository.
        commit: Hash of the commit that is read.
        room: What sections may take; half of what is left goes to one request.
        named: Files that the user named, which may be any.
    """

    worktree: Path
    commit: str
    room: Room
    named: Sequence[str] = ()
    _shown: list[str] = field(default_factory=list)
    _refused: list[str] = field(default_factory=list)

    def give(self, request: ContextRequest, shown: Sequence[ShownFile]) -> Given:
        """Read what is asked for; what may not be shown is named with the reason."""
        files = list(dict.fromkeys(filter(str.strip, request.files)))[:MAX_FILES]
        words = list(dict.fromkeys(filter(str.strip, request.searches)))[:MAX_SEARCHES]
        whole = {file.path for file in shown if file.ranges is None}
        share = self.room.chars // 2
        sections: list[str] = []
        given: list[ShownFile] = []
        self._shown, self._refused = [], []
        for number, asked in enumerate([*files, *words]):
            limit = max(0, share - sum(map(len, sections))) // (len(files) + len(words) - number)
            if number < len(files):
                text, parts = self._show_file(asked, limit, whole)
            else:
                text, parts = self._search(asked, limit)
            sections.append(text)
            given += parts
        self.room.chars -= sum(map(len, sections))
        return Given(tuple(sections), tuple(given), self._describe(files, words))

    def _describe(self, files: Sequence[str], words: Sequence[str]) -> str:
        """Say in one line what was asked for, what was shown, and what not."""
        parts = [", ".join([*files, *map(repr, words)])]
        parts += [f"shown: {', '.join(self._shown)}"] if self._shown else []
        parts += [f"not shown: {', '.join(self._refused)}"] if self._refused else []
        return "; ".join(parts)

    @cached_property
    def _sizes(self) -> Mapping[str, int]:
        """Every regular file of the commit and its size in bytes."""
        return {file.path: file.size for file in list_commit(self.worktree, self.commit)}

    def _show_file(
        self, asked: str, limit: int, whole: set[str]
    ) -> tuple[str, Sequence[ShownFile]]:
        span = None if asked in self._sizes else SPAN.fullmatch(asked)
        path = asked if span is None else span["path"]
        refusal = self._refuse(path, whole)
        if refusal is not None:
            return self._tell_refusal(path, refusal)
        file = read_base_files(self.worktree, self.commit, [path]).get(path)
        try:
            text = "" if file is None else file.content.decode()
        except UnicodeDecodeError:
            text = "\0"
        if file is None or "\0" in text:
            return self._tell_refusal(path, "it is no UTF-8 text")
        excerpt = show_rows(text, _list_rows(span), limit - len(path))
        if excerpt is None:
            return self._tell_refusal(path, "it finds no room")
        ranges = None if excerpt.is_whole else excerpt.ranges
        lines = ", ".join(f"{first}-{last}" for first, last in excerpt.ranges)
        self._shown.append(f"{path} ({'whole' if ranges is None else f'lines {lines}'})")
        return _render(path, excerpt.text), [ShownFile(path=path, ranges=ranges)]

    def _refuse(self, path: str, whole: set[str]) -> str | None:
        """Say why a file is not shown; None if it is."""
        if path in whole:
            return "it stands above as a whole"
        if path not in self._sizes:
            return self._explain_missing(path)
        if path in self.named:
            return None
        exclusion = find_exclusion(path, self._sizes[path])
        if exclusion is not None:
            return f"it is left out: {exclusion}"
        return "it may hold keys" if is_secret(path) else None

    def _explain_missing(self, path: str) -> str:
        directory = path.rstrip("/") + "/"
        below = [name for name in self._sizes if name.startswith(directory)]
        if below:
            more = f" and {len(below) - MAX_LISTED} more" if len(below) > MAX_LISTED else ""
            return f"it is a directory: {', '.join(below[:MAX_LISTED])}{more}"
        name = path.rpartition("/")[2]
        alike = (other for other in self._sizes if other.rpartition("/")[2] == name)
        others = ", ".join(islice(alike, MAX_ALIKE))
        return f"the repository has no such file{f', but {others}' if others else ''}"

    def _tell_refusal(self, path: str, reason: str) -> tuple[str, Sequence[ShownFile]]:
        self._refused.append(f"{path} ({reason})")
        return _render(path, f"(not shown: {reason})"), ()

    def _search(self, words: str, limit: int) -> tuple[str, Sequence[ShownFile]]:
        if "\n" in words.strip("\n"):
            self._refused.append(f"{words!r} (several lines)")
            return _render_search(words, "(not searched: a search is for words of one line)"), ()
        words = words.strip("\n")
        search = search_commit(self.worktree, self.commit, words)
        if search is None:
            self._refused.append(f"{words!r} (the search failed)")
            return _render_search(words, "(the search did not succeed)"), ()
        lines = [line for line in search.lines if self._refuse(line.path, set()) is None]
        kept = list(_fit(lines, limit - len(words)))
        more = "" if search.is_whole else " at least"
        self._shown.append(f"{len(kept)} of{more} {len(lines)} lines with {words!r}")
        if not lines:
            return _render_search(words, "(found in no file that may be shown)"), ()
        counts = Counter(line.path for line in lines)
        rest = len(lines) - len(kept)
        files = f" in {len(counts)} files" if len(counts) > 1 else ""
        note = f"\n\n({rest} more lines{files} found)" if rest else ""
        text = "\n".join(f"{line.path}:{line.line}: {_cut(line.text)}" for line in kept)
        return _render_search(words, fence(text) + note), list(_as_shown(kept))


def is_secret(path: str) -> bool:
    """Return whether a file is likely to hold keys, by its name."""
    name = path.rpartition("/")[2].lower()
    if any(fnmatch.fnmatchcase(name, pattern) for pattern in HARMLESS):
        return False
    return any(fnmatch.fnmatchcase(name, pattern) for pattern in SECRETS)


def _list_rows(span: re.Match[str] | None) -> Sequence[int]:
    if span is None:
        return ()
    first = max(int(span["first"]), 1)
    return range(first - 1, min(int(span["last"] or first), first + 2000))


def _fit(lines: Sequence[FoundLine], limit: int) -> Iterator[FoundLine]:
    for line in lines[:MAX_FOUND_LINES]:
        limit -= len(line.path) + len(_cut(line.text)) + 12
        if limit < 0:
            return
        yield line


def _cut(text: str) -> str:
    return text if len(text) <= FOUND_LINE_LENGTH else text[:FOUND_LINE_LENGTH] + "…"


def _as_shown(lines: Sequence[FoundLine]) -> Iterator[ShownFile]:
    """Count a line as shown only where all of it was."""
    for line in lines:
        if len(line.text) <= FOUND_LINE_LENGTH and "\ufffd" not in line.text:
            yield ShownFile(path=line.path, ranges=((line.line, line.line),))


def _render(path: str, text: str) -> str:
    return f"## Asked for: {' '.join(path.split())}\n\n{text}\n"


def _render_search(words: str, text: str) -> str:
    return f"## Search: {' '.join(words.split())}\n\n{text}\n"

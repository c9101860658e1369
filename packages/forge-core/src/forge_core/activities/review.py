"""Reviewing an answer against the commit's files, and choosing what the model is shown next."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from functools import partial

from forge_core.activities.files import ChangeOrigin, plan_changes
from forge_core.context.excerpt import Excerpt, show_rows
from forge_core.edits.change_set import UnfitChanges, list_paths
from forge_core.errors import RefusedPath
from forge_core.files.protection import ANY_FILE, ORDINARY_FILES, WritePolicy
from forge_core.files.write import find_refusals
from forge_core.git.contents.base_files import read_base_files
from forge_core.git.submodules import refuse_submodules
from forge_core.llm.calls import Review
from forge_core.models.call.context import ShownFile
from forge_core.models.call.llm import LLMResponse
from forge_core.sources.on_demand import Room

NOTHING_WRITTEN = ("Nothing was written. Send the whole answer again, mended.",)
"""What a model is told whose answer fits the files and may not be written."""

HEADING = "Shown now"
"""What files stand under that the model had not seen."""


class ChangeReviewer:
    """Reviews the answers of one call, in their order.

    Args:
        origin: What they are made on.
        room: What files may take which the next request shows as well.
        policy: What may be written.
    """

    def __init__(
        self, origin: ChangeOrigin, room: Room, policy: WritePolicy = ORDINARY_FILES
    ) -> None:
        self._origin = origin
        self._room = room
        self._policy = policy

    def review(self, response: LLMResponse, shown: Sequence[ShownFile]) -> Review:
        """Say why an answer cannot be written, and show the files that were not seen."""
        refusals = self._find_refusals(response)
        try:
            changes = plan_changes(self._origin, response, shown)
        except UnfitChanges as unfit:
            seen = {file.path for file in shown if file.ranges}
            return self._explain(unfit, refusals, seen)
        # What stands in the worktree is compared when it is written.
        files = changes.files
        refusals += find_refusals(self._origin.worktree, files, ANY_FILE, was_checked=True)
        return Review(tuple(refusals), advice=NOTHING_WRITTEN if refusals else ())

    def _find_refusals(self, response: LLMResponse) -> list[str]:
        """Find what may not be written by its path alone."""
        paths = list_paths(response)
        refusals = []
        for check in (partial(refuse_submodules, self._origin.worktree), self._policy.check):
            try:
                check(paths)
            except RefusedPath as refused:
                refusals.append(str(refused))
        return refusals

    def _explain(
        self, unfit: UnfitChanges, refusals: Sequence[str], seen: Collection[str]
    ) -> Review:
        excerpts = dict(self._show(unfit.unseen, seen))
        sections = tuple(f"## {HEADING}: {path}\n\n{e.text}" for path, e in excerpts.items())
        self._room.chars -= sum(map(len, sections))
        told = (f'Lines that you had not seen stand above, under "{HEADING}".',) if sections else ()
        return Review(
            (*refusals, *unfit.problems),
            tuple(_as_shown(path, excerpt) for path, excerpt in excerpts.items()),
            sections,
            (*unfit.advice, *told),
        )

    def _show(
        self, unseen: Mapping[str, Sequence[int]], seen: Collection[str]
    ) -> Iterator[tuple[str, Excerpt]]:
        """Show each file, but not the beginning of one again that was shown by parts."""
        files = read_base_files(self._origin.worktree, self._origin.head, list(unseen))
        for path, file in files.items():
            with suppress(UnicodeDecodeError):
                room = self._room.chars // len(files) - len(HEADING) - len(path)
                excerpt = show_rows(file.content.decode(), unseen[path], room)
                is_news = unseen[path] or path not in seen
                if excerpt is not None and (excerpt.is_whole or is_news):
                    yield path, excerpt


def _as_shown(path: str, excerpt: Excerpt) -> ShownFile:
    return ShownFile(path=path, ranges=None if excerpt.is_whole else excerpt.ranges)

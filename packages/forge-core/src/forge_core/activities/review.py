"""Reviewing an answer against the commit's files, and choosing what the model is shown next."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import suppress

from forge_core.activities.files import ChangeOrigin, plan_changes
from forge_core.context.excerpt import Excerpt, show_rows
from forge_core.edits.change_set import UnfitChanges
from forge_core.git.base_files import read_base_files
from forge_core.llm.calls import Review
from forge_core.models.call.context import ShownFile
from forge_core.models.call.llm import LLMResponse
from forge_core.sources.on_demand import Room

HEADING = "Shown now"
"""What files stand under that the model had not seen."""


class ChangeReviewer:
    """Reviews the answers of one call, in their order.

    Args:
        origin: What they are made on.
        room: What files may take which the next request shows as well.
    """

    def __init__(self, origin: ChangeOrigin, room: Room) -> None:
        self._origin = origin
        self._room = room

    def review(self, response: LLMResponse, shown: Sequence[ShownFile]) -> Review:
        """Say why an answer does not fit the files, and show those that were not seen."""
        try:
            plan_changes(self._origin, response, shown)
        except UnfitChanges as unfit:
            seen = {file.path for file in shown if file.ranges}
            return self._explain(unfit, seen)
        return Review()

    def _explain(self, unfit: UnfitChanges, seen: Collection[str]) -> Review:
        excerpts = dict(self._show(unfit.unseen, seen))
        sections = tuple(f"## {HEADING}: {path}\n\n{e.text}" for path, e in excerpts.items())
        self._room.chars -= sum(map(len, sections))
        told = (f'Lines that you had not seen stand above, under "{HEADING}".',) if sections else ()
        return Review(
            unfit.problems,
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

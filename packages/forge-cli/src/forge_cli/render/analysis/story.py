"""An attempt as a line of a story."""

from collections.abc import Iterator

from rich.text import Text

from forge_cli.escape import escape_line
from forge_cli.render.changes import describe_change
from forge_cli.render.figures import format_count, format_tokens
from forge_cli.render.wrapping import wrap
from forge_cli.views.analysis.story import Chapter
from forge_cli.views.outline import name_attempt

ARROW = " → "

MOST_CHANGES = 3
"""Files whose changes are named."""

SHORT_COMMIT = 12


def render_chapter(chapter: Chapter, width: int | None) -> list[Text]:
    """Render what an attempt was shown, wrote and was told, in lines of a width."""
    name = "planner"
    if chapter.unit is not None and chapter.attempt is not None:
        attempt = name_attempt(chapter.attempt)
        unit = escape_line(chapter.unit.name)
        name = f"{unit} {attempt}" if unit else attempt
    lines = wrap(f"{name}: {ARROW.join(_list_events(chapter))}", width)
    first = Text(lines[0])
    first.stylize("bold", 0, len(name) + 1)
    return [first, *map(Text, lines[1:])]


def _list_events(chapter: Chapter) -> Iterator[str]:
    if chapter.feedback:
        yield f"told {', '.join(map(escape_line, chapter.feedback))}"
    if chapter.tokens:
        files = f"{format_count(chapter.files, 'file')}, " if chapter.files else ""
        yield f"shown {files}about {format_tokens(chapter.tokens)} tokens"
    yield from map(escape_line, chapter.context_requests)
    if chapter.requests > 1 + len(chapter.context_requests):
        yield f"asked {chapter.requests} times"
    if chapter.changes:
        changes = [describe_change(change) for change in chapter.changes[:MOST_CHANGES]]
        more = len(chapter.changes) - len(changes)
        yield f"wrote {'; '.join([*changes, *([f'{more:,} more files'] if more else [])])}"
    yield from _list_endings(chapter)


def _list_endings(chapter: Chapter) -> Iterator[str]:
    if chapter.is_unanswered:
        yield "outcome unknown: no answer is on record"
    elif chapter.reason:
        yield f"refused: {escape_line(chapter.reason)}"
    elif chapter.attempt is None or chapter.attempt.state == "success":
        yield "accepted"
    else:
        yield chapter.attempt.state
    if chapter.commit:
        yield f"commit {escape_line(chapter.commit[:SHORT_COMMIT])}"

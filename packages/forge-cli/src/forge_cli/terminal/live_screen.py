"""The part of a terminal that shows a run while it goes on."""

import os
import sys
from collections.abc import Callable
from typing import TextIO

from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, RenderResult
from rich.live import Live
from rich.text import Text

from forge_cli.terminal.echo import Echo

REFRESHES_PER_S = 4
"""How often the times on the screen move on."""

ECHO_WIDTH = 2
"""Columns behind the last line, for `^C` where the terminal shows it: a broken line would stay."""

Render = Callable[[int, int], Text]
"""Gives the text for a terminal of so many columns and lines."""


def is_live(stream: TextIO) -> bool:
    """Return whether a stream is a terminal that can update what it shows."""
    return stream.isatty() and os.environ.get("TERM", "dumb") not in {"", "dumb", "unknown"}


class Screen:
    """Shows a text at the bottom of a terminal, again and again until it is closed.

    What is printed meanwhile, warnings among it, stays above. Each frame is written at once; the
    last one stays.

    Args:
        stream: The terminal.
        render: Gives what to show; called in another thread.
    """

    def __init__(self, stream: TextIO, render: Render) -> None:
        self._console = Console(
            file=stream, highlight=False, markup=False, emoji=False, force_terminal=True
        )
        self._echo = Echo(stream)
        self._frame = _Frame(render)
        self._live = Live(
            console=self._console,
            get_renderable=self._get_frame,
            refresh_per_second=REFRESHES_PER_S,
            redirect_stdout=stream is sys.stdout,
            redirect_stderr=True,
            vertical_overflow="crop",
        )

    def open(self) -> None:
        """Show the text from now on, and nothing of what is typed: it would break the text."""
        self._echo.turn_off()
        self._live.start(refresh=True)

    def close(self) -> None:
        """Leave the last text as it is, with the cursor below it."""
        self._live.stop()
        self._echo.restore()

    def _get_frame(self) -> "_Frame":
        """Return what is shown next, and have the last frame erased as it stands by now.

        A terminal that was made narrower has broken its lines.
        """
        width, height = self._console.size
        if broken := self._frame.count_broken(width):
            shown = self._live._live_render  # noqa: SLF001 - Rich has no other way to tell it
            shown._shape = width, min(height, shown.last_render_height + broken)  # noqa: SLF001
        return self._frame


class _Frame:
    """What is shown, made for the terminal's size at the moment."""

    def __init__(self, render: Render) -> None:
        self._render = render
        self._widths: list[int] = []

    def count_broken(self, width: int) -> int:
        """Count the lines by which the last picture has grown on a terminal of this width."""
        return sum((line - 1) // width for line in self._widths if line > width)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        # The line above stays in sight, and the cursor finds room below when the screen is closed.
        text = self._render(options.max_width, options.size.height - 1)
        lines = text.split("\n", allow_blank=True)
        lines[-1].truncate(options.max_width - ECHO_WIDTH, overflow="ellipsis")
        self._widths = [cell_len(line.plain) for line in lines]
        yield Text("\n", no_wrap=True).join(lines)

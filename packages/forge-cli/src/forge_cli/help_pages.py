"""How help is laid out on a terminal."""

from typing import TYPE_CHECKING

from cyclopts.help import DefaultFormatter

if TYPE_CHECKING:
    from cyclopts.help import HelpPanel
    from rich.console import Console, ConsoleOptions


class HelpPages(DefaultFormatter):
    """Prints what is said of each option and command as one paragraph.

    The library takes the line breaks of the source over, which are those of a wider page.
    """

    def __call__(self, console: "Console", options: "ConsoleOptions", panel: "HelpPanel") -> None:
        """Print a panel."""
        from cyclopts.help.inline_text import InlineText  # noqa: PLC0415 - for help only
        from rich.text import Text  # noqa: PLC0415

        for entry in panel.entries:
            said = entry.description
            if isinstance(said, InlineText) and isinstance(said.primary_renderable, Text):
                said.primary_renderable = Text(" ".join(said.primary_renderable.plain.split()))
        super().__call__(console, options, panel)

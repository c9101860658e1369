"""How help is laid out on a terminal."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cyclopts.help import DefaultFormatter, HelpPanel
    from rich.console import Console, ConsoleOptions


class HelpPages:
    """Prints help as the library does, but what is said of each option as one paragraph.

    The library takes the line breaks of the source over, which are those of a wider page. It is
    imported when help is asked for.
    """

    def __call__(self, console: "Console", options: "ConsoleOptions", panel: "HelpPanel") -> None:
        """Print a panel of options or commands."""
        from cyclopts.help.inline_text import InlineText  # noqa: PLC0415 - for help only
        from rich.text import Text  # noqa: PLC0415

        for entry in panel.entries:
            said = entry.description
            if isinstance(said, InlineText) and isinstance(said.primary_renderable, Text):
                said.primary_renderable = Text(" ".join(said.primary_renderable.plain.split()))
        _make_formatter()(console, options, panel)

    def render_usage(self, console: "Console", options: "ConsoleOptions", usage: Any) -> None:  # noqa: ANN401 - anything that rich prints
        """Print how the command is called."""
        _make_formatter().render_usage(console, options, usage)


def _make_formatter() -> "DefaultFormatter":
    from cyclopts.help import DefaultFormatter  # noqa: PLC0415 - for help only

    return DefaultFormatter()

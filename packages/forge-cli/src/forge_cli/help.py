"""Help pages: their text, their layout on a terminal, and the examples below each."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cyclopts.help import DefaultFormatter, HelpEntry, HelpPanel
    from rich.console import Console, ConsoleOptions


EXAMPLES: Mapping[str, tuple[str, ...]] = {
    "": (
        "forge demo",
        'forge run "Add a parser for ISO dates" --plan --model anthropic:NAME',
        "forge status",
    ),
    "run": (
        'forge run "Explain the retry loop in its docstring" --target-file src/retry.py',
        'forge run "Parse ISO dates" --plan --run-tests --test-command "pytest -q"',
        "forge run --task-file iso-dates.toml --json > result.json",
        "forge run --task-file iso-dates.toml --no-wait",
    ),
    "status": (
        "forge status --status failed --since 7d",
        "forge status @last",
        "forge status iso-dates --failed --full",
        "forge status --json | jq -r .runs[].workflow_id",
    ),
    "resume": ("forge resume iso-dates", "forge resume @last --max-cost 5"),
    "cancel": ("forge cancel iso-dates", "forge cancel @last"),
    "logs": ("forge logs @last", "forge logs iso-dates --step parser --failed"),
    "help": ("forge help", "forge help db prune"),
    "version": ("forge version",),
    "worker": (
        "TEMPORAL_ADDRESS=temporal.example.org:7233 forge worker",
        "forge worker --temporal-address 127.0.0.1:7233",
    ),
    "demo": ("forge demo", "FORGE_DB_PATH= forge demo"),
    "config": ("forge config", "forge config --repo ~/src/project --json"),
    "show": (
        "forge show 3f2a",
        "forge show iso-dates 2",
        "forge show iso-dates --step parser --prompt",
        "forge show @last --prompt > prompt.txt",
    ),
    "diff": (
        "forge diff @last",
        "forge diff 3f2a 7c1e",
        "forge diff iso-dates-7f3a --step parser",
        "forge diff iso-dates-7f3a iso-dates-91c0 --json | jq .first_difference",
    ),
    "blame": (
        "forge blame src/parse.py:12",
        "forge blame src/parse.py:10-40",
        "forge blame --commit HEAD",
        "forge blame src/parse.py --json | jq .authors",
    ),
    "analyze": ("forge analyze @last", "forge analyze iso-dates --json | jq .waste"),
    "report": ("forge report @last", "forge report iso-dates -o iso-dates.html --redact"),
    "receive": (
        "forge receive",
        "FORGE_RECEIVE_TOKEN=… forge receive --host 0.0.0.0",
    ),
    "calls": (
        "forge calls --failed --since 7d",
        "forge calls --model claude --outcome refused",
        'forge calls "connection pool" --in prompts',
        "forge calls --regex 'TODO|FIXME' --in answers --run @last --context 2",
        "forge calls --since 30d --limit 100000 --csv > calls.csv",
    ),
    "stats": (
        "forge stats --since 7d",
        "forge stats --by model --since 30d --as-model anthropic:claude-haiku-4-5",
        "forge stats --by error --since 7d",
        "forge stats --by day --task iso-dates --json",
    ),
    "clean": (
        "forge clean",
        "forge clean --merged --yes",
        "forge clean iso-dates --force",
        "forge clean --older-than 30d --dry-run",
    ),
    "completion": (
        "forge completion --install",
        "forge completion zsh > ~/.zfunc/_forge",
    ),
    "doctor": ("forge doctor", "forge doctor --repo ~/src/project --json"),
    "server": ("forge server status", "forge server start --idle-s 3600"),
    "server start": ("forge server start", "forge server start --idle-s 3600 --no-ui"),
    "server stop": ("forge server stop",),
    "server status": ("forge server status --json",),
    "db": ("forge db path", "forge db check"),
    "db path": ('sqlite3 "$(forge db path)" .tables',),
    "db upgrade": ("forge db upgrade",),
    "db prune": (
        "forge db prune --older-than 30d",
        "forge db prune --older-than 2026-11-01 --dry-run",
    ),
    "db archive": ("forge db archive", "forge db archive --older-than 0s"),
    "db unarchive": ("forge db unarchive",),
    "db backup": ("forge db backup ~/forge-backup.db",),
    "db restore": ("forge db restore ~/forge-backup.db",),
    "db export": (
        "forge db export --jsonl | gzip > store.jsonl.gz",
        "forge db export --output store.jsonl",
        "forge db export --run iso-dates --to part.db --redact",
        "forge db export --csv store-csv",
    ),
    "db import": ("forge db import part.db",),
    "db check": ("forge db check",),
}
"""Command lines by command; an empty name is `forge` itself."""


USAGES: Mapping[str, str] = {
    "run": "forge run DESCRIPTION [OPTIONS]\n       forge run --task-file FILE [OPTIONS]",
    "resume": "forge resume RUN [OPTIONS]",
    "cancel": "forge cancel RUN [OPTIONS]",
    "status": "forge status [RUN] [OPTIONS]",
    "logs": "forge logs RUN [OPTIONS]",
    "show": "forge show CALL [OPTIONS]\n       forge show RUN [NUMBER] [OPTIONS]",
    "analyze": "forge analyze RUN [OPTIONS]",
    "calls": "forge calls [TEXT] [OPTIONS]",
    "diff": "forge diff CALL [CALL] [OPTIONS]\n       forge diff RUN [RUN] [OPTIONS]",
    "blame": "forge blame FILE[:LINE[-LINE]] [OPTIONS]\n       forge blame --commit SHA [OPTIONS]",
    "report": "forge report RUN [OPTIONS]",
    "clean": "forge clean [RUN...] [OPTIONS]",
    "completion": "forge completion [bash|zsh|fish] [--install]",
    "help": "forge help [COMMAND...]",
    "db prune": "forge db prune --older-than AGE [OPTIONS]",
    "db backup": "forge db backup TARGET",
    "db restore": "forge db restore BACKUP",
}
"""How commands are called that take more than options; others are described by the library."""

METAVARS = {"STR": "TEXT", "INT": "NUMBER", "FLOAT": "NUMBER", "CHOICE": "WORD"}
"""What users are told of the values of options, by the library's names of types."""

PLANNER = "--planner-"
"""What the options for the planner alone begin with."""

MANY = 3
"""From how many of them on a panel has one line for all."""

OF_PLANNER = (
    "Each of these for the planner alone, e.g. --planner-temperature; without it they hold for "
    "both if one model does both."
)

WIDTH = 80
"""Columns of the widest help page; longer lines are harder to read."""

HELP_OF_ALL = "`forge help` lists all commands, and the options that each of them understands."


def render_epilogue(command: str) -> str:
    """Render what stands below the help of a command: its examples, and where there is more."""
    return f"{render_examples(command)}\n\n{HELP_OF_ALL}"


def render_examples(command: str) -> str:
    """Render the examples of a command."""
    return "\n".join(["Examples:", *(f"  {line}" for line in EXAMPLES.get(command, ()))])


def read_help(module: str, function: str) -> str | None:
    """Read what a function's docstring says of its command, a line for each paragraph.

    The module is read, not imported: a list of commands would import everything else. None where
    its source is missing.
    """
    docstring = _read_docstrings(module).get(function)
    if docstring is None:
        return None
    paragraphs = docstring.partition("\nArgs:\n")[0].strip().split("\n\n")
    return "\n\n".join(" ".join(paragraph.split()) for paragraph in paragraphs)


@cache
def _read_docstrings(module: str) -> Mapping[str, str | None]:
    from ast import FunctionDef, get_docstring, parse  # noqa: PLC0415 - for help only
    from importlib.machinery import SourceFileLoader  # noqa: PLC0415
    from importlib.util import find_spec  # noqa: PLC0415

    spec = find_spec(module)
    loader = spec.loader if spec is not None else None
    source = loader.get_source(module) if isinstance(loader, SourceFileLoader) else None
    body = parse(source).body if source is not None else []
    return {node.name: get_docstring(node) for node in body if isinstance(node, FunctionDef)}


@dataclass(frozen=True, slots=True)
class Section:
    """Commands that the list of all has together."""

    title: str
    commands: Mapping[str, str]
    """What each does, by its names."""


class HelpPages:
    """Prints help as the library does, but what is said of each option as one paragraph.

    The library takes the line breaks of the source over, which are those of a wider page. It is
    imported when help is asked for.

    Args:
        common: Title of the options that all commands have; they are shown on one page only.
        sections: The commands of that page; none for any other page.
    """

    def __init__(self, common: str, sections: Sequence[Section] = ()) -> None:
        self._common = common
        self._sections = sections

    def __call__(self, console: "Console", options: "ConsoleOptions", panel: "HelpPanel") -> None:
        """Print a panel of options or commands."""
        if panel.title == self._common and not self._sections:
            return
        if panel.format == "command" and self._sections:
            self._print_sections(console, options, panel)
            return
        _print_panel(console, options, panel)

    def _print_sections(
        self, console: "Console", options: "ConsoleOptions", panel: "HelpPanel"
    ) -> None:
        """Print the commands in sections, and then the options that the library adds to them."""
        from cyclopts.help import HelpEntry, HelpPanel  # noqa: PLC0415 - for help only

        for section in self._sections:
            entries = [
                HelpEntry(positive_names=(names,), description=text)
                for names, text in section.commands.items()
            ]
            _print_panel(console, options, HelpPanel("command", section.title, entries=entries))
        flags = [entry for entry in panel.entries if entry.names[0].startswith("-")]
        _print_panel(console, options, HelpPanel("command", "Options", entries=flags))

    def render_usage(self, console: "Console", options: "ConsoleOptions", usage: Any) -> None:  # noqa: ANN401 - anything that rich prints
        """Print how the command is called."""
        _make_formatter().render_usage(console, options, usage)


def _print_panel(console: "Console", options: "ConsoleOptions", panel: "HelpPanel") -> None:
    from cyclopts.help.inline_text import InlineText  # noqa: PLC0415 - for help only
    from rich.text import Text  # noqa: PLC0415

    panel.entries = [_say_in_english(entry) for entry in _summarise_planner(panel.entries)]
    for entry in panel.entries:
        said = entry.description
        if isinstance(said, InlineText) and isinstance(said.primary_renderable, Text):
            said.primary_renderable = Text(" ".join(said.primary_renderable.plain.split()))
    _make_formatter()(console, options, panel)


def _say_in_english(entry: "HelpEntry") -> "HelpEntry":
    kind, dots, _ = (entry.metavar or "").partition("...")
    return entry.copy(metavar=f"{METAVARS.get(kind, kind)}{dots}" or None)


def _summarise_planner(entries: "Sequence[HelpEntry]") -> "list[HelpEntry]":
    """Let one line stand for many options that a panel has once more for the planner."""
    from cyclopts.help import HelpEntry  # noqa: PLC0415 - for help only

    names = {name for entry in entries for name in entry.positive_names}
    twice = [
        e
        for e in entries
        if any(n.replace(PLANNER, "--") in names for n in e.positive_names if n.startswith(PLANNER))
    ]
    if len(twice) < MANY:
        return list(entries)
    line = HelpEntry(positive_names=(f"{PLANNER}…",), description=OF_PLANNER)
    return [*(entry for entry in entries if entry not in twice), line]


def make_console() -> "Console":
    """Make what prints the pages, as wide as the terminal but not wider than lines are read."""
    from rich.console import Console  # noqa: PLC0415 - for help only

    return Console(width=min(WIDTH, Console().width))


def _make_formatter() -> "DefaultFormatter":
    from cyclopts.help import DefaultFormatter  # noqa: PLC0415 - for help only

    return DefaultFormatter()

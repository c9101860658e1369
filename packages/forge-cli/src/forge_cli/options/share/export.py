"""The options of ``forge db export``."""

from dataclasses import dataclass
from typing import Annotated

from cyclopts import Group, Parameter

from forge_cli.options.types import OptionalPath, Switch


@Parameter(name="*", group=Group("Where to, one of these", sort_key=1))
@dataclass(frozen=True, kw_only=True, slots=True)
class ExportTargets:
    """Where rows are exported to; to stdout if nowhere."""

    jsonl: Switch = False
    """Print one JSON object per line. This is what happens without any of these options."""
    output: Annotated[OptionalPath, Parameter(name=("--output", "-o"))] = None
    """Write one JSON object per line to this new file, which only you can read."""
    to: OptionalPath = None
    """Make this new store of the runs that --run names, which every command reads with --db."""
    csv: OptionalPath = None
    """Make this new directory with runs.csv and calls.csv: all columns, and the cost of each. An
    apostrophe keeps texts from being executed by a spreadsheet."""
    parquet: OptionalPath = None
    """The same as runs.parquet and calls.parquet; needs the extra `parquet` of forge-cli."""


@Parameter(name="*", group=Group("What is exported", sort_key=2))
@dataclass(frozen=True, kw_only=True, slots=True)
class ExportChoice:
    """What is exported: everything, unless runs are named."""

    run: Annotated[tuple[str, ...], Parameter(negative="", show_default=False)] = ()
    """Only this run with its calls: anything that names it, or @last. May be given several
    times."""
    redact: Switch = False
    """Replace secrets of known forms, let FORGE_REDACT see every text, and shorten the paths of
    your home directory and of repositories."""

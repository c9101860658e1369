"""Options of every command, and what holds while a command runs."""

import logging
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from cyclopts import App, Group, Parameter

from forge_cli.config.files import load_user_config
from forge_cli.config.settings import ConfigFile, build_environment, build_options
from forge_cli.options.types import OptionalPath, Switch
from forge_cli.terminal.logs import logging_to_stderr
from forge_cli.terminal.pager import NO_PAGER

GLOBAL_GROUP = Group("Options of every command", sort_key=100)

LogLevel = Literal["info", "debug"]

LOG_LEVELS: tuple[LogLevel, ...] = ("info", "debug")
"""Levels of the log, by the number of times that -v is given, from 1."""

_log = logging.getLogger("forge.cli")


@Parameter(name="*", group=GLOBAL_GROUP)
@dataclass(frozen=True, kw_only=True, slots=True)
class GlobalOptions:
    """What every command understands, before or after its name."""

    db: Annotated[OptionalPath, Parameter(show_default=False)] = None
    """Use this database instead of the one that FORGE_DB_PATH names."""
    log_level: Annotated[LogLevel | None, Parameter(show_default=False)] = None
    """Print Forge's log on stderr; debug includes that of every library."""
    v: Annotated[int, Parameter(name="-v", count=True, show_default=False)] = 0
    """Short for --log-level info; -vv for --log-level debug. Whole prompts are shown by --full."""
    no_color: Switch = False
    """Print without colours, like the variable NO_COLOR."""
    no_pager: Switch = False
    """Print long output without a pager."""

    @property
    def verbosity(self) -> int:
        """How much is logged, as `logging_to_stderr` takes it."""
        return max(self.v, LOG_LEVELS.index(self.log_level) + 1 if self.log_level else 0)


NO_OPTIONS = GlobalOptions()

MAYBE_GLOBAL = ("-v", "--db", "--log", "-h", "--h", "--no", "--version")
"""Beginnings of words that may be an option of every command, or ask for help."""

Tokens = Annotated[str, Parameter(show=False, allow_leading_hyphen=True)]


def build_launcher(app: App) -> Callable[..., Any]:
    """Build what runs a command of an application with the options of every command."""

    def run(*tokens: Tokens, options: GlobalOptions | None = None) -> object:
        """Run a command."""
        return launch(app, tokens, options or GlobalOptions())

    return run


def may_have_global_options(argv: Sequence[str]) -> bool:
    """Return whether a command line must be parsed for the options of every command, and for help.

    Parsing it twice takes as long as all queries of a command that reads.
    """
    return not argv or any(token.startswith(MAYBE_GLOBAL) for token in argv)


def launch(app: App, tokens: Sequence[str], options: GlobalOptions = NO_OPTIONS) -> object:
    """Run a command of an application with what holds for all of them."""
    config = load_user_config()
    with (
        logging_to_stderr(options.verbosity),
        _environment(_build_environment(config, options)),
    ):
        if config is not None:
            from cyclopts.config import Dict  # noqa: PLC0415 - most have no such file

            _log.info("configuration: %s", config.path)
            app.config = Dict(build_options(config.values), source=config.path)
        return app(tokens)


def _build_environment(config: ConfigFile | None, options: GlobalOptions) -> dict[str, str]:
    variables = {} if config is None else build_environment(config.values, os.environ)
    if options.db is not None:
        variables["FORGE_DB_PATH"] = str(options.db.expanduser().absolute())
    if options.no_color:
        variables["NO_COLOR"] = "1"
    if options.no_pager:
        variables["FORGE_PAGER"] = NO_PAGER
    return variables


@contextmanager
def _environment(variables: Mapping[str, str]) -> Iterator[None]:
    """Let variables have these values for a while."""
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value

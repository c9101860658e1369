"""What the names and texts of files say about how strictly they are read; pure."""

import re
from fnmatch import fnmatchcase
from pathlib import PurePosixPath

WITH_COMMENTS = (
    "*tsconfig*.json", "jsconfig*.json", "devcontainer*.json", "api-extractor*.json", ".*rc.json",
    "tslint.json", "typedoc*.json", "turbo.json", "nx.json", "deno.json", "biome.json",
    "babel.config.json", "cspell*.json", "renovate*.json", "appsettings*.json",
    "launchsettings.json", "launch.json", "settings.json", "tasks.json", "extensions.json",
    "keybindings.json", "language-configuration.json", "wrangler.json",
)  # fmt: skip
"""Names of JSON files whose programs allow comments, in lower case."""

COMMENT_DIRECTORIES = frozenset({".vscode", ".devcontainer", ".zed", "tsconfig"})

SAMPLE = re.compile(
    r"(?:^|[/._-])(?:invalid|malformed|broken|corrupt(?:ed)?|bad|wrong|err(?:or)?s?|fail(?:s|ed|ing)?"
    r"|fixtures?|testdata|test[_-]data|samples?|snapshots?|golden|templates?|skeletons?)(?=[/._-]|$)"
)
"""A part of a path by which a file may be meant to be no valid one."""

TEMPLATE = re.compile(r"(?<!\$)\{\{|\{%|\{#|<%|@[A-Za-z_]\w*@|__[A-Z][A-Z_]*__|\$\{[A-Za-z_]")
"""A part of a text that a program is to replace before anybody parses it."""


def allows_comments(path: str) -> bool:
    """Return whether the program that reads a JSON file may allow comments in it."""
    place = PurePosixPath(path.lower())
    if not COMMENT_DIRECTORIES.isdisjoint(place.parent.parts):
        return True
    return any(fnmatchcase(place.name, name) for name in WITH_COMMENTS)


def is_sample(path: str) -> bool:
    """Return whether a file may be there for what is wrong with it, or for what becomes of it."""
    return SAMPLE.search(path.lower()) is not None


def is_template(text: str) -> bool:
    """Return whether something may be put into a text before it is parsed."""
    return TEMPLATE.search(text) is not None

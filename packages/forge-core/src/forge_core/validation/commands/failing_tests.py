"""Which tests a command says to fail, and whether a task has to do with them; pure.

Tests that fail before anything is changed are either what the task is about, or nothing that any
answer mends. See D71.
"""

import re
from collections import Counter
from pathlib import PurePosixPath

from forge_core.shell.bounds import CommandResult
from forge_core.validation.changed_files import ChangedFiles
from forge_core.validation.commands.output import ESCAPE

NAMES = re.compile(
    r"""
    ^(?:
      (?:FAILED|ERROR)[ ](?P<pytest>\S+\.py(?:::.+?)?)(?=\ -\ |\s*$)
    | (?:FAIL|ERROR):[ ](?P<unittest>\S+\ \(.+\))\s*$
    | \s*---[ ]FAIL:[ ](?P<go>\S+)
    | test[ ](?P<cargo>\S+)[ ]\.\.\.[ ]FAILED
    | not[ ]ok\b[ ]*\d*[ ]*-?[ ]*(?P<tap>.+)
    | \s*[●✕✗\u00d7✖][ ]+(?P<jest>.+?)(?:\ \(?\d+(?:\.\d+)?\ ?m?s\)?)?\s*$
    | rspec[ ](?P<rspec>\./\S+)
    | \d+\)[ ](?P<phpunit>\S+::\S+)
    | \s*\d+/\d+[ ]Test[ ]+\#\d+:[ ](?P<ctest>\S+)[ ].*\*\*\*
    | (?P<gradle>\S.*[ ]>[ ].+)[ ]FAILED\s*$
    | \s*Failed[ ](?P<dotnet>[\w.]+\.[\w.]+)(?=\s|\()
    | \[ERROR\][ ]+(?P<maven>[\w.]+(?:\.\w+):\d+)
    | (?P<conftest>ImportError\ while\ loading\ conftest\ .+)
    )
    """,
    re.VERBOSE,
)
"""How runners name a test that fails; a conftest that cannot be imported stands for all tests."""

LONGEST_LINE = 1000
"""Characters of a line in which the name of a test is sought."""

VARYING = re.compile(
    r"\b\d+(?:\.\d+)?\s?(?:ms|s|secs?|seconds?)\b|\[ *\d+%\]|0x[0-9a-f]+|\b\d\d:\d\d:\d\d[.\d]*",
    re.IGNORECASE,
)
"""What differs between two runs of the same: times, progress and addresses."""

COURSE = re.compile(
    r"""
      \S+\.py[ ](?:[.sxXFE]+|::.*(?:PASSED|SKIPPED).*)\s* | [.sxXFE]+\s*
    | .*\bPASSED\b.* | .*[ ]\.\.\.[ ]ok\s* | (?:ok|PASS)\b.* | \s*(?:✓|✔|√)\ .*
    | =+\ .*\ =+ | -+ | =+ | rootdir:.* | (?:plugins|platform|cachedir)\b.*
    | (?:collected|running|collecting)\b.* | Ran\ \d+\ tests?\b.* | FAILED\ \(.*\)
    | \s*\d+\ (?:passed|failed|errors?|passing|failing|pending)\b.*
    | (?:Tests|Test\ Suites|Test\ Files|Snapshots|Time|Duration|Start\ at)\b.*
    | test\ result:.* | \#\ \w+\ .* | 1\.\.\d+ | FAIL\s.*
    """,
    re.VERBOSE,
)
"""Lines that tell how far a run has come, or sum it up: tests that pass change them."""

AIM = re.compile(
    r"\b(?:fix|repair|mend|debug|solve|resolve|correct|unbreak|diagnos|investigat|troubleshoot)\w*"
    r"|\b(?:fail|broken|breaks?\b|crash|regress|bugs?\b|flak[ey])\w*"
    r"|\b(?:make|get|let|have)\b.{0,60}\b(?:pass(?:es)?|green|succeed|work(?:s|ing)?)\b"
    r"|\btests?\b.{0,40}\b(?:pass(?:es)?|green)\b|\bsatisf\w+",
    re.IGNORECASE | re.DOTALL,
)
"""Words of a task that may be about tests which fail."""

WORD = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])")

LEAST_WORD = 4
"""Letters from which a word says that a task and a test which share it belong together."""

COMMON = frozenset(
    {
        *("test", "tests", "testing", "unit", "integration", "spec", "specs", "case", "cases"),
        *("should", "when", "with", "that", "this", "then", "from", "into", "does", "only", "work"),
        *("python", "code", "file", "files", "main", "module", "function", "class", "line"),
    }
)
"""Words that say nothing of that."""


def list_failing_tests(output: str) -> list[str]:
    """List the tests that an output names as failing, each once."""
    # Line by line, and of each its beginning: some patterns take time for each pair of characters.
    lines = (line[:LONGEST_LINE] for line in ESCAPE.sub("", output).split("\n"))
    matches = filter(None, map(NAMES.match, lines))
    return list(dict.fromkeys(str(match[match.lastgroup or 0]).strip() for match in matches))


def fail_alike(done: CommandResult, base: CommandResult) -> bool:
    """Return whether the same tests fail in two runs, and each says the same.

    Where no test is named, nothing says which of them fail; and a failure of which one value
    differs may be the very one that the change is about.
    """
    names, before = (set(list_failing_tests(run.output)) for run in (done, base))
    is_whole = not (done.truncated or base.truncated)
    is_same = done.returncode == base.returncode and names == before
    return bool(names) and is_whole and is_same and _say_alike(done, base)


def is_about(changed: ChangedFiles, output: str) -> bool:
    """Return whether a task may be about the tests that fail: by its words, or by their output.

    Args:
        changed: The task, and what became of its files.
        output: What the tests print without the change.
    """
    if AIM.search(changed.task):
        return True
    words = _list_words(changed.task)
    if any(_list_words(name) & words for name in list_failing_tests(output)):
        return True
    told = "\n".join(line for line in _list_lines(output) if not COURSE.fullmatch(line))
    return any(_stands_in(path, told) for path in (*changed.paths, *changed.target_files))


def _say_alike(done: CommandResult, base: CommandResult) -> bool:
    """Return whether two outputs differ only in what passes."""
    lines, before = (Counter(_list_lines(run.output)) for run in (done, base))
    differing = (lines - before) + (before - lines)
    return all(COURSE.fullmatch(line) for line in differing if line.strip())


def _list_lines(output: str) -> list[str]:
    return [VARYING.sub("", line).rstrip() for line in ESCAPE.sub("", output).splitlines()]


def _list_words(text: str) -> set[str]:
    """List the words of a text, those of which names are made too, that tell one from another."""
    words = {word.lower() for word in WORD.findall(text)}
    return {word for word in words if len(word) >= LEAST_WORD} - COMMON


def _stands_in(path: str, output: str) -> bool:
    """Return whether an output names a file, or the module that it is."""
    module = re.escape(PurePosixPath(path.removesuffix("/__init__.py")).stem)
    named = (
        rf"(?<![\w.-]){re.escape(path)}(?!\w)|(?:['\"`.]|\b(?:from|import) ){module}(?:['\"`]|\b)"
    )
    return re.search(named, output) is not None

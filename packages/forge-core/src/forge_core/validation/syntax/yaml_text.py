"""Faults of YAML that every parser sees; pure.

Only events are looked at: aliases are not followed, tags not resolved, and nothing is built, so
that neither a bomb of aliases nor a foreign tag means anything.
"""

import yaml

WITH_LIBYAML = bool(yaml.__with_libyaml__)
LOADER = yaml.CSafeLoader if WITH_LIBYAML else yaml.SafeLoader

MAX_CHARS = 1_000_000 if WITH_LIBYAML else 100_000
"""Length of a text up to which it is parsed, which takes two seconds."""

NOT_SURE = ("nesting depth", "tab character that violates", "incompatible YAML document")
"""Complaints about a limit of the parser, or about what others read."""


def find_yaml_fault(text: str) -> str | None:
    """Say why a text is no YAML; None where it is, or where parsers may differ."""
    if len(text) > MAX_CHARS:
        return None
    try:
        for _ in yaml.parse(text, Loader=LOADER):
            pass
    except yaml.MarkedYAMLError as error:
        if error.problem_mark is None or _may_be_read(text, error):
            return None
        mark = error.problem_mark
        return f"{error.problem} (line {mark.line + 1}, column {mark.column + 1})"
    except yaml.YAMLError:  # Characters that some parsers take.
        return None
    return None


def _may_be_read(text: str, error: yaml.MarkedYAMLError) -> bool:
    """Return whether another parser may read what this one does not."""
    problem, mark = error.problem or "", error.problem_mark
    if mark is None or any(words in problem for words in NOT_SURE):
        return True
    lines = text.splitlines()
    line = lines[mark.line] if mark.line < len(lines) else ""
    # A tab is refused where a line begins, and not everywhere else.
    is_tab = line[mark.column : mark.column + 1] == "\t"
    return is_tab and (bool(line[: mark.column].strip()) or not line.strip())

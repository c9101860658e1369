"""Which lines of a command's output are new beside what it said before the change; pure."""

import re
from collections import Counter

ESCAPE = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
"""A sequence that colours a terminal."""

NUMBER = re.compile(r"(?<![\w.:])(\d+)(?= +[A-Za-z](?!\w{0,2}\b))|(?<!\w)\d+(?:\.\d+)?")
"""A number, not one of a name such as `E501`; in the group, one that counts, as in `3 errors`."""

ARROW = re.compile(r"^ *--> \S+:\d+:\d+$", re.MULTILINE)
"""How rustc says where a finding is, before it prints the source around it."""

FRAME = re.compile(r" *(?:\d+ *)?\|(?: .*)?| *\d+ [-+~] .*| *\.\.\.")
"""A line of that source, which the change may have touched beside the finding."""

PLACE_OR_TIME = "0"
"""What stands for a number that says where or how long."""


def list_new_lines(output: str, before: str) -> list[str]:
    """List the lines of an output that the one before does not have, in their order.

    Numbers of lines and of milliseconds shift, and do not count; how many there are of something
    does. A line that stands there twice and stood there once is new once.
    """
    old = Counter(map(_fold, _list_lines(before)))
    new = []
    for line in _list_lines(output):
        folded = _fold(line)
        if old[folded] > 0:
            old[folded] -= 1
        elif folded:
            new.append(line.rstrip())
    return new


def _list_lines(output: str) -> list[str]:
    lines = ESCAPE.sub("", output).splitlines()
    if ARROW.search("\n".join(lines)) is None:
        return lines
    return [line for line in lines if FRAME.fullmatch(line) is None]


def _fold(line: str) -> str:
    text = NUMBER.sub(lambda match: match[1] or PLACE_OR_TIME, line)
    return " ".join(text.split())

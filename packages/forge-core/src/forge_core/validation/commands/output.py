"""Which lines of a command's output are new beside what it said before the change; pure."""

import re
from collections import Counter

ESCAPE = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
"""A sequence that colours a terminal."""

NUMBER = re.compile(r"(?<![\w.:])(\d+)(?= +[A-Za-z](?!\w{0,2}\b))|(?<!\w)\d+(?:\.\d+)?")
"""A number, not one of a name such as `E501`; in the group, one that counts, as in `3 errors`."""

PLACE_OR_TIME = "0"
"""What stands for a number that says where or how long."""


def list_new_lines(output: str, before: str) -> list[str]:
    """List the lines of an output that the one before does not have, in their order.

    Numbers of lines and of milliseconds shift, and do not count; how many there are of something
    does. A line that stands there twice and stood there once is new once.
    """
    old = Counter(map(_fold, before.splitlines()))
    new = []
    for line in output.splitlines():
        folded = _fold(line)
        if old[folded] > 0:
            old[folded] -= 1
        elif folded:
            new.append(ESCAPE.sub("", line).rstrip())
    return new


def _fold(line: str) -> str:
    text = NUMBER.sub(lambda match: match[1] or PLACE_OR_TIME, ESCAPE.sub("", line))
    return " ".join(text.split())

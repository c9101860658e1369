"""Faults of JSON, strict or as programs read it that allow comments; pure."""

import json
import re

COMMENT = r"//[^\n]*|/\*.*?\*/"

TOKEN = re.compile(rf'"(?:[^"\\\n]|\\.)*"|{COMMENT}|,(?=(?>\s+|{COMMENT})*+[}}\]])', re.DOTALL)
"""A text in quotes, a comment, or a comma before what closes; commas in quotes are none."""


def find_json_fault(text: str) -> str | None:
    """Say why a text is no JSON; None for lines of which each is one, too."""
    try:
        json.loads(text)
    except json.JSONDecodeError as error:
        return None if _is_json_lines(text) else str(error)
    except ValueError:  # An integer of more digits than Python reads.
        return None
    return None


def find_json_with_comments_fault(text: str) -> str | None:
    """Say why a text is no JSON, comments and commas at the end of a list aside."""
    if not text.strip():
        return None
    # Blanks of the same length keep the places that faults name.
    plain = TOKEN.sub(lambda match: match[0] if match[0][0] == '"' else _blank(match[0]), text)
    return find_json_fault(plain)


def _blank(text: str) -> str:
    return "".join(character if character == "\n" else " " for character in text)


def _is_json_lines(text: str) -> bool:
    lines = [line for line in text.splitlines() if line.strip()]
    try:
        for line in lines:
            json.loads(line)
    except ValueError:
        return False
    return len(lines) > 1

"""What the body of an error response says, in the forms of all servers; pure."""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

PART = re.compile(r"[^.\[\]'\"/\s,()]+")
"""One part of a path, in any of the ways in which servers write one."""

PYTHON_PATH = re.compile(r"'loc': [\[(]'body', ([^\])]+)[\])]")
"""A path of FastAPI's inside a message, as Python prints it."""


def read_message(body: str) -> str | None:
    """Return what the body of an error response says; None where that is not to be found."""
    statements = [(path, words) for path, words in list_statements(body) if words]
    if not statements:
        return None
    path, words = statements[-1]
    places = split_path(path)
    return words if not places or places[-1] in words else f"{'.'.join(places)}: {words}"


def split_path(path: str) -> list[str]:
    """Split the place of a parameter into its parts; the body itself is none."""
    return [part for part in PART.findall(path) if part != "body"]


def list_statements(body: str) -> Iterator[tuple[str, str]]:
    """List what is said, each with the path that it is said of, where there is one."""
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        return
    if isinstance(document, list):  # as Google puts it around an error of a stream
        document = document[0] if document else None
    if not isinstance(document, Mapping):
        return
    error = document.get("error", document)
    if isinstance(error, str):
        yield "", error
    elif isinstance(error, Mapping):
        yield from _list_violations(error)
        message = error.get("message")
        message = message if isinstance(message, str) else ""
        for match in PYTHON_PATH.finditer(message):
            yield match.group(1), message
        param = error.get("param")
        yield (param if isinstance(param, str) else ""), message
    yield from _list_details(document.get("detail"))


def _list_details(detail: object) -> Iterator[tuple[str, str]]:
    """List the `detail` of FastAPI: words, or problems with their places."""
    if isinstance(detail, str):
        yield "", detail
    elif isinstance(detail, list):
        for problem in detail:
            if isinstance(problem, Mapping):
                place = problem.get("loc")
                parts = place if isinstance(place, list) else [place]
                yield ".".join(str(part) for part in parts), str(problem.get("msg") or "")


def _list_violations(error: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """List the field violations of Google's errors; the name is often in the words alone."""
    details = error.get("details")
    for detail in details if isinstance(details, list) else ():
        violations = detail.get("fieldViolations") if isinstance(detail, Mapping) else None
        for violation in violations if isinstance(violations, list) else ():
            if isinstance(violation, Mapping):
                yield "", str(violation.get("description") or "")

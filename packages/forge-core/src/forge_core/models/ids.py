"""Identifiers of tasks, steps and sub-tasks, safe in refs and file names, and descriptions."""

import re
from typing import Annotated
from uuid import UUID, uuid5

from pydantic import AfterValidator

ID_PATTERN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
"""What every task, step and sub-task id fully matches."""


def check_id(value: str) -> str:
    """Return `value` if it may name a task, a step or a sub-task.

    Raises:
        ValueError: It does not match `ID_PATTERN` or is no valid git ref part.
    """
    if not ID_PATTERN.fullmatch(value):
        raise ValueError(
            f"id {value!r} must be 1 to 64 letters, digits, '.', '_' or '-', "
            "and begin with a letter or digit"
        )
    if ".." in value or value.endswith((".", ".lock")):
        raise ValueError(f"id {value!r} may not contain '..' or end in '.' or '.lock'")
    return value


def is_identifier(value: str) -> bool:
    """Return whether `value` may name a task, a step or a sub-task."""
    try:
        check_id(value)
    except ValueError:
        return False
    return True


Identifier = Annotated[str, AfterValidator(check_id)]
"""A task, step or sub-task id."""


def check_description(text: str) -> str:
    """Return `text` unchanged unless it is blank.

    Raises:
        ValueError: It is blank.
    """
    if not text.strip():
        raise ValueError("a description must not be blank")
    return text


Description = Annotated[str, AfterValidator(check_description)]
"""What a task, step or sub-task is to produce."""


def build_workflow_id(task_id: str, suffix: str) -> str:
    """Build the id of one submission of a task; `suffix` is eight hex digits."""
    return f"forge-{task_id}-{suffix}"


def build_sub_task_workflow_id(
    workflow_id: str, step_id: str, step_attempt: int, sub_task_id: str
) -> str:
    """Build the id of the child workflow of one sub-task in one attempt of its step."""
    return f"{workflow_id}/{step_id}/{step_attempt}/{sub_task_id}"


CALLS = UUID("5f1d3a52-6f0e-4c7a-9d55-0b8f7a6f3c11")
"""The space of names that the ids of requests are made in."""


def build_entry_id(run_id: str, activity_id: str, activity_attempt: int, seq: int) -> str:
    """Build the id under which a request to a model is on record, and named elsewhere.

    It follows from what names the request, so that whoever does it again names it alike.
    """
    return uuid5(CALLS, f"{run_id}/{activity_id}/{activity_attempt}/{seq}").hex

"""Text that has to say something."""

from typing import Annotated

from pydantic import AfterValidator


def check_description(text: str) -> str:
    """Return `text` unchanged if it is more than blanks.

    Raises:
        ValueError: It is not.
    """
    if not text.strip():
        raise ValueError("a description must say something")
    return text


Description = Annotated[str, AfterValidator(check_description)]
"""What a task, step or sub-task is to produce."""

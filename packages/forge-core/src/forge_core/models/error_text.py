"""What is wrong with a value that a user wrote, free of pydantic's own terms; pure."""

from collections.abc import Mapping
from typing import Final

from pydantic_core import ErrorDetails

PHRASES: Final[Mapping[str, str]] = {
    "bool_parsing": "must be true or false",
    "bool_type": "must be true or false",
    "dict_type": "must be an object",
    "extra_forbidden": "is not a known key",
    "float_parsing": "must be a number",
    "float_type": "must be a number",
    "int_from_float": "must be a whole number",
    "int_parsing": "must be a whole number",
    "int_type": "must be a whole number",
    "missing": "is missing",
    "model_attributes_type": "must be an object",
    "model_type": "must be an object",
    "string_type": "must be a text",
    "too_short": "must not be empty",
    "tuple_type": "must be a list",
}
"""What to say of each type of error whose own message speaks of Python."""


def describe_fault(fault: ErrorDetails) -> str:
    """Describe what is wrong with one value."""
    own = fault["msg"].removeprefix("Value error, ").replace("Input should be", "must be", 1)
    return PHRASES.get(fault["type"], own)

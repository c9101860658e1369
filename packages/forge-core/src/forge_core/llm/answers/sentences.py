"""What is wrong with an answer, in words that a model can act on; pure.

Whatever a library found wrong, the sentence says what the field must be. Only the rules of our own
models speak for themselves.
"""

from collections.abc import Mapping, Sequence

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from forge_core.llm.answers.fields import AnswerField, list_fields, list_lists

MAX_PROBLEMS = 10
"""Problems of one answer that are reported."""

PROBLEM_LENGTH = 300
"""Characters of one problem; a rule may quote an id, and an id may be a whole file."""


def describe_errors(error: ValidationError, output: type[BaseModel]) -> list[str]:
    """Say what is wrong with an answer, the first problems of it."""
    errors = error.errors(include_url=False, include_input=False)
    causes = [problem for problem in errors if not _is_consequence(problem, errors)]
    lines = list(dict.fromkeys(_describe(problem, output) for problem in causes[:MAX_PROBLEMS]))
    more = len(causes) - MAX_PROBLEMS
    return [*lines, f"and {more} more"] if more > 0 else lines


def describe_answer(output: type[BaseModel]) -> str:
    """Say what an answer must be."""
    lists = ", ".join(f"`{name}`" for name in list_fields(output) if name in list_lists(output))
    return f"the answer must be one JSON object with {lists}"


def shorten(problem: str) -> str:
    """Return a problem in one line of bounded length."""
    line = " ".join(problem.split())
    return line if len(line) <= PROBLEM_LENGTH else line[:PROBLEM_LENGTH] + "…"


def _describe(problem: ErrorDetails, output: type[BaseModel]) -> str:
    rule = problem.get("ctx", {}).get("error")
    where = _name(problem["loc"])
    if problem["type"] == "value_error" and isinstance(rule, ValueError):
        return shorten(f"{where}: {rule}" if where else str(rule))
    location = problem["loc"]
    if not location:
        return describe_answer(output)
    if problem["type"] != "missing":
        return shorten(f"{where} must be {_find_expected(location, output)}")
    around = location[:-2] or location
    must = f"{_name(around)} must be {_find_expected(around, output)}"
    return shorten(f"{where} is missing: {must}")


def _find_expected(location: Sequence[int | str], output: type[BaseModel]) -> str:
    """Return what must stand at a place of an answer."""
    model: type[BaseModel] | None = output
    expected = "what the tool's schema says"
    for part in location:
        if isinstance(part, int):
            expected = "a text in double quotes" if model is None else _describe_object(model)
        elif model is not None and part in list_fields(model):
            field = list_fields(model)[part]
            model, expected = field.item, _describe_field(field)
    return expected


def _describe_field(field: AnswerField) -> str:
    null = " or null" if field.may_be_null else ""
    if field.kind == "flag":
        return f"true, false{null}" if null else "true or false"
    if field.kind == "texts":
        return "a list of texts in double quotes"
    if field.item is None:
        return f"one text in double quotes{null}"
    if field.kind == "object":
        return f"{_describe_object(field.item)}{null}"
    some = "of at least one object" if field.at_least else "of objects"
    return f"a list {some} with {_list_names(field.item)}"


def _describe_object(model: type[BaseModel]) -> str:
    return f"an object with {_list_names(model)}"


def _list_names(model: type[BaseModel]) -> str:
    fields = list_fields(model).values()
    names = [field.name for field in fields if field.is_required] or [f.name for f in fields]
    *most, last = names
    return f"{', '.join(most)} and {last}" if most else last


def _name(location: Sequence[int | str]) -> str:
    """Return where something stands, as code would name it: `files[0].content`."""
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in location)
    return f"`{text.removeprefix('.')}`" if text else ""


def _is_consequence(problem: Mapping[str, object], errors: Sequence[ErrorDetails]) -> bool:
    """Whether a list seems too short only because its items do not fit."""
    where = problem["loc"]
    return (
        problem["type"] == "too_short"
        and isinstance(where, tuple)
        and any(other["loc"][: len(where)] == where and other is not problem for other in errors)
    )

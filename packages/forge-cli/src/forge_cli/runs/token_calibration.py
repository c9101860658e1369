"""How many characters a model's token has, measured on the calls on record."""

from statistics import median

from forge_core.models.task import TaskDefinition
from forge_obs import StoreError, get_db_path, open_reader
from forge_obs.store import get_prompt_sizes

MIN_CALLS = 5
"""Calls below which nothing is concluded."""

PLAUSIBLE = (1.0, 10.0)
"""Characters per token; what is measured beyond is taken for the nearer of them."""


def calibrate(task: TaskDefinition, model: str) -> TaskDefinition:
    """Give a task the factor measured for the model that writes, unless it names its own."""
    factor = measure_chars_per_token(model) if not names_factor(task) else None
    if factor is None:
        return task
    context = task.context.model_copy(update={"chars_per_token": factor})
    return task.model_copy(update={"context": context})


def names_factor(task: TaskDefinition) -> bool:
    """Tell whether the user said how many characters a token has."""
    return "chars_per_token" in task.context.model_fields_set


def measure_chars_per_token(model: str) -> float | None:
    """Measure the median over the newest calls of a model; None where there are too few.

    Args:
        model: As requested, `provider:name`.
    """
    try:
        path = get_db_path()
        engine = open_reader(path) if path is not None else None
        sizes = get_prompt_sizes(engine, model) if engine is not None else []
    except StoreError:
        return None
    if len(sizes) < MIN_CALLS:
        return None
    low, high = PLAUSIBLE
    return round(min(max(median(c / t for c, t in sizes), low), high), 2)

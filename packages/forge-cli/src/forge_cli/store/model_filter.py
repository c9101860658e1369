"""Which models somebody means who types a part of a name; pure."""

from collections.abc import Iterable
from fnmatch import fnmatchcase

WILDCARDS = "*?["


def choose_models(wanted: str, models: Iterable[str]) -> list[str]:
    """Choose models by their name, with or without the provider before the colon.

    Args:
        wanted: A whole name; where no model has it, the beginning of one, or a pattern with the
            wildcards of a shell. Upper and lower case are the same.
        models: All there are, as `provider:name` or as a name alone.
    """
    known = {model: _list_names(model) for model in models}
    exact = [model for model, names in known.items() if wanted.lower() in names]
    pattern = wanted.lower() + ("" if set(WILDCARDS) & set(wanted) else "*")
    return exact or [m for m, names in known.items() if any(fnmatchcase(n, pattern) for n in names)]


def _list_names(model: str) -> set[str]:
    whole = model.lower()
    return {whole, whole.partition(":")[2] or whole}

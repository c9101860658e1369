"""Which runs are asked for; pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from fnmatch import fnmatchcase

from forge_cli.escape import escape_line

WILDCARDS = "*?["

MOST_NEAR = 3
"""Names that are proposed in place of an unknown one."""


@dataclass(frozen=True, slots=True)
class RunFilter:
    """Which runs are asked for; None asks for any."""

    limit: int = 20
    task_id: str | None = None
    status: str | None = None
    """As shown: `running` and `interrupted` are stored as the same, `failed` is two statuses."""
    model: str | None = None
    """As `choose_models` takes it."""
    since: datetime | None = None

    @property
    def narrows(self) -> bool:
        """Whether any run may be left out."""
        return any((self.task_id, self.status, self.model, self.since))


def choose_models(text: str, models: Iterable[str]) -> list[str]:
    """Choose models by their name, with or without the provider before the colon.

    Args:
        text: A whole name. If no model has it, the beginning of one, or a pattern with the
            wildcards of a shell. Upper and lower case are the same.
        models: All there are, as `provider:name` or as a name alone.
    """
    names_by_model = {model: _list_names(model) for model in models}
    exact = [model for model, names in names_by_model.items() if text.lower() in names]
    pattern = text.lower() + ("" if set(WILDCARDS) & set(text) else "*")
    return exact or [
        model
        for model, names in names_by_model.items()
        if any(fnmatchcase(name, pattern) for name in names)
    ]


def _list_names(model: str) -> set[str]:
    whole = model.lower()
    return {whole, whole.partition(":")[2] or whole}


def list_patterns(text: str, models: Iterable[str]) -> list[str]:
    """List patterns that fit the models which a name stands for, also those that are not known.

    Args:
        text: As `choose_models` takes it.
        models: Some that are known: whether one has the whole name.

    Returns:
        Patterns in lower case, with `*`, `?` and `[…]`.
    """
    name = text.lower()
    is_whole = any(name in _list_names(model) for model in models)
    if is_whole or not set(WILDCARDS) & set(name):
        escaped = "".join(f"[{char}]" if char in WILDCARDS else char for char in name)
        pattern = escaped if is_whole else f"{escaped}*"
    else:
        pattern = name.replace("[!", "[^")
    return [pattern, f"*:{pattern}"]


def suggest(text: str, names: Iterable[str]) -> str:
    """Propose the names that are nearest to an unknown one, as the end of a sentence."""
    import difflib  # noqa: PLC0415 - for a mistake only

    wholes = {whole: name for name in sorted(names) for whole in _list_names(name)}
    by_text = {part: wholes[whole] for whole in wholes for part in (whole[: len(text)], whole)}
    near = difflib.get_close_matches(text.lower(), by_text, n=MOST_NEAR)
    named = " or ".join(escape_line(name) for name in dict.fromkeys(map(by_text.get, near)) if name)
    return f": did you mean {named}?" if named else ""

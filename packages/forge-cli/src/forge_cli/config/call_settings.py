"""What files say of how models are asked, by patterns of models and by roles; pure.

See D76.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from fnmatch import fnmatchcase
from typing import Any, Literal

from forge_core.errors import UsageError
from forge_core.models.call.settings import CallSettings
from forge_core.models.error_text import describe_fault
from pydantic import ValidationError

from forge_cli.config.model_fields import get_field

Role = Literal["llm", "planner"]

Kind = Literal["models", "roles"]

ROLES: Sequence[Role] = ("llm", "planner")
"""Roles that have settings of their own: the model that writes files, and the one that plans."""

WILDCARDS = frozenset("*?[]")


@dataclass(frozen=True, slots=True)
class CallTable:
    """Settings of one role, or of all models that a pattern fits."""

    kind: Kind
    name: str
    """The pattern of models, or the role."""
    values: Mapping[str, Any]
    """Settings by the names of their fields."""

    @property
    def key(self) -> str:
        """The table as it stands in a file."""
        return f'models."{self.name}"' if self.kind == "models" else f"roles.{self.name}"


def parse_call_tables(path: str, kind: Kind, document: object) -> list[CallTable]:
    """Check what a file says of how models are asked.

    Args:
        path: The file, for messages.
        kind: Which of the two tables.
        document: What stands in it.

    Raises:
        UsageError: It is no table of tables, a name or key is unknown, or a value is none that the
            setting takes.
    """
    example = '[models."openai:gpt-5*"]' if kind == "models" else "[roles.planner]"
    if not isinstance(document, Mapping):
        raise UsageError(f"{path}: {kind} must be tables such as {example}")
    return [_parse_table(path, kind, name, content, example) for name, content in document.items()]


def _parse_table(path: str, kind: Kind, name: str, content: object, example: str) -> CallTable:
    if kind == "models" and ":" not in name:
        raise UsageError(
            f"{path}: models.{name} is no pattern of models: they are named provider:name, as in "
            f"{example}"
        )
    if kind == "roles" and name not in ROLES:
        raise UsageError(f"{path}: unknown key roles.{name}: roles are {' and '.join(ROLES)}")
    if not isinstance(content, Mapping):
        raise UsageError(f"{path}: {kind}.{name} must be a table such as {example}")
    table = CallTable(kind, name, dict(content))
    for key, value in content.items():
        _check_value(f"{path}: {table.key}", key, value)
    return table


def _check_value(where: str, key: str, value: object) -> None:
    if key not in CallSettings.model_fields:
        near = get_close_matches(key, CallSettings.model_fields, n=1)
        hint = f": did you mean {near[0]}?" if near else f" (there are {_list_names()})"
        raise UsageError(f"{where}: unknown key {key}{hint}")
    field = get_field(f"calls.{key}")
    if value is None or not field.accepts(value):
        raise UsageError(f"{where}.{key} must be {field.describe()}, not {value!r}")


def _list_names() -> str:
    return ", ".join(CallSettings.model_fields)


def resolve_settings(
    tables: Iterable[CallTable], model: str, role: Role, given: Mapping[str, Any]
) -> CallSettings:
    """Put together how a model is asked in a role.

    What was given counts most, then the role's table, then those of patterns: the more of a
    pattern is literal, the more it counts.

    Args:
        tables: Those of the user's file.
        model: `provider:name`.
        role: What the model does.
        given: Values of options, by the names of the fields.

    Raises:
        UsageError: A value is none that the setting takes.
    """
    listed = list(tables)
    fitting = [t for t in listed if t.kind == "models" and fnmatchcase(model, t.name)]
    layers = [
        *(table.values for table in sorted(fitting, key=_count_literal)),
        *(table.values for table in listed if (table.kind, table.name) == ("roles", role)),
        given,
    ]
    values = {name: value for layer in layers for name, value in layer.items()}
    try:
        return CallSettings.model_validate(values)
    except ValidationError as error:  # of an option, such as nan
        [fault, *_] = error.errors(include_url=False)
        name = ".".join(map(str, fault["loc"]))
        raise UsageError(f"{name} of {model}: {describe_fault(fault)}") from error


def _count_literal(table: CallTable) -> int:
    return sum(char not in WILDCARDS for char in table.name)

"""What the models of forge_core say of what users may set: bounds, defaults and help.

Importing them takes as long as a command that only reads, so this module is imported where a value
is set or described, not where commands begin.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Annotated, Any, get_args

from forge_core.models.check import Check
from forge_core.models.task import (
    ContextConfig,
    ForgeTaskInput,
    TaskDefinition,
    ValidationConfig,
)
from pydantic import BaseModel, TypeAdapter, ValidationError
from pydantic.fields import FieldInfo

MODELS: Mapping[str, type[BaseModel]] = {
    "task": TaskDefinition,
    "run": ForgeTaskInput,
    "validation": ValidationConfig,
    "context": ContextConfig,
    "checks": Check,
}
"""Models by the table of a configuration file or task file that fills them in."""


@dataclass(frozen=True, slots=True)
class ModelField:
    """One field of a model."""

    info: FieldInfo

    @property
    def help(self) -> str:
        """What users read of it."""
        return self.info.description or ""

    @property
    def default(self) -> Any:  # noqa: ANN401 - of any field
        """The value where nothing is set; None where there is none."""
        return None if self.info.is_required() else self.info.default

    @property
    def is_whole(self) -> bool:
        """Whether the value is a whole number."""
        return int in (self.info.annotation, *get_args(self.info.annotation))

    @property
    def bounds(self) -> Mapping[str, float]:
        """The bounds of a number: `ge`, `gt`, `le` and `lt`, as far as there are any."""
        return {
            name: bound
            for name in ("ge", "gt", "le", "lt")
            for item in self.info.metadata
            if (bound := getattr(item, name, None)) is not None
        }

    def describe_number(self) -> str:
        """Say which numbers it takes, e.g. `a whole number from 1 to 100`."""
        noun, bounds = "a whole number" if self.is_whole else "a number", self.bounds
        if "ge" in bounds and "le" in bounds:
            return f"{noun} from {bounds['ge']} to {bounds['le']}"
        return noun + (f" above {bounds['gt']}" if "gt" in bounds else f", at least {bounds['ge']}")

    def accepts(self, value: object) -> bool:
        """Return whether a value is one that the model takes, by itself."""
        bounded: Any = Annotated[self.info.annotation, *self.info.metadata]
        adapter: TypeAdapter[object] = TypeAdapter(bounded)
        try:
            adapter.validate_python(value, strict=True)
        except ValidationError:
            return False
        return True


@cache
def get_field(key: str) -> ModelField:
    """Return a field by its key, `table.name`."""
    table, _, name = key.partition(".")
    return ModelField(MODELS[table].model_fields[name])

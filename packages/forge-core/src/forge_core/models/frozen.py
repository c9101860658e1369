"""What models of values have in common."""

from pydantic import BaseModel, ConfigDict

USER_INPUT = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)
"""Of models that a user fills in."""


class FrozenModel(BaseModel):
    """A value that crosses Temporal or a file; unknown keys are ignored."""

    model_config = ConfigDict(frozen=True)

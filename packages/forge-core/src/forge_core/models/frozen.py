"""What models of values have in common."""

from pydantic import BaseModel, ConfigDict


class FrozenModel(BaseModel):
    """A value that crosses Temporal or a file; unknown keys are ignored."""

    model_config = ConfigDict(frozen=True)

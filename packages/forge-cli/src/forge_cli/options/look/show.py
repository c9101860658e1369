"""The options of ``forge show``."""

from dataclasses import dataclass, fields

from cyclopts import Group, Parameter

from forge_cli.options.types import Switch
from forge_cli.views.calls.selection import CallFilter


@Parameter(name="*", group=Group("Which call of a run, the last of these", sort_key=1))
@dataclass(frozen=True, kw_only=True, slots=True)
class LastCallOptions:
    """Which calls of a run the last is shown of."""

    step: str | None = None
    """Of a run: its calls for this step."""
    sub_task: str | None = None
    """Of a run: its calls for this sub-task."""
    attempt: int | None = None
    """Of a run: its calls at attempts with this number."""

    @property
    def filter(self) -> CallFilter:
        """The same as a filter of calls."""
        return CallFilter(self.step, self.sub_task, self.attempt)


@Parameter(name="*", group=Group("Only one text, as it is stored", sort_key=2))
@dataclass(frozen=True, kw_only=True, slots=True)
class TextOptions:
    """Which text of a call is printed."""

    prompt: Switch = False
    """Print only the user prompt."""
    system: Switch = False
    """Print only the system prompt."""
    response: Switch = False
    """Print only the model's raw answer."""
    reasoning: Switch = False
    """Print only what the model thought before it, where the provider told."""
    context: Switch = False
    """Print only the list of the context's files, as JSON."""
    raw: Switch = False
    """Print system prompt, user prompt and answer, each exactly as it is stored, below a line that
    names it and its length in characters."""

    def list_names(self) -> list[str]:
        """List the texts that are asked for."""
        return [field.name for field in fields(self) if getattr(self, field.name)]

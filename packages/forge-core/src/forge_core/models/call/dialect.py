"""The form of a request, as far as servers differ; pure.

See D77.
"""

from dataclasses import dataclass
from typing import Any, Literal

OutputMode = Literal["tool", "json_schema", "prompted"]
"""How the form of an answer is asked for: by a tool, by a format of the text, by words alone."""

ToolChoice = Literal["required", "named", "auto"]
"""How firmly the tool is asked for: any of those offered, this one by name, or none at all."""

LIMITS = ("max_completion_tokens", "max_tokens")
"""The names by which OpenAI's chat interface has known the largest answer, newest first."""


@dataclass(frozen=True, slots=True)
class Dialect:
    """The form of a request: what a server may refuse of it without refusing the prompts."""

    output_mode: OutputMode = "tool"
    tool_choice: ToolChoice = "required"
    strict: bool = False
    """Whether the server is to hold the answer to the schema."""
    parallel_tool_calls: bool | None = None
    """Whether several calls of the tool are allowed; None says nothing of it."""
    stream: bool = True
    limit: str | None = LIMITS[0]
    """Name of the largest answer on OpenAI's chat interface; None sends no limit."""
    refused: tuple[str, ...] = ()
    """Parameters that the server refused, by their paths in the body; these are not sent."""

    def describe(self) -> dict[str, Any]:
        """Return what belongs on record of it."""
        facts: dict[str, Any] = {"output_mode": self.output_mode, "stream": self.stream}
        if self.output_mode == "tool":
            facts |= {"tool_choice": self.tool_choice}
            if self.parallel_tool_calls is not None:
                facts |= {"parallel_tool_calls": self.parallel_tool_calls}
        if self.output_mode != "prompted":
            facts |= {"strict": self.strict}
        return facts | ({"not_sent": list(self.refused)} if self.refused else {})

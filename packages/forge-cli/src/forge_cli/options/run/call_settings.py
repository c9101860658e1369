"""The options of ``forge run`` that say how models are asked."""

from dataclasses import dataclass, fields
from typing import Annotated, Any

from cyclopts import Group, Parameter
from forge_core.models.call.dialect import OutputMode, ToolChoice
from forge_core.models.call.settings import STALL_TIMEOUT_S, TIMEOUT_S, ReasoningEffort, ServiceTier

from forge_cli.options.described import described

PLANNER = "planner_"
"""What the options of the planner begin with."""

AS_GIVEN = "as the provider has it"

FIELD_NAMES = {"request_timeout": "timeout_s", "stall_timeout": "stall_timeout_s"}
"""Names of the model's fields by the options that are called otherwise."""


def _of_planner(option: str, field: str) -> Parameter:
    return described(
        f"calls.{field}",
        help=f"The planner's {option}.",
        default=f"as {option}, if one model does both",
    )


@Parameter(name="*", group=Group("How models are asked", sort_key=2.5))
@dataclass(frozen=True, kw_only=True, slots=True)
class CallOptions:
    """How the models are asked; None leaves it to files and providers."""

    temperature: Annotated[float | None, described("calls.temperature", default=AS_GIVEN)] = None
    reasoning_effort: Annotated[
        ReasoningEffort | None, described("calls.reasoning_effort", default=AS_GIVEN)
    ] = None
    max_output_tokens: Annotated[
        int | None, described("calls.max_output_tokens", default="output_reserve of the budget")
    ] = None
    request_timeout: Annotated[
        float | None, described("calls.timeout_s", default=f"{TIMEOUT_S:g}")
    ] = None
    service_tier: Annotated[
        ServiceTier | None, described("calls.service_tier", default=AS_GIVEN)
    ] = None
    stall_timeout: Annotated[
        float | None, described("calls.stall_timeout_s", default=f"{STALL_TIMEOUT_S:g}")
    ] = None
    stream: Annotated[bool | None, described("calls.stream", default="true")] = None
    output_mode: Annotated[OutputMode | None, described("calls.output_mode", default="tool")] = None
    tool_choice: Annotated[
        ToolChoice | None, described("calls.tool_choice", default="required")
    ] = None
    strict: Annotated[bool | None, described("calls.strict", default=AS_GIVEN)] = None
    parallel_tool_calls: Annotated[
        bool | None, described("calls.parallel_tool_calls", default="false")
    ] = None
    planner_temperature: Annotated[float | None, _of_planner("--temperature", "temperature")] = None
    planner_reasoning_effort: Annotated[
        ReasoningEffort | None, _of_planner("--reasoning-effort", "reasoning_effort")
    ] = None
    planner_max_output_tokens: Annotated[
        int | None, _of_planner("--max-output-tokens", "max_output_tokens")
    ] = None
    planner_request_timeout: Annotated[
        float | None, _of_planner("--request-timeout", "timeout_s")
    ] = None
    planner_service_tier: Annotated[
        ServiceTier | None, _of_planner("--service-tier", "service_tier")
    ] = None
    planner_stall_timeout: Annotated[
        float | None, _of_planner("--stall-timeout", "stall_timeout_s")
    ] = None
    planner_stream: Annotated[bool | None, _of_planner("--stream", "stream")] = None
    planner_output_mode: Annotated[
        OutputMode | None, _of_planner("--output-mode", "output_mode")
    ] = None
    planner_tool_choice: Annotated[
        ToolChoice | None, _of_planner("--tool-choice", "tool_choice")
    ] = None
    planner_strict: Annotated[bool | None, _of_planner("--strict", "strict")] = None
    planner_parallel_tool_calls: Annotated[
        bool | None, _of_planner("--parallel-tool-calls", "parallel_tool_calls")
    ] = None

    def list_given(self, prefix: str = "") -> dict[str, Any]:
        """Return what was given, by the names of the model's fields.

        Args:
            prefix: `PLANNER` for the planner's; empty for the others.
        """
        values = {
            option.name.removeprefix(prefix): getattr(self, option.name)
            for option in fields(self)
            if option.name.startswith(PLANNER) == bool(prefix)
        }
        return {FIELD_NAMES.get(k, k): value for k, value in values.items() if value is not None}

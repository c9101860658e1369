"""What a request asks for: its prompts, its form and its settings, in the library's terms."""

from typing import cast

from pydantic_ai import ModelRequest as Message
from pydantic_ai import ToolDefinition
from pydantic_ai.messages import SystemPromptPart, UserPromptPart
from pydantic_ai.models import Model, ModelRequestParameters
from pydantic_ai.output import OutputObjectDefinition
from pydantic_ai.settings import CacheConfig, ModelSettings

from forge_core.llm.request import ModelRequest
from forge_core.llm.servers.answer_schema import PATTERN, build_schema
from forge_core.models.call.dialect import Dialect


def build_message(request: ModelRequest) -> Message:
    """Build the one message of a request."""
    # Not as instructions, which lose the blanks at their ends on the way to OpenAI.
    return Message([SystemPromptPart(request.system_prompt), UserPromptPart(request.user_prompt)])


def build_settings(request: ModelRequest, dialect: Dialect) -> ModelSettings:
    """Build the settings of a request, with what a user has set of it."""
    settings = ModelSettings(
        max_tokens=request.max_tokens,
        timeout=request.timeout_s,
        request_timeout=request.timeout_s,
        max_retries=0,
        # Every user prompt is sent once: only instructions and tool are worth caching.
        cache=CacheConfig(messages=False),
    )
    if dialect.parallel_tool_calls is not None:
        settings["parallel_tool_calls"] = dialect.parallel_tool_calls
    call_settings = request.settings
    if call_settings.temperature is not None:
        settings["temperature"] = call_settings.temperature
    if call_settings.reasoning_effort is not None:
        effort = call_settings.reasoning_effort
        settings["thinking"] = False if effort == "none" else effort
    if call_settings.service_tier is not None:
        settings["service_tier"] = call_settings.service_tier
    return settings


def fit_settings(settings: ModelSettings, model: Model) -> ModelSettings:
    """Return settings without those that a model's client has no place for, and would warn of."""
    unfit = model.unsupported_settings
    fitting = {name: value for name, value in settings.items() if name not in unfit}
    return cast("ModelSettings", fitting)


def build_parameters(request: ModelRequest, dialect: Dialect) -> ModelRequestParameters:
    """Build what the answer has to be: the arguments of a tool, text of a form, or text."""
    if dialect.output_mode == "prompted":
        return ModelRequestParameters(output_mode="text", allow_text_output=True)
    schema = build_schema(request.output, patterns=PATTERN not in dialect.refused)
    description = request.output.__doc__ or ""
    strict = dialect.strict or None
    if dialect.output_mode == "json_schema":
        form = OutputObjectDefinition(
            json_schema=schema, name=request.tool_name, description=description, strict=strict
        )
        return ModelRequestParameters(
            output_mode="native", output_object=form, allow_text_output=True
        )
    tool = ToolDefinition(
        name=request.tool_name,
        description=description,
        kind="output",
        parameters_json_schema=schema,
        strict=strict,
    )
    return ModelRequestParameters(
        output_mode="tool", output_tools=[tool], allow_text_output=dialect.tool_choice == "auto"
    )

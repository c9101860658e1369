"""Names of attributes by the column that they are read into, the best spelling first. Pure.

One table for all conventions: a span may carry several of them, and no name means two things.
Whose they are:

- OpenTelemetry: `gen_ai.…`, of which `gen_ai.system` and others are of older versions
- OpenInference: `llm.…`, `embedding.…`, `session.id`
- Traceloop: `llm.request.…`, `llm.response.…`, `traceloop.…`, beside older ones of OpenTelemetry
- Vercel's AI SDK: `ai.…`
- the libraries' own: `anthropic.…`, `openai.…`

`docs/reference/spans-read.md` has the table for readers. See D94.
"""

from collections.abc import Mapping
from typing import Final

TEXTS: Final[Mapping[str, tuple[str, ...]]] = {
    "request_model": (
        "gen_ai.request.model",
        "llm.request.model_name",
        "llm.request.model",
        "ai.model.id",
    ),
    "model_name": (
        "gen_ai.response.model",
        "llm.response.model_name",
        "llm.response.model",
        "ai.response.model",
        "llm.model_name",
        "embedding.model_name",
    ),
    "provider": (
        "gen_ai.provider.name",
        "llm.provider",
        "gen_ai.system",
        "llm.system",
        "llm.vendor",
        "ai.model.provider",
    ),
    "response_id": ("gen_ai.response.id", "llm.response.id", "ai.response.id"),
    "request_id": ("anthropic.request.id", "openai.request.id", "aws.request_id"),
    "session_id": (
        "gen_ai.conversation.id",
        "session.id",
        "gen_ai.session.id",
        "traceloop.association.properties.session_id",
        "traceloop.association.properties.conversation_id",
        "traceloop.association.properties.thread_id",
        "traceloop.association.properties.chat_id",
        "ai.telemetry.metadata.sessionId",
        "ai.settings.context.sessionId",
        "langsmith.trace.session_id",
        "langfuse.session.id",
    ),
    "agent": ("gen_ai.agent.name",),
    "service_tier": (
        "openai.response.service_tier",
        "gen_ai.openai.response.service_tier",
        "gen_ai.response.service_tier",
    ),
    "error_type": ("error.type",),
    "finish_reason": (
        "llm.finish_reason",
        "llm.response.finish_reason",
        "llm.response.stop_reason",
        "ai.response.finishReason",
        "anthropic.message.stop_reason",
    ),
}
"""Attributes that are text."""

FIRST_PIECE: Final[Mapping[str, float]] = {
    "gen_ai.response.time_to_first_chunk": 1000.0,
    "gen_ai.client.operation.time_to_first_chunk": 1000.0,
    "gen_ai.server.time_to_first_token": 1000.0,
    "gen_ai.response.time_to_first_token": 1000.0,
    "ai.response.msToFirstChunk": 1.0,
}
"""Attributes that tell when the answer began, each with its unit in milliseconds."""

FIRST_PIECES: Final = frozenset(
    {
        "First Token Stream Event",
        "ai.stream.firstChunk",
        "gen_ai.content.completion.chunk",
        "llm.content.completion.chunk",
    }
)
"""Events of a span, the first of which tells when the answer began."""

FINISH_REASONS: Final = "gen_ai.response.finish_reasons"

STATUS: Final = "http.response.status_code"

USAGE_PREFIXES: Final = ("gen_ai.usage.", "llm.usage.", "llm.token_count.", "ai.usage.")
"""What names of counts begin with."""

USAGE_TEXT: Final = "metadata.usage_object"
"""LiteLLM's whole report, which says more than its counts do; written as Python would."""

COSTS: Final = frozenset({"llm.cost.total", "gen_ai.cost.total_cost"})
"""What the request cost in US dollars; some say zero where they do not know."""

PARAMS: Final[Mapping[str, str]] = {
    "gen_ai.request.choice.count": "n",
    "gen_ai.is_streaming": "stream",
    "llm.is_streaming": "stream",
    "gen_ai.output.type": "output_type",
    "gen_ai.openai.request.response_format": "response_format",
    "gen_ai.openai.request.seed": "seed",
    "gen_ai.openai.request.service_tier": "service_tier",
    "openai.request.service_tier": "service_tier",
    "ai.prompt.toolChoice": "tool_choice",
    "ai.settings.maxOutputTokens": "max_tokens",
    "ai.settings.maxTokens": "max_tokens",
    "ai.settings.topP": "top_p",
    "ai.settings.topK": "top_k",
    "ai.settings.frequencyPenalty": "frequency_penalty",
    "ai.settings.presencePenalty": "presence_penalty",
    "ai.settings.stopSequences": "stop_sequences",
    "llm.temperature": "temperature",
    "llm.top_p": "top_p",
    "llm.top_k": "top_k",
    "llm.user": "user",
    "llm.frequency_penalty": "frequency_penalty",
    "llm.presence_penalty": "presence_penalty",
    "llm.chat.stop_sequences": "stop_sequences",
}
"""Parameters of a request that are not named by what follows a prefix."""

PARAM_PREFIXES: Final = ("gen_ai.request.", "llm.request.", "ai.settings.")

ALL_PARAMS: Final = frozenset({"llm.invocation_parameters", "embedding.invocation_parameters"})
"""Attributes that hold all parameters as JSON."""

NO_PARAMS: Final = frozenset(
    {"messages", "input", "prompt", "model", "system", "instructions", "tools", "functions"}
    | {"type", "_type", "structured_output_schema", "context", "model_name", "contents"}
    | {"extra_headers"}
)
"""What stands among parameters and has a column of its own, or is none."""

CONTENT: Final = frozenset(
    {
        "gen_ai.input.messages",
        "gen_ai.output.messages",
        "gen_ai.system_instructions",
        "gen_ai.tool.definitions",
        "gen_ai.prompt",
        "gen_ai.completion",
        "llm.prompts",
        "llm.completions",
        "llm.tools",
        "llm.request.functions",
        "events",
        "input.value",
        "output.value",
        "embedding.text",
        "inputs",
        "model_request_parameters",
        "ai.prompt",
        "ai.prompt.messages",
        "ai.prompt.tools",
        "ai.response.text",
        "ai.response.object",
        "ai.response.reasoning",
        "ai.response.toolCalls",
        "ai.value",
        "ai.values",
    }
)
"""Attributes that hold what was asked and answered, each in one piece."""

NUMBERED: Final = (
    "gen_ai.prompt.",
    "gen_ai.completion.",
    "llm.request.functions.",
    "llm.input_messages.",
    "llm.output_messages.",
    "llm.prompts.",
    "llm.choices.",
    "llm.completions.",
    "llm.tools.",
    "embedding.embeddings.",
)
"""What the names of attributes begin with that hold a piece of it, each with its number."""

SILENT: Final = frozenset(
    {
        "ai.embedding",
        "ai.embeddings",
        "ai.operationId",
        "ai.response.files",
        "ai.response.timestamp",
        "ai.response.providerMetadata",
        "error.message",
        "error.stack_trace",
        "embeddings",
        "gen_ai.operation.name",
        "hidden_params",
        "input.mime_type",
        "llm.request.type",
        "logfire.json_schema",
        "logfire.msg",
        "openinference.span.kind",
        "operation.name",
        "output.mime_type",
        "pydantic_ai.all_messages",
        "resource.name",
        "traceloop.entity.input",
        "traceloop.entity.output",
    }
)
"""Attributes that say what a span is, nothing besides, or what was asked and answered once more."""

SECRET_PREFIXES: Final = (
    "ai.request.headers.",
    "ai.response.headers.",
    "http.request.header.",
    "http.response.header.",
)
"""What names of attributes begin with that may hold a key, and are not kept."""

SECRET: Final = frozenset({"http.target", "http.url", "llm.headers", "url.full", "url.query"})
"""Attributes that may hold one: some providers take it in the address."""

"""Attributes of spans, built from values: GenAI conventions and our own.

Names follow the OpenTelemetry semantic conventions for generative AI; the published Python
constants are deprecated, so they stand here. Prompts and answers are the business of `content`.

See D98.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from forge_core.models.activity import ValidateInput
from forge_core.models.call.context import AssembledContext
from forge_core.models.call.llm import CallUsage
from forge_core.models.result import ValidationResult

AttributeValue = str | bool | int | float | tuple[str, ...]
Attributes = Mapping[str, AttributeValue]

OPERATION_NAME = "gen_ai.operation.name"
PROVIDER_NAME = "gen_ai.provider.name"
REQUEST_MODEL = "gen_ai.request.model"
REQUEST_MAX_TOKENS = "gen_ai.request.max_tokens"
REQUEST_STREAM = "gen_ai.request.stream"
CONVERSATION_ID = "gen_ai.conversation.id"
RESPONSE_ID = "gen_ai.response.id"
RESPONSE_MODEL = "gen_ai.response.model"
TIME_TO_FIRST_CHUNK = "gen_ai.response.time_to_first_chunk"
FINISH_REASONS = "gen_ai.response.finish_reasons"
INPUT_TOKENS = "gen_ai.usage.input_tokens"
OUTPUT_TOKENS = "gen_ai.usage.output_tokens"
CACHE_READ_TOKENS = "gen_ai.usage.cache_read.input_tokens"
CACHE_CREATION_TOKENS = "gen_ai.usage.cache_creation.input_tokens"
CACHE_WRITE_TOKENS = "gen_ai.usage.cache_write.input_tokens"
REASONING_TOKENS = "gen_ai.usage.reasoning.output_tokens"
ERROR_TYPE = "error.type"

SCRIPTED = "scripted"
"""The provider that is none, and the origin of what it answers."""

BROKEN_OFF = "error"
"""Finish reason, by the conventions, of an answer that came without its end."""

PROVIDER_NAMES = {
    "openai-chat": "openai",
    "openai-responses": "openai",
    "azure": "azure.ai.openai",
    "azure-responses": "azure.ai.openai",
    "bedrock": "aws.bedrock",
    "bedrock-mantle": "aws.bedrock",
    "google": "gcp.gemini",
    "google-cloud": "gcp.vertex_ai",
    "mistral": "mistral_ai",
    "moonshotai": "moonshot_ai",
    "xai": "x_ai",
}
"""Our providers whose conventional name differs."""

NO_TOKENS = CallUsage(model_name="")


@dataclass(frozen=True, slots=True)
class CallTotals:
    """What the requests of a call took together, and the last answer among them."""

    requests: int = 0
    unmeasured: int = 0
    """Of these, the ones whose tokens nobody reported."""
    tokens: CallUsage = NO_TOKENS
    """Sums; only its tokens mean something."""
    last: CallUsage | None = None
    """Of the last answer, whole or cut off."""
    response_id: str | None = None
    """Its id."""

    def add_request(self, usage: CallUsage | None) -> "CallTotals":
        """Return these with a request; its usage is None where nothing came back."""
        counted = replace(self, requests=self.requests + 1)
        if usage is None or not is_measured(usage):
            return replace(counted, unmeasured=self.unmeasured + 1)
        # Whoever adds up spans knows nothing of scripts, and what they pretend.
        taken = NO_TOKENS if usage.origin == SCRIPTED else usage
        sums = {name: getattr(self.tokens, name) + getattr(taken, name) for name in TOKEN_FIELDS}
        return replace(counted, tokens=self.tokens.model_copy(update=sums))

    def take_answer(self, usage: CallUsage, response_id: str | None) -> "CallTotals":
        """Return these with another last answer."""
        return replace(self, last=usage, response_id=response_id)


TOKEN_FIELDS: Mapping[str, tuple[str, ...]] = {
    "input_tokens": (INPUT_TOKENS,),
    "output_tokens": (OUTPUT_TOKENS,),
    "cache_read_tokens": (CACHE_READ_TOKENS,),
    # The conventions have renamed it, and backends read either.
    "cache_write_tokens": (CACHE_CREATION_TOKENS, CACHE_WRITE_TOKENS),
    "reasoning_tokens": (REASONING_TOKENS,),
}
"""Tokens of a call, and the attributes that carry them."""


def is_measured(usage: CallUsage) -> bool:
    """Return whether tokens were reported: a provider that answers has counted something."""
    return bool(usage.input_tokens or usage.output_tokens) or usage.origin != "provider"


def llm_call_attributes(
    context: AssembledContext, requested_model: str, totals: CallTotals | None = None
) -> Attributes:
    """Describe a model call, with what its requests took once that is known.

    Args:
        context: What the model was shown; only its labels and limits are used.
        requested_model: As configured, `provider:name`.
        totals: None until a request has come back.
    """
    provider, name = name_model(requested_model)
    return {
        OPERATION_NAME: "chat",
        PROVIDER_NAME: provider,
        REQUEST_MODEL: name,
        REQUEST_MAX_TOKENS: context.max_tokens,
        CONVERSATION_ID: context.workflow_id,
        **_context_labels(context),
        **({} if totals is None else _totals_attributes(totals)),
    }


def name_model(requested_model: str) -> tuple[str, str]:
    """Part a model's name, `provider:name`, into the conventions' provider and the name."""
    provider, _, name = requested_model.partition(":")
    return PROVIDER_NAMES.get(provider, provider), name_script(provider, name) or requested_model


def name_script(provider: str, name: str) -> str:
    """Return the name of a model, without the directories of one that is a script."""
    return name.replace("\\", "/").rpartition("/")[2] if provider == SCRIPTED else name


def context_attributes(context: AssembledContext) -> Attributes:
    """Describe the assembling of a prompt."""
    stats = {
        f"forge.context.{name}": value
        for name, value in context.context_stats
        if isinstance(value, int | float)
    }
    return {**_context_labels(context), **stats}


def validation_attributes(
    work: ValidateInput, results: Sequence[ValidationResult] = ()
) -> Attributes:
    """Describe the checks of an attempt, with each verdict once it is known."""
    verdicts = {f"forge.check.{result.check_name}.passed": result.passed for result in results}
    return {
        **_unit_labels(work.task_id, work.step_id, work.sub_task_id, work.attempt),
        "forge.files": len(work.paths),
        **verdicts,
    }


def _totals_attributes(totals: CallTotals) -> dict[str, AttributeValue]:
    attributes: dict[str, AttributeValue] = {"forge.requests": totals.requests}
    if totals.unmeasured:
        attributes["forge.requests.unmeasured"] = totals.unmeasured
    if totals.requests > totals.unmeasured:
        for field, names in TOKEN_FIELDS.items():
            attributes |= dict.fromkeys(names, getattr(totals.tokens, field))
    return {**attributes, **_answer_attributes(totals)}


def _answer_attributes(totals: CallTotals) -> dict[str, AttributeValue]:
    answer = totals.last
    if answer is None:
        return {}
    attributes: dict[str, AttributeValue] = {
        RESPONSE_MODEL: name_script(answer.origin, answer.model_name),
        "forge.origin": answer.origin,
        "forge.latency_ms": answer.latency_ms,
    }
    if totals.response_id is not None:
        attributes[RESPONSE_ID] = totals.response_id
    if answer.finish_reason is not None:
        attributes[FINISH_REASONS] = (answer.finish_reason,)
    if answer.first_token_ms is not None and answer.origin == "provider":
        attributes |= {REQUEST_STREAM: True, TIME_TO_FIRST_CHUNK: answer.first_token_ms / 1000}
    return attributes


def _context_labels(context: AssembledContext) -> dict[str, AttributeValue]:
    labels = _unit_labels(context.task_id, context.step_id, context.sub_task_id, context.attempt)
    if context.step_attempt is not None:
        labels["forge.step_attempt"] = context.step_attempt
    return {**labels, "forge.workflow_id": context.workflow_id}


def _unit_labels(
    task_id: str, step_id: str | None, sub_task_id: str | None, attempt: int
) -> dict[str, AttributeValue]:
    names = {"forge.step_id": step_id, "forge.sub_task_id": sub_task_id}
    return {
        "forge.task_id": task_id,
        **{name: value for name, value in names.items() if value is not None},
        "forge.attempt": attempt,
    }

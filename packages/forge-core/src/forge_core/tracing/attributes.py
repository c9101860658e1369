"""Attributes of spans, built from values: GenAI conventions and our own.

Names follow the OpenTelemetry semantic conventions for generative AI; the published Python
constants are deprecated, so they stand here. Prompts and answers are never put on a span.
"""

from collections.abc import Mapping, Sequence

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
RESPONSE_MODEL = "gen_ai.response.model"
FINISH_REASONS = "gen_ai.response.finish_reasons"
INPUT_TOKENS = "gen_ai.usage.input_tokens"
OUTPUT_TOKENS = "gen_ai.usage.output_tokens"
CACHE_READ_TOKENS = "gen_ai.usage.cache_read.input_tokens"
CACHE_CREATION_TOKENS = "gen_ai.usage.cache_creation.input_tokens"
ERROR_TYPE = "error.type"

PROVIDER_NAMES = {"openai-chat": "openai"}
"""Our providers whose conventional name differs."""


def llm_call_attributes(
    context: AssembledContext, requested_model: str, result: CallUsage | None = None
) -> Attributes:
    """Describe a model call, with its usage once it has answered.

    Args:
        context: What the model was shown; only its labels and limits are used.
        requested_model: As configured, `provider:name`.
        result: None until there is an answer.
    """
    provider, _, name = requested_model.partition(":")
    return {
        OPERATION_NAME: "chat",
        PROVIDER_NAME: PROVIDER_NAMES.get(provider, provider),
        REQUEST_MODEL: name or requested_model,
        REQUEST_MAX_TOKENS: context.max_tokens,
        **_context_labels(context),
        **({} if result is None else _usage_attributes(result)),
    }


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


def _usage_attributes(result: CallUsage) -> dict[str, AttributeValue]:
    reasons = {} if result.finish_reason is None else {FINISH_REASONS: (result.finish_reason,)}
    # Whoever adds up spans knows nothing of scripts, and what they pretend.
    tokens = CallUsage(model_name=result.model_name) if result.origin == "scripted" else result
    return {
        RESPONSE_MODEL: result.model_name,
        INPUT_TOKENS: tokens.input_tokens,
        OUTPUT_TOKENS: tokens.output_tokens,
        CACHE_READ_TOKENS: tokens.cache_read_tokens,
        CACHE_CREATION_TOKENS: tokens.cache_write_tokens,
        **reasons,
        "forge.reasoning_tokens": tokens.reasoning_tokens,
        "forge.origin": result.origin,
        "forge.latency_ms": result.latency_ms,
    }


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

"""The span of a call: what its requests took together, and what was said in the last one.

See D98.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from opentelemetry import trace
from opentelemetry._logs import LogRecord, SeverityNumber
from opentelemetry.trace import Span, SpanKind

from forge_core.models.call.context import AssembledContext
from forge_core.models.call.llm import CallUsage
from forge_core.tracing.attributes import (
    BROKEN_OFF,
    ERROR_TYPE,
    INPUT_TOKENS,
    OUTPUT_TOKENS,
    PROVIDER_NAME,
    SCRIPTED,
    Attributes,
    AttributeValue,
    CallTotals,
    is_measured,
    llm_call_attributes,
)
from forge_core.tracing.content import (
    OUTPUT_MESSAGES,
    CallTexts,
    ContentMode,
    build_messages,
    dump_messages,
    redact_texts,
)
from forge_core.tracing.setup import activity_span, get_error_type, get_telemetry
from forge_core.tracing.telemetry import Telemetry

EVENT_NAME = "gen_ai.client.inference.operation.details"

EARLIER_REQUEST = "forge.earlier_request"
"""Event of a call's span for each request before the last, whose answer was asked for again."""


@dataclass(frozen=True, slots=True)
class _Request:
    """A request that came to an end."""

    time_ns: int
    texts: CallTexts
    usage: CallUsage | None


class CallSpan:
    """Collects what the requests of a call bring, for its span."""

    def __init__(self, span: Span, context: AssembledContext, model: str) -> None:
        self._span = span
        self._context = context
        self._model = model
        self._totals = CallTotals()
        self._requests: list[_Request] = []

    def note_request(self, texts: CallTexts, usage: CallUsage | None, *, is_new: bool) -> None:
        """Note a request that came to an end.

        Args:
            texts: What was asked, and what came back of an answer.
            usage: What it took; None where nothing came back.
            is_new: Whether no span of an earlier attempt carries what it took.
        """
        self._requests.append(_Request(time.time_ns(), texts, usage))
        if is_new:
            self._totals = self._totals.add_request(usage)

    def note_answer(
        self, usage: CallUsage, response_id: str | None = None, *, is_whole: bool
    ) -> None:
        """Note who answered; of an answer that broke off, the reason is given if nobody did."""
        if not is_whole and usage.finish_reason is None:
            usage = usage.model_copy(update={"finish_reason": BROKEN_OFF})
        self._totals = self._totals.take_answer(usage, response_id)

    async def close(self, error: BaseException | None = None) -> None:
        """Put all that is known on the span, and into an event; the span has to be open.

        Args:
            error: What ended the call.
        """
        telemetry = get_telemetry()
        if telemetry is None or not self._span.is_recording():
            return
        attributes, messages = await asyncio.to_thread(self._describe, telemetry)
        for request in self._requests[:-1]:
            earlier = await asyncio.to_thread(_describe_earlier, request, telemetry)
            self._span.add_event(EARLIER_REQUEST, earlier, request.time_ns)
        on_span = dump_messages(messages) if telemetry.mode.on_span else {}
        self._span.set_attributes({**attributes, **on_span})
        if telemetry.events is not None and messages:
            failed = {} if error is None else {ERROR_TYPE: get_error_type(error)}
            telemetry.events.emit(self._build_event({**attributes, **failed, **messages}))

    def _describe(self, telemetry: Telemetry) -> tuple[Attributes, Mapping[str, Any]]:
        """Describe what happened, without what must not leave."""
        totals, last, messages = self._totals, self._totals.last, {}
        if last is not None:
            shown = last.model_copy(update={"model_name": telemetry.redact_name(last.model_name)})
            response_id = totals.response_id and telemetry.redact_text(totals.response_id)
            totals = totals.take_answer(shown, response_id)
        if self._requests and telemetry.mode is not ContentMode.NO_CONTENT:
            reason = None if last is None else last.finish_reason
            texts = redact_texts(self._requests[-1].texts, telemetry.redact_text)
            messages = build_messages(texts, reason)
        return llm_call_attributes(self._context, self._model, totals), messages

    def _build_event(self, attributes: Mapping[str, Any]) -> LogRecord:
        return LogRecord(
            timestamp=time.time_ns(),
            context=trace.set_span_in_context(self._span),
            severity_number=SeverityNumber.INFO,
            event_name=EVENT_NAME,
            attributes=attributes,
        )


def _describe_earlier(request: _Request, telemetry: Telemetry) -> Attributes:
    """Describe a request whose answer was asked for again: its tokens, and what it answered."""
    usage = request.usage
    attributes: dict[str, AttributeValue] = {}
    if usage is not None and usage.origin == "provider" and is_measured(usage):
        attributes |= {INPUT_TOKENS: usage.input_tokens, OUTPUT_TOKENS: usage.output_tokens}
    if telemetry.mode.on_span:
        messages = build_messages(redact_texts(request.texts, telemetry.redact_text))
        attributes |= dump_messages({n: m for n, m in messages.items() if n == OUTPUT_MESSAGES})
    return attributes


@asynccontextmanager
async def call_span(name: str, context: AssembledContext, model: str) -> AsyncIterator[CallSpan]:
    """Open the span of a call; an exception sets its status to error.

    Args:
        name: The span's name.
        context: What the model is shown; only its labels and limits are used.
        model: As configured, `provider:name`.
    """
    telemetry = get_telemetry()
    shown = model if telemetry is None else await asyncio.to_thread(telemetry.redact_model, model)
    attributes = llm_call_attributes(context, shown)
    is_remote = attributes[PROVIDER_NAME] != SCRIPTED
    kind = SpanKind.CLIENT if is_remote else SpanKind.INTERNAL
    with activity_span(name, attributes, kind) as span:
        call = CallSpan(span, context, shown)
        try:
            yield call
        except BaseException as error:
            await call.close(error)
            raise
        await call.close()

"""Metrics of every request that goes out, whoever waits for its answer.

See D98.
"""

import asyncio
import time
from dataclasses import replace

from forge_core.llm.arrival import Arrival
from forge_core.llm.calls import Send
from forge_core.llm.errors import NOT_SENT, ModelFailure
from forge_core.llm.request import ModelAnswer, ModelRequest
from forge_core.models.call.llm import CallUsage
from forge_core.tracing.attributes import is_measured, name_model, name_script
from forge_core.tracing.metrics import RequestFigures, RequestMeter
from forge_core.tracing.setup import get_telemetry
from forge_core.tracing.telemetry import Telemetry

UNASKED = frozenset({"not_configured", "no_scripted_answer"})
"""Kinds of failure of requests that were never made."""


def measure_requests(send: Send) -> Send:
    """Return what sends requests and adds each to the metrics, if there are any."""
    telemetry = get_telemetry()
    if telemetry is None or telemetry.meter is None:
        return send
    return _MeasuredSend(send, telemetry, telemetry.meter)


class _MeasuredSend:
    """Sends requests and measures them."""

    def __init__(self, send: Send, telemetry: Telemetry, meter: RequestMeter) -> None:
        self._send = send
        self._telemetry = telemetry
        self._meter = meter

    async def __call__(
        self, request: ModelRequest, arrival: Arrival | None = None, /
    ) -> ModelAnswer:
        model = await asyncio.to_thread(self._telemetry.redact_model, request.model)
        provider, name = name_model(model)
        began = time.perf_counter()
        try:
            answer = await self._send(request, arrival)
        except BaseException as error:
            error_type = _find_error_type(error)
            if error_type is not None:
                figures = RequestFigures(provider, name, time.perf_counter() - began)
                usage = _find_usage(error, arrival)
                self._meter.record(replace(_add(figures, usage), error_type=error_type))
            raise
        figures = _add(RequestFigures(provider, name, time.perf_counter() - began), answer.usage)
        model = await asyncio.to_thread(self._telemetry.redact_name, answer.usage.model_name)
        model = name_script(answer.usage.origin, model)
        self._meter.record(replace(figures, response_model=model))
        return answer


def _find_error_type(error: BaseException) -> str | None:
    """Return what the record calls a failure; None for one before there was a request."""
    if isinstance(error, ModelFailure):
        return None if error.kind in UNASKED else error.kind
    if isinstance(error, asyncio.CancelledError):
        return "cancelled"
    return None if NOT_SENT in getattr(error, "__notes__", ()) else "unexpected"


def _find_usage(error: BaseException, arrival: Arrival | None) -> CallUsage | None:
    """Return what a request took that brought no answer, as far as anything came of one."""
    if isinstance(error, ModelFailure):
        answer = error.answer
    else:
        answer = arrival.find_answer() if arrival is not None else None
    return None if answer is None else answer.usage


def _add(figures: RequestFigures, usage: CallUsage | None) -> RequestFigures:
    """Add what a provider reports; a script has nothing to report."""
    if usage is None or usage.origin != "provider":
        return figures
    if is_measured(usage):
        figures = replace(
            figures, input_tokens=usage.input_tokens, output_tokens=usage.output_tokens
        )
    first = usage.first_token_ms
    return replace(
        figures,
        duration_s=usage.latency_ms / 1000 or figures.duration_s,
        first_token_s=None if first is None else first / 1000,
    )

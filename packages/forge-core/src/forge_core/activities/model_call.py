"""What every model call shares: its record, its span and its failures.

See D46.
"""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any, TypeVar

from forge_obs import record
from pydantic import BaseModel
from temporalio import activity
from temporalio.exceptions import ApplicationError

from forge_core.llm.calls import CallObserver
from forge_core.llm.errors import ModelFailure
from forge_core.llm.request import ModelAnswer, ModelRequest, request_params
from forge_core.models.context import AssembledContext
from forge_core.models.llm import CallUsage, build_llm_stats
from forge_core.records.answer_journal import (
    AnswerJournal,
    AnswerKey,
    KeptAnswer,
    digest_request,
    open_journal,
)
from forge_core.tracing.attributes import llm_call_attributes
from forge_core.tracing.setup import activity_span, current_span_ids

MAX_PROVIDER_FAILURES = 5
"""Failed requests after which a call is given up; shutdowns and crashes do not count."""

MAX_RETRY_AFTER_S = 600.0
"""Longest wait that a provider may ask for, in seconds."""

Result = TypeVar("Result", bound=CallUsage)
Execute = Callable[[AssembledContext, str, CallObserver], Awaitable[Result]]
"""One of the calls of `forge_core.llm.calls`."""


async def perform_call(
    span_name: str, role: str, context: AssembledContext, model: str, execute: Execute[Result]
) -> Result:
    """Make a call inside its span, on record, with failures in Temporal's terms.

    Raises:
        ApplicationError: The call failed; `type` is `llm.` and the failure's kind.
    """
    with activity_span(span_name, llm_call_attributes(context, model)) as span:
        try:
            observer = CallRecorder(context, role, open_journal())
            result = await execute(context, model, observer)
        except ModelFailure as failure:
            raise _application_error(failure) from failure
        span.set_attributes(llm_call_attributes(context, model, result))
        return result


class CallRecorder:
    """Puts each request of an activity on record, before it goes out and after.

    An answer is kept in the journal as soon as it arrives. One that an earlier attempt of the
    activity got is recalled, and the record goes on in that attempt's row: it was paid for once.

    Args:
        context: The prompts, and whose they are.
        role: The part that the model plays.
        journal: Where answers are kept.
    """

    def __init__(self, context: AssembledContext, role: str, journal: AnswerJournal) -> None:
        info = activity.info()
        trace_id, span_id = current_span_ids()
        self._journal = journal
        self._rows: dict[int, dict[str, Any]] = {}
        self._fields: dict[str, Any] = {
            "task_id": context.task_id,
            "step_id": context.step_id,
            "sub_task_id": context.sub_task_id,
            "role": role,
            "workflow_id": context.workflow_id,
            "run_id": info.workflow_run_id,
            "activity_id": info.activity_id,
            "activity_attempt": info.attempt,
            "attempt": context.attempt,
            "step_attempt": context.step_attempt,
            "context_stats": context.context_stats,
            "context_manifest": [entry.model_dump() for entry in context.manifest],
            "trace_id": trace_id,
            "span_id": span_id,
        }

    async def recall(self, sample: int, request: ModelRequest) -> ModelAnswer | None:
        """Find the answer that an earlier attempt got."""
        kept = await asyncio.to_thread(self._journal.find, self._key(sample, request))
        if kept is None:
            return None
        self._rows[sample] = {
            "activity_attempt": kept.activity_attempt,
            "trace_id": kept.trace_id,
            "span_id": kept.span_id,
        }
        return kept.answer

    async def started(self, sample: int, request: ModelRequest) -> None:
        """Record that a request is about to go out."""
        await self._record(sample, request, status="started")

    async def arrived(self, sample: int, request: ModelRequest, answer: ModelAnswer) -> None:
        """Keep an answer until the run has ended."""
        fields = self._fields
        kept = KeptAnswer(answer, fields["activity_attempt"], fields["trace_id"], fields["span_id"])
        await asyncio.to_thread(self._journal.keep, self._key(sample, request), kept)

    async def answered(
        self, sample: int, request: ModelRequest, answer: ModelAnswer, output: BaseModel
    ) -> None:
        """Record an accepted answer."""
        explanation = getattr(output, "explanation", "")
        fields = _answer_fields(answer)
        await self._record(sample, request, status="ok", explanation=explanation, **fields)

    async def failed(self, sample: int, request: ModelRequest, failure: ModelFailure) -> None:
        """Record a failure, with what came back of an answer."""
        answer = _answer_fields(failure.answer) if failure.answer is not None else {}
        await self._record(
            sample, request, status="error", error_type=failure.kind, error=str(failure), **answer
        )

    async def _record(self, sample: int, request: ModelRequest, **fields: Any) -> None:  # noqa: ANN401
        row = {
            **self._fields,
            **self._rows.get(sample, {}),
            "seq": sample,
            "system_prompt": request.system_prompt,
            "user_prompt": request.user_prompt,
            "request_model": request.model,
            "origin": request.origin,
            "params": request_params(request),
            **fields,
        }
        await asyncio.to_thread(lambda: record("interaction", **row))

    def _key(self, sample: int, request: ModelRequest) -> AnswerKey:
        fields = self._fields
        return AnswerKey(
            workflow_id=fields["workflow_id"],
            run_id=fields["run_id"],
            activity_id=fields["activity_id"],
            seq=sample,
            request_digest=digest_request(request),
        )


def _answer_fields(answer: ModelAnswer) -> dict[str, Any]:
    return {
        "stats": build_llm_stats(answer.usage),
        "response": answer.text,
        "finish_reason": answer.usage.finish_reason,
    }


def _application_error(failure: ModelFailure) -> ApplicationError:
    details = activity.info().heartbeat_details
    failures = (details[0] if details else 0) + 1
    activity.heartbeat(failures)
    delay = None
    if failure.retry_after_s is not None:
        delay = timedelta(seconds=min(failure.retry_after_s, MAX_RETRY_AFTER_S))
    answered = failure.answer is not None and failure.answer.usage.output_tokens > 0
    details = [build_llm_stats(failure.answer.usage)] if failure.answer and answered else []
    return ApplicationError(
        str(failure),
        *details,
        type=f"llm.{failure.kind}",
        non_retryable=not failure.retryable or failures >= MAX_PROVIDER_FAILURES,
        next_retry_delay=delay,
    )

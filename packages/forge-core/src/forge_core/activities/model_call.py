"""What every model call shares: its record, its span and its failures.

See D46 and D74.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass, replace
from datetime import timedelta
from functools import partial
from typing import Any, TypeVar

from forge_obs import record
from temporalio import activity
from temporalio.exceptions import ApplicationError, ApplicationErrorCategory

from forge_core.activities.measured_requests import measure_requests
from forge_core.errors import LimitReached
from forge_core.llm.arrival import Arrival
from forge_core.llm.calls import CallObserver, Send
from forge_core.llm.errors import MESSAGE_LENGTH, NOT_SENT, ModelFailure
from forge_core.llm.parse_answer import Reading
from forge_core.llm.request import ModelAnswer, ModelRequest, request_params
from forge_core.models.activity import CallInput
from forge_core.models.call.context import AssembledContext
from forge_core.models.call.llm import LLMCallResult, PlanCallResult, build_llm_stats
from forge_core.models.ids import build_entry_id
from forge_core.records.answer_journal import (
    AnswerKey,
    KeptAnswer,
    digest_request,
    open_journal,
)
from forge_core.records.call_account import (
    CallAccount,
    CallIdentity,
    CallProgress,
    read_details,
)
from forge_core.records.outcomes import Verdict, judge_answer, judge_failure, record_outcome
from forge_core.records.requests_in_flight import AttemptRow, get_requests_in_flight
from forge_core.tracing.call_span import CallSpan, call_span
from forge_core.tracing.content import CallTexts
from forge_core.tracing.setup import current_span_ids

MAX_PROVIDER_FAILURES = 5
"""Failed requests after which a call is given up; shutdowns and crashes do not count."""

MAX_UNREACHABLE = 3
"""Attempts to reach a server that has never answered: it is just being started, or not at all."""

UNREACHABLE_DELAY = timedelta(seconds=1)
"""Between these."""

TELLING_INTERVAL_S = 1.0
"""Seconds between two tellings of how many tokens have come."""

MAX_RETRY_AFTER_S = 600.0
"""Longest wait that a provider may ask for, in seconds."""

READ_PAST = "read in spite of "
"""Before what the record notes of an answer that is not as it was asked for."""

Result = TypeVar("Result", LLMCallResult, PlanCallResult)
Execute = Callable[[AssembledContext, str, CallObserver], Awaitable[Result]]
"""One of the calls of `forge_core.llm.calls`."""


@dataclass(frozen=True, slots=True)
class ModelCall:
    """A call to be made."""

    role: str
    """The part that the model plays."""
    context: AssembledContext
    """The prompts, and whose they are."""
    model: str
    """`provider:name`."""
    work: CallInput
    """What it is paid from."""


async def perform_call(span_name: str, call: ModelCall, execute: Execute[Result]) -> Result:
    """Make a call inside its span, on record, with failures in Temporal's terms.

    Raises:
        ApplicationError: The call failed; `type` is `llm.` and the failure's kind, or that the
            budget does not allow the next request. Its details tell what was spent.
    """
    context, model = call.context, call.model
    failures, account = _open_account(call)
    async with call_span(span_name, context, model) as span:
        try:
            observer = CallRecorder(call, account, span)
            result = await execute(context, model, observer)
        except ModelFailure as failure:
            raise _application_error(failure, failures, account) from failure
        except LimitReached as reached:
            raise ApplicationError(
                str(reached),
                account.describe_stop(),
                type=LimitReached.__name__,
                non_retryable=True,
                category=ApplicationErrorCategory.BENIGN,
            ) from reached
        return result.model_copy(update={"entry_id": observer.accepted, "spent": account.spent})


def _open_account(call: ModelCall) -> tuple[int, CallAccount]:
    """Return how many requests have failed, and the account of all of them."""
    info = activity.info()
    failures, inherited = read_details(info.heartbeat_details)
    waited_s = (info.started_time - info.scheduled_time).total_seconds()
    identity = CallIdentity.of(info.activity_id, info.attempt, call.work.stop)
    return failures, CallAccount(call.work, call.context, identity, inherited, waited_s)


class CallRecorder:
    """Puts each request of an activity on record, before it goes out and after.

    An answer is kept in the journal as soon as it arrives. One that an earlier attempt of the
    activity got is recalled, and a request that an earlier attempt in this process still waits for
    is joined. Either way the record goes on in that attempt's row: it was paid for once.

    Args:
        call: The prompts, and whose they are.
        account: Counts what is paid.
        span: Where the call is traced.
    """

    def __init__(self, call: ModelCall, account: CallAccount, span: CallSpan) -> None:
        info, context = activity.info(), call.context
        identity = CallIdentity.of(info.activity_id, info.attempt, call.work.stop)
        self._account = account
        self._span = span
        self._journal = open_journal()
        self._in_flight = get_requests_in_flight()
        self._attempt = identity.attempt
        self._details = _read_heartbeat()
        self._rows: dict[int, AttemptRow] = {}
        self.accepted: str | None = None
        """Id of the request whose answer was accepted."""
        self._fields: dict[str, Any] = {
            "task_id": context.task_id,
            "step_id": context.step_id,
            "sub_task_id": context.sub_task_id,
            "role": call.role,
            "workflow_id": context.workflow_id,
            "run_id": info.workflow_run_id,
            "root_run_id": context.find_root_run(info.workflow_run_id),
            "activity_id": identity.activity_id,
            "attempt": context.attempt,
            "step_attempt": context.step_attempt,
            "context_stats": context.context_stats,
            "context_manifest": [entry.model_dump() for entry in context.manifest],
        }

    async def obtain(self, seq: int, request: ModelRequest, send: Send) -> ModelAnswer:
        """Recall the answer, join the request that is under way or send it."""
        flight = self._in_flight.join(
            self._key(request),
            AttemptRow(self._attempt, *current_span_ids(), seq=seq),
            send=partial(self._fetch, seq, request, measure_requests(send)),
            report=partial(self.failed, seq, request),
        )
        self._rows[seq] = flight.row
        telling = asyncio.create_task(self._tell(flight.arrival))
        try:
            kept = await self._in_flight.wait(flight, _is_dropped)
        except ModelFailure as failure:
            self._trace(request, failure.answer)
            await asyncio.to_thread(self._account.count_failure, request, failure)
            raise
        except asyncio.CancelledError:
            self._trace(request, flight.arrival.find_answer() if _is_dropped() else None)
            raise
        finally:
            telling.cancel()
        self._rows[seq] = AttemptRow(
            kept.activity_attempt,
            kept.trace_id,
            kept.span_id,
            seq=request.labels.sample if kept.seq is None else kept.seq,
        )
        self._trace(request, kept.answer, kept.activity_attempt)
        await asyncio.to_thread(
            self._account.count_answer,
            request.labels.sample,
            request,
            kept.answer,
            kept.activity_attempt,
        )
        return kept.answer

    def _trace(
        self, request: ModelRequest, answer: ModelAnswer | None, paid_by: int | None = None
    ) -> None:
        """Note for the span how a request ended.

        Args:
            request: The request.
            answer: What came of an answer.
            paid_by: The attempt at the activity that got the answer; None where it is not whole.
        """
        texts = CallTexts(request.system_prompt, request.user_prompt)
        is_new = paid_by is None or self._account.is_untraced(request.labels.sample, paid_by)
        if answer is None or (answer.is_empty and paid_by is None):  # a refusal in its body
            self._span.note_request(texts, None, is_new=is_new)
            return
        said = "" if answer.is_empty else answer.text
        texts = replace(texts, answer=said, reasoning=answer.reasoning)
        self._span.note_request(texts, answer.usage, is_new=is_new)
        response_id = answer.reported.response_id
        self._span.note_answer(answer.usage, response_id, is_whole=paid_by is not None)

    async def _tell(self, arrival: Arrival) -> None:
        """Tell the server how many tokens have come, for whoever looks at the run."""
        told = 0
        while True:
            await asyncio.sleep(TELLING_INTERVAL_S)
            if arrival.tokens != told:
                told = arrival.tokens
                activity.heartbeat(*self._details, told)

    async def _fetch(
        self, seq: int, request: ModelRequest, send: Send, arrival: Arrival
    ) -> KeptAnswer:
        key = self._key(request)
        kept = await asyncio.to_thread(self._journal.find, key)
        if kept is None:
            request = await self._begin(request)
            await self._record(seq, request, status="started")
            answer = await self._send(seq, request, send, arrival)
            kept = KeptAnswer(answer, **asdict(self._rows[seq]))
            await asyncio.to_thread(self._journal.keep, key, kept)
        return kept

    async def _begin(self, request: ModelRequest) -> ModelRequest:
        """Let a request be sent in the time that is left, and leave word of it to the next attempt.

        Raises:
            LimitReached: The budget does not allow it.
        """
        progress = await asyncio.to_thread(self._account.begin, request.labels.sample, request)
        self._details = (self._details[0], progress)
        activity.heartbeat(*self._details)
        return replace(request, deadline_s=self._account.time_left_s)

    async def _send(
        self, seq: int, request: ModelRequest, send: Send, arrival: Arrival
    ) -> ModelAnswer:
        """Send a request; what nobody expected is on record before it goes on its way."""
        try:
            return await send(request, arrival)
        except ModelFailure:
            raise
        except asyncio.CancelledError:
            await self._record_cancelled(seq, request, arrival.find_answer())
            raise
        except Exception as error:
            is_sent = NOT_SENT not in getattr(error, "__notes__", ())
            message = f"{type(error).__name__}: {error}"[:MESSAGE_LENGTH]
            await self._record(
                seq,
                request,
                status="error",
                error_type="unexpected" if is_sent else "not_sent",
                error=message if is_sent else f"{message}; {NOT_SENT}",
            )
            raise

    async def _record_cancelled(
        self, seq: int, request: ModelRequest, answer: ModelAnswer | None
    ) -> None:
        """Record what had arrived of an answer that nobody waits for any more."""
        if answer is None:
            return  # it may not have been sent at all: the outcome is unknown
        await self._record(
            seq,
            request,
            status="error",
            error_type="cancelled",
            error=f"{request.model}: {len(answer.text):,} characters had arrived",
            **_answer_fields(answer),
        )

    async def answered(
        self, seq: int, request: ModelRequest, answer: ModelAnswer, reading: Reading
    ) -> None:
        """Record an accepted answer, and what had to be overlooked to read it."""
        explanation = getattr(reading.output, "explanation", "")
        fields = _answer_fields(answer)
        notes = [f"asked for {reading.told}"] if reading.told else []
        notes += [READ_PAST + ", ".join(reading.notes)] if reading.notes else []
        if notes:
            fields["notes"] = "; ".join(notes)
        await self._record(seq, request, status="ok", explanation=explanation, **fields)
        if not reading.told:
            self.accepted = self._entry_id(seq)
        await self._judge(seq, judge_answer(reading.output, reading.told))

    async def failed(self, seq: int, request: ModelRequest, failure: ModelFailure) -> None:
        """Record a failure, with what came back of an answer."""
        answer = _answer_fields(failure.answer) if failure.answer is not None else {}
        await self._record(
            seq, request, status="error", error_type=failure.kind, error=str(failure), **answer
        )
        await self._judge(seq, judge_failure(failure))

    async def _judge(self, seq: int, verdict: Verdict | None) -> None:
        if verdict is not None:
            await asyncio.to_thread(record_outcome, [self._entry_id(seq)], verdict)

    def _entry_id(self, seq: int) -> str:
        run_id, activity_id = self._fields["run_id"], self._fields["activity_id"]
        row = self._rows[seq]
        return build_entry_id(run_id, activity_id, row.activity_attempt, row.seq)

    async def _record(self, seq: int, request: ModelRequest, **fields: Any) -> None:  # noqa: ANN401
        row = {
            **self._fields,
            **asdict(self._rows[seq]),
            "entry_id": self._entry_id(seq),
            "system_prompt": request.system_prompt,
            "user_prompt": request.user_prompt,
            "request_model": request.model,
            "origin": request.origin,
            "params": request_params(request),
            **fields,
        }
        await asyncio.to_thread(lambda: record("interaction", **row))

    def _key(self, request: ModelRequest) -> AnswerKey:
        fields = self._fields
        return AnswerKey(
            workflow_id=fields["workflow_id"],
            run_id=fields["run_id"],
            activity_id=fields["activity_id"],
            seq=request.labels.sample,
            request_digest=digest_request(request),
        )


def _is_dropped() -> bool:
    """Return whether an attempt that is asked to end is the last, with no next one near."""
    details = activity.cancellation_details()
    return details is None or details.cancel_requested or details.worker_shutdown


def _answer_fields(answer: ModelAnswer) -> dict[str, Any]:
    thought = {"type": "reasoning", "content": answer.reasoning}
    return {
        **({"messages": _as_output(thought)} if answer.reasoning else {}),
        "stats": build_llm_stats(answer.usage),
        "response": answer.text,
        "finish_reason": answer.usage.finish_reason,
        "first_token_ms": answer.usage.first_token_ms,
        **{name: value for name, value in asdict(answer.reported).items() if value},
    }


def _read_heartbeat() -> tuple[Any, Any]:
    """Return what the attempt before has told: its failures, and what it leaves to this one."""
    failures, progress, *_ = (*activity.info().heartbeat_details, None, None)
    return failures or 0, progress or CallProgress()


def _as_output(part: dict[str, str]) -> dict[str, Any]:
    """Return what a model said besides its answer, as messages of the GenAI conventions."""
    return {"output": [{"role": "assistant", "parts": [part]}]}


def _most_failures(failure: ModelFailure) -> int:
    return MAX_UNREACHABLE if failure.kind == "unreachable" else MAX_PROVIDER_FAILURES


def _application_error(
    failure: ModelFailure, failures: int, account: CallAccount
) -> ApplicationError:
    failures += 1
    activity.heartbeat(failures, CallProgress(lost=account.lost, traced=account.answers))
    delay = UNREACHABLE_DELAY if failure.kind == "unreachable" else None
    if failure.retry_after_s is not None:
        delay = timedelta(seconds=min(failure.retry_after_s, MAX_RETRY_AFTER_S))
    answered = failure.answer is not None and failure.answer.usage.output_tokens > 0
    stats = build_llm_stats(failure.answer.usage) if failure.answer and answered else None
    return ApplicationError(
        str(failure),
        stats,
        account.spent,
        type=f"llm.{failure.kind}",
        non_retryable=not failure.retryable or failures >= _most_failures(failure),
        next_retry_delay=delay,
    )

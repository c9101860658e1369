"""The two calls of a model: for files and for a plan. They know no store and no Temporal."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol, TypeVar

from pydantic import BaseModel

from forge_core.errors import ModelNotConfigured
from forge_core.llm.arrival import Arrival
from forge_core.llm.context_rounds import NO_MORE, ContextRounds, ask_on
from forge_core.llm.errors import ModelFailure
from forge_core.llm.model_name import SCRIPTED, split_model
from forge_core.llm.parse_answer import (
    Reading,
    accept_answer,
    ask_again,
    find_repeated_files,
    refuse_unfit,
)
from forge_core.llm.providers import check_model
from forge_core.llm.request import ModelAnswer, ModelRequest, RequestLabels
from forge_core.llm.script import answer_from_script
from forge_core.llm.servers.known_dialects import learn_dialect, put_in_dialect
from forge_core.models.call.context import AssembledContext, ShownFile
from forge_core.models.call.context_request import AskingPlan, AskingResponse, ContextRequest
from forge_core.models.call.llm import LLMCallResult, LLMResponse, PlanCallResult
from forge_core.models.call.settings import UNSET, CallSettings
from forge_core.models.plan import Plan

CUT_OFF = (
    "it was cut off at {max_tokens} tokens, because it repeats {path} as a whole: change that file "
    "by edits only"
)
"""What is said of an answer that is too long for what it changes."""

CUT_IN_CALL = (
    "it was cut off at {max_tokens} tokens in call {number} of the tool: answer by one call that "
    "says everything"
)
"""What is said of an answer whose first calls are whole, and of which nobody knows the rest."""

MAX_SAMPLES = 3
"""Answers that one call asks for until one fits."""

MAX_FORMS = 8
"""Forms of one request that a server may refuse."""


class Send(Protocol):
    """Sends one request."""

    def __call__(
        self, request: ModelRequest, arrival: Arrival | None = None, /
    ) -> Awaitable[ModelAnswer]:
        """Send it, and fill `arrival` with what arrives, while it does."""


@dataclass(frozen=True, slots=True)
class Review:
    """What is wrong with an answer that fits the schema, and what the next request shows."""

    problems: Sequence[str] = ()
    """A paragraph each."""
    shown: tuple[ShownFile, ...] = ()
    """Files that the model had not seen and `sections` show."""
    sections: tuple[str, ...] = ()
    advice: Sequence[str] = ()
    """What the model is told beside the problems; nobody else needs it."""


ReviewResponse = Callable[[LLMResponse, Sequence[ShownFile]], Review]
"""Reviews an answer, knowing what the model has seen; may take a while."""

ReviewPlan = Callable[[Plan], Review]
"""Reviews a plan; may take a while."""

Model = TypeVar("Model", bound=BaseModel)


class CallObserver(Protocol):
    """Sends every request, and is notified of what came of it."""

    async def obtain(self, seq: int, request: ModelRequest, send: Send) -> ModelAnswer:
        """Return the answer to a request: one that was paid for already, else by sending it.

        Args:
            seq: Number of the request within the call, from 0.
            request: What is asked.
            send: Sends it.

        Raises:
            ModelFailure: There is no whole answer.
        """

    async def answered(
        self, seq: int, request: ModelRequest, answer: ModelAnswer, reading: Reading
    ) -> None:
        """The answer fits and is accepted."""

    async def failed(self, seq: int, request: ModelRequest, failure: ModelFailure) -> None:
        """The request failed or its answer does not fit."""


@dataclass(frozen=True, slots=True)
class CallTerms:
    """How a model is asked."""

    settings: CallSettings = UNSET
    rounds: ContextRounds | None = None
    """How often it may ask for more context; None for never."""


AS_IT_IS = CallTerms()
"""With the model's own defaults, and once for all."""


@dataclass(frozen=True, slots=True)
class _Accepted:
    answer: ModelAnswer
    output: BaseModel
    asks: bool = False
    """Whether it only asks for more context."""


async def execute_llm_call(
    context: AssembledContext,
    model: str,
    observer: CallObserver | None = None,
    review: ReviewResponse | None = None,
    terms: CallTerms = AS_IT_IS,
) -> LLMCallResult:
    """Ask a model for changes of files.

    Args:
        context: The prompts.
        model: `provider:name`.
        observer: Told of every request.
        review: Finds what is wrong with an answer, which is then asked for again.
        terms: How the model is asked.

    Raises:
        ModelFailure: There was no answer, or none that fits.
    """
    output = LLMResponse if terms.rounds is None else AskingResponse
    request = replace(_build_request("llm", context, model, output), settings=terms.settings)
    sampling = _Sampling(request, observer, review, terms.rounds)
    sampling.shown = context.shown_files
    accepted = await sampling.sample()
    return LLMCallResult(
        **accepted.answer.usage.model_dump(),
        task_id=context.task_id,
        response=_reduce(accepted.output, LLMResponse),
        shown=None if review is None else sampling.shown,
    )


async def execute_planner_call(
    context: AssembledContext,
    planner_model: str,
    observer: CallObserver | None = None,
    review: ReviewPlan | None = None,
    terms: CallTerms = AS_IT_IS,
) -> PlanCallResult:
    """Ask a model for a plan; the plan carries the task's own id.

    Args:
        context: The prompts.
        planner_model: `provider:name`.
        observer: Told of every request.
        review: Finds what is wrong with a plan, which is then asked for again.
        terms: How the model is asked.

    Raises:
        ModelFailure: There was no answer, or none that is a valid plan.
    """
    output = Plan if terms.rounds is None else AskingPlan
    request = _build_request("planner", context, planner_model, output)
    request = replace(request, settings=terms.settings)
    sampling = _Sampling(request, observer, rounds=terms.rounds)
    sampling.review_plan = review
    sampling.shown = context.shown_files
    accepted = await sampling.sample()
    plan = _reduce(accepted.output, Plan)
    return PlanCallResult(
        **accepted.answer.usage.model_dump(),
        task_id=context.task_id,
        plan=plan.model_copy(update={"task_id": context.task_id}),
    )


async def request_model(request: ModelRequest, arrival: Arrival | None = None) -> ModelAnswer:
    """Send one request to whoever its model's name says.

    Args:
        request: What is asked.
        arrival: Filled with what arrives, while it does.

    Raises:
        ModelFailure: There is no whole answer.
    """
    try:
        await asyncio.to_thread(check_model, request.model)
    except ModelNotConfigured as error:
        raise ModelFailure("not_configured", str(error)) from error
    provider, name = split_model(request.model)
    if provider == SCRIPTED:
        return await answer_from_script(Path(name), request, arrival)
    send = await asyncio.to_thread(_load_client)
    return await send(request, arrival)


def _load_client() -> Send:
    """Import the client; that takes seconds, which an event loop does not have."""
    from forge_core.llm.network.client import request_over_network  # noqa: PLC0415 - see above

    return request_over_network


def _build_request(
    role: str, context: AssembledContext, model: str, output: type[BaseModel]
) -> ModelRequest:
    labels = RequestLabels(
        role=role,
        step_id=context.step_id,
        sub_task_id=context.sub_task_id,
        attempt=context.attempt,
        step_attempt=context.step_attempt,
    )
    return ModelRequest(
        model=model,
        system_prompt=context.system_prompt,
        user_prompt=context.user_prompt,
        output=output,
        max_tokens=context.max_tokens,
        labels=labels,
    )


class _AnotherForm(Exception):
    """A server refused the form of a request, and there is another one."""


def _reduce(output: BaseModel, model: type[Model]) -> Model:
    """Leave out of an answer what only the call needed."""
    return model.model_validate({name: getattr(output, name) for name in model.model_fields})


class _Sampling:
    """The requests of one call, until an answer fits."""

    def __init__(
        self,
        request: ModelRequest,
        observer: CallObserver | None,
        review: ReviewResponse | None = None,
        rounds: ContextRounds | None = None,
    ) -> None:
        self._request = request
        self._observer = observer
        self._review = review
        self._sections: tuple[str, ...] = ()
        self._was_cut = False
        self._seq = 0
        self._rounds = rounds
        self._rounds_left = 0 if rounds is None else rounds.most
        self.shown: tuple[ShownFile, ...] = ()
        self.review_plan: ReviewPlan | None = None

    async def sample(self) -> _Accepted:
        """Ask until an answer fits, each time with what was wrong with the last or asked for."""
        request, sample, failures = self._request, 0, 0
        while True:
            try:
                accepted = await self._ask(sample, request)
            except ModelFailure as failure:
                failures += 1
                problems = failure.problems or self._explain_cut(failure)
                if not problems or failures == MAX_SAMPLES:
                    raise
                request = ask_again(self._request, problems, self._sections)
            else:
                if not accepted.asks:
                    return accepted
                request = ask_on(self._request, self._sections, self._rounds_left)
            sample += 1

    async def _give(self, request: ModelRequest, answer: ModelAnswer, asked: ContextRequest) -> str:
        """Show what is asked for from the next request on, and say what that is.

        Raises:
            ModelFailure: The model has asked often enough.
        """
        if self._rounds is None or not self._rounds_left:
            refuse_unfit(request, answer, [NO_MORE])
            return ""
        self._rounds_left -= 1
        given = await asyncio.to_thread(self._rounds.give, asked, self.shown)
        self.shown += given.shown
        self._sections += given.sections
        return given.told

    def _find_faults(self, output: BaseModel) -> Review:
        if self._review is not None and isinstance(output, LLMResponse):
            return self._review(output, self.shown)
        if self.review_plan is not None and isinstance(output, Plan):
            return self.review_plan(output)
        return Review()

    def _explain_cut(self, failure: ModelFailure) -> Sequence[str]:
        """Say, once, how an answer that was cut off would have been short enough."""
        if failure.kind != "truncated" or failure.answer is None or self._was_cut:
            return ()
        limit, number = self._request.max_tokens, failure.answer.cut_call
        existing = (file.path for file in self.shown if file.ranges != ())
        repeated = find_repeated_files(failure.answer.text, existing)
        said = [CUT_OFF.format(max_tokens=limit, path=path) for path in repeated]
        said += [CUT_IN_CALL.format(max_tokens=limit, number=number)] if number else []
        self._was_cut = bool(said)
        return said

    async def _ask(self, sample: int, request: ModelRequest) -> _Accepted:
        """Ask for one answer, each time in the form that the server has not refused yet."""
        request = replace(request, labels=replace(request.labels, sample=sample))
        for _ in range(MAX_FORMS):
            try:
                return await self._ask_in_form(put_in_dialect(request))
            except _AnotherForm:
                continue
        return await self._ask_in_form(put_in_dialect(request))

    async def _ask_in_form(self, request: ModelRequest) -> _Accepted:
        seq, self._seq = self._seq, self._seq + 1
        observer = self._observer
        try:
            if observer is None:
                answer = await request_model(request)
            else:
                answer = await observer.obtain(seq, request, request_model)
            reading = accept_answer(request, answer)
            output = reading.output
            asked = output.asked if isinstance(output, AskingResponse | AskingPlan) else None
            if asked is not None:
                reading = replace(reading, told=await self._give(request, answer, asked))
            else:
                review = await asyncio.to_thread(self._find_faults, output)
                self.shown += review.shown
                self._sections += review.sections
                refuse_unfit(request, answer, review.problems, review.advice)
        except ModelFailure as failure:
            form = learn_dialect(request, failure.refused, str(failure))
            if form is not None:
                failure.add(f"asked again {form}")
            if observer is not None:
                await observer.failed(seq, request, failure)
            if form is not None and not failure.problems:  # else it was an answer, and a sample
                raise _AnotherForm from failure
            raise
        if observer is not None:
            await observer.answered(seq, request, answer, reading)
        return _Accepted(answer, output, asks=asked is not None)

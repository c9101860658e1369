"""The two calls of a model: for files and for a plan. They know no store and no Temporal."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol, cast

from pydantic import BaseModel

from forge_core.errors import ModelNotConfigured
from forge_core.files.protection import WritePolicy
from forge_core.llm.arrival import Arrival
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
from forge_core.models.call_settings import UNSET, CallSettings
from forge_core.models.context import AssembledContext, ShownFile
from forge_core.models.llm import LLMCallResult, LLMResponse, PlanCallResult
from forge_core.models.plan import Plan

CUT_OFF = (
    "it was cut off at {max_tokens} tokens, because it repeats {path} as a whole: change that file "
    "by edits only"
)
"""What is said of an answer that is too long for what it changes."""

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
class _Accepted:
    answer: ModelAnswer
    output: BaseModel


async def execute_llm_call(
    context: AssembledContext,
    model: str,
    observer: CallObserver | None = None,
    review: ReviewResponse | None = None,
    settings: CallSettings = UNSET,
) -> LLMCallResult:
    """Ask a model for changes of files.

    Args:
        context: The prompts.
        model: `provider:name`.
        observer: Told of every request.
        review: Finds what is wrong with an answer, which is then asked for again.
        settings: How the model is asked.

    Raises:
        ModelFailure: There was no answer, or none that fits.
    """
    request = replace(_build_request("llm", context, model, LLMResponse), settings=settings)
    sampling = _Sampling(request, observer, review, context.shown_files)
    accepted = await sampling.sample()
    return LLMCallResult(
        **accepted.answer.usage.model_dump(),
        task_id=context.task_id,
        response=cast("LLMResponse", accepted.output),
        shown=None if review is None else sampling.shown,
    )


async def execute_planner_call(
    context: AssembledContext,
    planner_model: str,
    observer: CallObserver | None = None,
    policy: WritePolicy | None = None,
    settings: CallSettings = UNSET,
) -> PlanCallResult:
    """Ask a model for a plan; the plan carries the task's own id.

    Args:
        context: The prompts.
        planner_model: `provider:name`.
        observer: Told of every request.
        policy: What the plan may name as files to change; None for anything.
        settings: How the model is asked.

    Raises:
        ModelFailure: There was no answer, or none that is a valid plan.
    """
    request = _build_request("planner", context, planner_model, Plan)
    request = replace(request, policy=policy, settings=settings)
    accepted = await _Sampling(request, observer).sample()
    plan = cast("Plan", accepted.output)
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
        return await asyncio.to_thread(answer_from_script, Path(name), request)
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


class _Sampling:
    """The requests of one call, until an answer fits."""

    def __init__(
        self,
        request: ModelRequest,
        observer: CallObserver | None,
        review: ReviewResponse | None = None,
        shown: tuple[ShownFile, ...] = (),
    ) -> None:
        self._request = request
        self._observer = observer
        self._review = review
        self._sections: tuple[str, ...] = ()
        self._was_cut = False
        self._seq = 0
        self.shown = shown

    async def sample(self) -> _Accepted:
        """Ask until an answer fits, each time with what was wrong with the last."""
        request = self._request
        for sample in range(MAX_SAMPLES - 1):
            try:
                return await self._ask(sample, request)
            except ModelFailure as failure:
                problems = failure.problems or self._explain_cut(failure)
                if not problems:
                    raise
                request = ask_again(self._request, problems, self._sections)
        return await self._ask(MAX_SAMPLES - 1, request)

    def _explain_cut(self, failure: ModelFailure) -> Sequence[str]:
        """Say, once, how an answer would have been short enough that repeats whole files."""
        if failure.kind != "truncated" or failure.answer is None or self._was_cut:
            return ()
        existing = (file.path for file in self.shown if file.ranges != ())
        repeated = find_repeated_files(failure.answer.text, existing)
        self._was_cut = bool(repeated)
        return [CUT_OFF.format(max_tokens=self._request.max_tokens, path=path) for path in repeated]

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
            if self._review is not None and isinstance(output, LLMResponse):
                review = await asyncio.to_thread(self._review, output, self.shown)
                self.shown += review.shown
                self._sections += review.sections
                refuse_unfit(request, answer, review.problems, review.advice)
        except ModelFailure as failure:
            form = learn_dialect(request, failure.refused, str(failure))
            if form is not None:
                failure.add(f"asked again {form}")
            if observer is not None:
                await observer.failed(seq, request, failure)
            if form is not None:
                raise _AnotherForm from failure
            raise
        if observer is not None:
            await observer.answered(seq, request, answer, reading)
        return _Accepted(answer, output)

"""`observe()`: a block around one request to a model, recorded before it and after it.

It is `record()` twice and keeps its state in the block's own object, so that nested and concurrent
blocks need nothing from each other. What the block raises is recorded and passed on; nothing here
raises by itself.

See D81.
"""

import time
from collections.abc import Callable
from contextlib import suppress
from contextvars import copy_context
from functools import partial
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, Unpack

from forge_obs.environment.observed import Block
from forge_obs.environment.process import get_now, make_entry_id
from forge_obs.model.entries import Before
from forge_obs.model.failures import NO_ANSWER, NOT_SENT, describe_failure
from forge_obs.model.keywords import AnswerKeywords, ObserveKeywords
from forge_obs.recorder import record_after

if TYPE_CHECKING:
    from asyncio import Future

_FOREIGN: Final = (Exception, SystemExit)
"""What values of others may raise when they are looked at."""


class Observation:
    """One request to a model while it is under way; `observe()` makes it.

    Args:
        fields: Keywords of `record("interaction", ...)`, and `model` for the requested one.
    """

    def __init__(self, fields: dict[str, Any]) -> None:
        model = fields.pop("model", None)
        self._fields = {"role": "llm", **fields}
        self._fields["request_model"] = fields.get("request_model") or model
        if fields.get("messages") is None:
            self._fields = {"system_prompt": "", "user_prompt": "", **self._fields}
        elif type(fields["messages"]) is list:
            self._fields["messages"] = list(fields["messages"])  # the block may add to its own
        self._begin()

    def _begin(self) -> None:
        given = self._fields.get("entry_id")
        self._entry_id: str = given if type(given) is str and given else make_entry_id()
        self._is_entered = False
        # An id that is made here nobody else knows before the row is there.
        self._before = Before.ANYTHING if self._entry_id is given else Before.NOTHING
        self._started_at = self._ended_at = time.perf_counter()
        self._created_at: object = None
        self._answer: dict[str, Any] = {}
        self._is_answered = False
        self._texts: list[str] = []
        self._usages: list[object] = []
        self._first_token_ms: float | None = None
        self._block: Block | None = None

    @property
    def entry_id(self) -> str:
        """The call's name in the store; `record("outcome", entry_id=…)` says what became of it."""
        return self._entry_id

    def answer(
        self,
        response: object = None,
        /,
        *unexpected: object,  # noqa: ARG002
        **fields: Unpack[AnswerKeywords],
    ) -> None:
        """Note what came back; the time until now is the call's latency.

        Args:
            response: The text, or what the client returned: text, usage, model, ids and reason to
                finish are read from it where they are not given. None where pieces were noted.
            unexpected: Nothing; whatever is given here is ignored.
            fields: Keywords of `record("interaction", ...)`, and `model` for the answering one.
        """
        self._ended_at = time.perf_counter()
        self._is_answered = True
        given: dict[str, Any] = dict(fields)
        if issubclass(type(response), str):  # by its type: what a value says may raise
            self._answer["response"] = response
        elif response is not None:
            self._answer["answer"] = response
        if "model" in given:
            given.setdefault("model_name", given.pop("model"))
        self._answer.update(given)

    def chunk(self, piece: object = "", /, *unexpected: object, usage: object = None) -> None:  # noqa: ARG002
        """Note a piece of a stream; the first one that has text tells when the answer began.

        Args:
            piece: Text, or a chunk or event of the client.
            unexpected: Nothing; whatever is given here is ignored.
            usage: What it reports of usage.
        """
        now = time.perf_counter()
        with suppress(*_FOREIGN):
            text = piece if type(piece) is str else self._read_piece(piece)
            if text:
                if self._first_token_ms is None:
                    self._first_token_ms = (now - self._started_at) * 1000
                self._texts.append(text)
        if usage is not None:
            self._usages.append(usage)
        self._ended_at = now

    def _read_piece(self, value: object) -> str:
        from forge_obs.model.conversation.answers import read_piece  # noqa: PLC0415 - where needed

        piece = read_piece(value)
        if piece.usage is not None:
            self._usages.append(piece.usage)
        for name in ("model_name", "response_id", "finish_reason"):
            value = getattr(piece, name)
            if value is not None:
                self._answer.setdefault(name, value)
        return piece.text

    def __enter__(self) -> "Observation":
        """Record that the request goes out."""
        fields = self._start()
        try:
            self._write(fields)
        except BaseException as error:  # an interrupt: the request does not go out
            self._write(self._finish_unsent(error))
            raise
        self._block = Block()
        self._started_at = self._ended_at = time.perf_counter()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Record what came of it; an exception is passed on."""
        self._leave()
        self._write(self._finish(error))

    async def __aenter__(self) -> "Observation":
        """Record that the request goes out, in a thread."""
        fields = self._start()
        try:
            await _run_in_thread(partial(self._write, fields))
        except BaseException as error:  # a cancellation: the request does not go out
            await _run_in_thread(partial(self._write, self._finish_unsent(error)))
            raise
        self._block = Block()
        self._started_at = self._ended_at = time.perf_counter()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Record what came of it, in a thread; an exception is passed on.

        A cancellation that comes meanwhile is passed on when the row is written.
        """
        self._leave()
        await _run_in_thread(partial(self._write, self._finish(error)))

    def _leave(self) -> None:
        if self._block is not None:
            self._block.leave()

    def _write(self, fields: dict[str, Any]) -> None:
        stored = record_after(self._before, "interaction", (), fields)
        if self._before is not Before.ANYTHING:
            self._before = Before.ROW if stored else Before.ANYTHING

    def _start(self) -> dict[str, Any]:
        if self._is_entered:
            self._begin()
        self._is_entered = True
        self._created_at = self._fields.get("created_at") or get_now()
        return {**self._fields, "entry_id": self._entry_id, "status": "started"}

    def _identify(self) -> dict[str, Any]:
        known = {**self._fields, "entry_id": self._entry_id}
        if self._before is not Before.ROW:  # whose first entry says when
            known["created_at"] = self._created_at
        return known

    def _finish_unsent(self, error: BaseException) -> dict[str, Any]:
        text = describe_failure(error)[1]
        return {**self._identify(), "status": "error", "error_type": NOT_SENT, "error": text}

    def _finish(self, error: BaseException | None) -> dict[str, Any]:
        if not self._is_answered and not self._texts:
            self._ended_at = time.perf_counter()
        fields = {
            **self._identify(),
            "latency_ms": (self._ended_at - self._started_at) * 1000,
            "first_token_ms": self._first_token_ms,
            "status": "ok",
        }
        if self._texts and "answer" not in self._answer:
            fields["response"] = "".join(self._texts)
        if self._usages:
            fields["usage"] = self._usages
        return fields | self._judge(error) | self._answer

    def _judge(self, error: BaseException | None) -> dict[str, Any]:
        """Say how the call ended; to leave a generator after the answer is no failure."""
        if error is None or (self._is_answered and isinstance(error, GeneratorExit)):
            if self._is_answered or self._texts:
                return {}
            text = "the block ended without an answer"
            return {"status": "error", "error_type": NO_ANSWER, "error": text}
        kind, text = type(error).__name__, ""
        with suppress(*_FOREIGN):
            kind, text = describe_failure(error)
        return {"status": "error", "error_type": kind, "error": text}


if TYPE_CHECKING:

    def observe(**fields: Unpack[ObserveKeywords]) -> Observation:
        """Put a block around one request to a model, and have it recorded."""

else:

    def observe(*unexpected: object, **fields: object) -> Observation:  # noqa: ARG001
        """Put a block around one request to a model, and have it recorded.

        ```python
        with observe(task_id="tidy", model="m", system_prompt=system, user_prompt=question) as call:
            answer = client.chat.completions.create(...)
            call.answer(answer)
        ```

        The call is recorded as `started` before the block and completed after it: with its
        latency, or with the exception that the block raised, which is passed on. `async with`
        writes in a thread. A block that ends without an answer is an error of type `no_answer`.

        Args:
            unexpected: Nothing; whatever is given here is ignored.
            fields: Keywords of `record("interaction", ...)`: `task_id`, and what is known before
                the request; `model` is the requested model, `role` is `llm` unless it is given.

        Returns:
            The block's context manager; its `answer` and `chunk` note what came back.
        """
        return Observation(dict(fields))


async def _run_in_thread(write: Callable[[], None]) -> None:
    """Record in a thread, and come back when that is done, cancelled or not."""
    import asyncio  # noqa: PLC0415 - slow, and here it is loaded

    try:
        future = asyncio.get_running_loop().run_in_executor(None, copy_context().run, write)
    except RuntimeError:  # another kind of event loop, or one whose threads are gone
        write()
        return
    await _settle(future)


async def _settle(future: "Future[None]") -> None:
    from asyncio import CancelledError, shield  # noqa: PLC0415

    cancellation: CancelledError | None = None
    while not future.done():
        try:
            await shield(future)
        except CancelledError as error:
            cancellation = error
    if cancellation is not None:
        raise cancellation

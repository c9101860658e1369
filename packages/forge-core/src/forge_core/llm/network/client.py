"""One request over the network.

The library's import takes seconds, so `forge_core.llm.calls` imports this when a model is called.
It is used below its agents, one HTTP request for one call: nothing is sent again, and nothing is
added to the prompts.

See D43 and D77.
"""

import asyncio
from collections.abc import Callable
from typing import TypeVar

import httpx2
from pydantic_ai.direct import model_request, model_request_stream
from pydantic_ai.messages import ModelResponse

from forge_core.llm.arrival import Arrival
from forge_core.llm.model_name import split_model
from forge_core.llm.network.answer import (
    build_answer,
    build_wreck,
    count_chars,
    count_seamed,
    is_silent,
)
from forge_core.llm.network.exchange import Exchange
from forge_core.llm.network.failures import as_model_failure
from forge_core.llm.network.http_client import build_http_client
from forge_core.llm.network.models import build_model
from forge_core.llm.network.settings import (
    build_message,
    build_parameters,
    build_settings,
    fit_settings,
)
from forge_core.llm.network.stream_end import check_end
from forge_core.llm.network.whole_answer import count_calls, join_pieces, mend_completion
from forge_core.llm.request import ModelAnswer, ModelRequest
from forge_core.llm.servers.known_addresses import note_answer
from forge_core.llm.servers.known_dialects import build_first_dialect

Partial = Callable[[], ModelResponse]
"""Returns what has been read of a stream so far."""

Asked = TypeVar("Asked")
"""What a way of asking gives."""


async def request_over_network(
    request: ModelRequest, arrival: Arrival | None = None
) -> ModelAnswer:
    """Send one request to a provider and return what came back, whole or cut off.

    Each request has an HTTP client of its own, closed with it: a call takes seconds, a connection
    milliseconds, and no state outlives the event loop.

    Args:
        request: What is asked.
        arrival: Filled with what arrives, while it does.

    Raises:
        ModelFailure: There is no answer.
    """
    dialect = request.dialect or build_first_dialect(request)
    return await _Request(Exchange(request, dialect, arrival or Arrival())).send()


class _Request:
    """A request, and what the library has read of its response."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange
        self._partial: Partial | None = None
        self._whole = ""
        exchange.arrival.find_answer = self._find_wreck

    async def send(self) -> ModelAnswer:
        """Send the request and return its answer; raises a `ModelFailure`."""
        exchange = self._exchange
        with as_model_failure(exchange, self._find_wreck):
            async with (
                asyncio.timeout(exchange.request.longest_s),
                build_http_client(exchange.hooks, exchange.request.timeout_s) as http,
            ):
                response = await self._obtain(http)
            note_answer(exchange.request)
            return build_answer(exchange, response)

    async def _obtain(self, http: httpx2.AsyncClient) -> ModelResponse:
        """Read an answer as it was asked for; one that came as a whole is read as what it is."""
        exchange = self._exchange
        try:
            is_stream = exchange.dialect.stream
            response = await (self._read_stream(http) if is_stream else self._ask(http))
        except Exception:
            self._whole = self._find_whole()
            if not self._whole:
                raise
        else:
            if is_stream and not exchange.is_whole:
                check_end(exchange, response)
            self._whole = self._find_whole(response)
            if not self._whole:
                return response
        self._partial = None
        if exchange.is_whole:
            exchange.first_token_at = None
        async with httpx2.AsyncClient(transport=httpx2.MockTransport(self._replay)) as again:
            return await self._ask(again)

    def _find_whole(self, response: ModelResponse | None = None) -> str:
        """Return the document that the library has to read instead; empty where it need not.

        Args:
            response: What it has read; None where it failed.
        """
        exchange = self._exchange
        body, is_stream = exchange.body or "", exchange.dialect.stream
        model = split_model(exchange.request.model)[1]
        if exchange.is_whole:
            mended = mend_completion(body, model)
            return mended if is_stream or mended != body else ""
        if not is_stream or response is None:
            return ""
        seamed = count_seamed(response)
        if not (seamed or is_silent(response)):
            return ""
        joined = join_pieces(body)
        return mend_completion(joined, model) if count_calls(joined) > seamed or not seamed else ""

    async def _read_stream(self, http: httpx2.AsyncClient) -> ModelResponse:
        async with self._call(model_request_stream, http) as stream:
            self._partial = stream.get
            async for event in stream:
                chars = count_chars(event)
                if chars:
                    self._exchange.note_piece(chars)
            return stream.get()

    async def _ask(self, http: httpx2.AsyncClient) -> ModelResponse:
        return await self._call(model_request, http)

    def _call(self, ask: Callable[..., Asked], http: httpx2.AsyncClient) -> Asked:
        """Call the library, in either of its two ways, with all that is asked."""
        request, dialect = self._exchange.request, self._exchange.dialect
        model = build_model(request.model, http)
        return ask(
            model,
            [build_message(request)],
            model_settings=fit_settings(build_settings(request, dialect), model),
            model_request_parameters=build_parameters(request, dialect),
        )

    def _replay(self, _: httpx2.Request) -> httpx2.Response:
        """Return the response that has come already."""
        headers = {"content-type": "application/json"}
        return httpx2.Response(200, headers=headers, content=self._whole.encode())

    def _find_wreck(self) -> ModelAnswer | None:
        try:
            partial = self._partial() if self._partial is not None else None
        except Exception:
            partial = None
        return build_wreck(self._exchange, partial)

"""A client of the AWS library whose requests go through ours.

The library works in threads and would send by a client of its own. Its documented event before
sending lets a handler answer in its stead.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator
from typing import Any

import boto3
import httpx2
from botocore import exceptions
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.config import Config

NOT_FORWARDED = frozenset({"content-encoding", "content-length", "transfer-encoding"})
"""Headers that say how a body came, which is whole and plain by now."""


def build_botocore_client(service: str, http: httpx2.AsyncClient) -> Any:  # noqa: ANN401 - untyped
    """Build the client of a service, which sends each request once and through another client.

    Credentials and region are found as the library finds them.
    """
    config = Config(retries={"total_max_attempts": 1})
    client = boto3.client(service, config=config)
    sender = _Sender(http, asyncio.get_running_loop())
    client.meta.events.register("before-send.*", sender.send)
    return client


class _Sender:
    """Sends requests of threads in the event loop."""

    def __init__(self, http: httpx2.AsyncClient, loop: asyncio.AbstractEventLoop) -> None:
        self._http = http
        self._loop = loop

    def send(self, request: AWSPreparedRequest, **_: object) -> AWSResponse:
        """Send a request of the library; called in a thread."""
        body: Any = request.body  # JSON, as bytes, in all that is asked here
        forwarded = self._http.build_request(
            request.method, request.url, headers=dict(request.headers.items()), content=body
        )
        try:
            response = self._wait(self._http.send(forwarded, stream=True))
        except httpx2.TransportError as error:
            raise _translate(error, request.url) from error
        headers: Any = {
            name: value for name, value in response.headers.items() if name not in NOT_FORWARDED
        }
        return AWSResponse(request.url, response.status_code, headers, _Body(response, self._wait))

    def _wait(self, work: Any) -> Any:  # noqa: ANN401 - any result
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()


class _Body:
    """A response's bytes for a thread, in the form in which the library reads them."""

    def __init__(self, response: httpx2.Response, wait: Any) -> None:  # noqa: ANN401 - see above
        self._response = response
        self._wait = wait

    def stream(self, **_: object) -> Iterator[bytes]:
        """Return the chunks as they come."""
        if self._response.is_stream_consumed:  # by a hook, which has read the whole
            yield self._response.content
            return
        chunks = self._response.aiter_bytes()
        while (chunk := self._take(chunks)) is not None:
            yield chunk

    def close(self) -> None:
        """Close the response."""
        self._wait(self._response.aclose())

    def _take(self, chunks: AsyncIterator[bytes]) -> bytes | None:
        try:
            taken: bytes | None = self._wait(_get_next(chunks))
        except httpx2.TransportError as error:
            raise _translate(error, str(self._response.url)) from error
        return taken


async def _get_next(chunks: AsyncIterator[bytes]) -> bytes | None:
    return await anext(chunks, None)


def _translate(error: httpx2.TransportError, url: str) -> exceptions.BotoCoreError:
    """Return the library's error that means the same."""
    if isinstance(error, httpx2.ConnectTimeout | httpx2.PoolTimeout):
        return exceptions.ConnectTimeoutError(endpoint_url=url, error=error)
    if isinstance(error, httpx2.TimeoutException):
        return exceptions.ReadTimeoutError(endpoint_url=url, error=error)
    if isinstance(error, httpx2.ConnectError):
        return exceptions.EndpointConnectionError(endpoint_url=url, error=error)
    return exceptions.HTTPClientError(error=error)

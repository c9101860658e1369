"""A client of the older httpx, which some libraries still want, that sends through ours."""

from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager

import httpx
import httpx2


def build_legacy_client(http: httpx2.AsyncClient) -> httpx.AsyncClient:
    """Build a client that sends all its requests through another."""
    times = http.timeout
    timeout = httpx.Timeout(
        connect=times.connect, read=times.read, write=times.write, pool=times.pool
    )
    return httpx.AsyncClient(transport=_Transport(http), timeout=timeout)


class _Transport(httpx.AsyncBaseTransport):
    def __init__(self, http: httpx2.AsyncClient) -> None:
        self._http = http

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send the other library's request by our client."""
        forwarded = httpx2.Request(
            request.method,
            str(request.url),
            headers=request.headers.raw,
            content=await request.aread(),
            extensions={"timeout": request.extensions["timeout"]},
        )
        with _translating():
            response = await self._http.send(forwarded, stream=True)
        return httpx.Response(
            response.status_code, headers=response.headers.raw, stream=_Body(response)
        )


class _Body(httpx.AsyncByteStream):
    """The bytes of a response as they come, still compressed."""

    def __init__(self, response: httpx2.Response) -> None:
        self._response = response

    async def __aiter__(self) -> AsyncIterator[bytes]:
        with _translating():
            if self._response.is_stream_consumed:  # by a hook, which has read the whole
                yield self._response.content
                return
            async for chunk in self._response.aiter_raw():
                yield chunk

    async def aclose(self) -> None:
        """Close the response of our client."""
        await self._response.aclose()


@contextmanager
def _translating() -> Iterator[None]:
    """Raise an error of our client as the other's of the same name."""
    try:
        yield
    except httpx2.TransportError as error:
        kind = getattr(httpx, type(error).__name__, httpx.TransportError)
        raise kind(str(error)) from error

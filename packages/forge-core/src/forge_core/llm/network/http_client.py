"""The HTTP client of one request.

Whatever library a provider has, its request goes through this client, so that every response is
seen and kept, certificates and proxies are the same for all, and no library waits longer for a
connection than we do. See D76.
"""

import ssl
from collections.abc import Callable
from functools import cache
from typing import Any

import httpx2

CONNECT_TIMEOUT_S = 10.0
"""Seconds within which a connection must stand."""

Hooks = dict[str, list[Callable[..., Any]]]
"""What an HTTP client is to call, and when."""


def build_http_client(hooks: Hooks, timeout_s: float) -> httpx2.AsyncClient:
    """Build the client of a request, to be closed with it."""
    return httpx2.AsyncClient(
        verify=_tls_context(),
        timeout=httpx2.Timeout(timeout_s, connect=CONNECT_TIMEOUT_S),
        event_hooks={**hooks, "request": [_bound_connecting, *hooks.get("request", [])]},
    )


async def _bound_connecting(request: httpx2.Request) -> None:
    """Bound the wait for a connection, to which libraries give as much time as to an answer."""
    timeout = request.extensions.get("timeout")
    if isinstance(timeout, dict):
        connect = timeout.get("connect")
        bounded = CONNECT_TIMEOUT_S if connect is None else min(connect, CONNECT_TIMEOUT_S)
        request.extensions = {**request.extensions, "timeout": {**timeout, "connect": bounded}}


@cache
def _tls_context() -> ssl.SSLContext:
    """Load the certificates once; it takes tens of milliseconds."""
    return httpx2.create_ssl_context()

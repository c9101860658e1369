"""What the library raises, and what that is to us."""

import json
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import httpx2
from pydantic_ai import exceptions

from forge_core.llm.error_body import read_message
from forge_core.llm.errors import (
    NOT_SENT,
    QUOTED_LENGTH,
    FailureKind,
    ModelFailure,
    explain_failure,
)
from forge_core.llm.network.exchange import Exchange
from forge_core.llm.network.stream_end import CUT, StreamCut, is_cut
from forge_core.llm.request import ModelAnswer
from forge_core.llm.servers.address import (
    Address,
    Reply,
    find_foreign_protocol,
    find_foreign_reply,
)
from forge_core.llm.servers.known_addresses import find_address, has_answered
from forge_core.llm.servers.refusal import find_refused_parameter, is_too_long

FAILURES: tuple[tuple[type[Exception], FailureKind], ...] = (
    (exceptions.ModelQuotaExceededError, "quota"),
    (exceptions.ModelRateLimitError, "rate_limited"),
    (exceptions.ModelUnavailableError, "overloaded"),
    (exceptions.ModelServerError, "server_error"),
    (exceptions.ModelRequestTimeout, "timeout"),
    (exceptions.ModelTimeoutError, "timeout"),
    (exceptions.ModelConnectionError, "connection"),
    (exceptions.ModelContextWindowExceededError, "context_too_long"),
    (exceptions.ModelAuthenticationError, "authentication"),
    (exceptions.ModelNotFoundError, "not_found"),
    (exceptions.ModelHTTPError, "rejected"),
    (exceptions.ModelAPIError, "malformed_response"),
    (exceptions.ContentFilterError, "refused"),
    (exceptions.UnexpectedModelBehavior, "malformed_response"),
    (exceptions.UserError, "not_configured"),
    (StreamCut, "connection"),
    (httpx2.InvalidURL, "not_configured"),
    (httpx2.TimeoutException, "timeout"),
    (httpx2.TransportError, "connection"),
    # A body that is JSON but nothing else that was promised fails wherever it is taken apart.
    (AssertionError, "malformed_response"),
    (AttributeError, "malformed_response"),
    (LookupError, "malformed_response"),
    (ImportError, "not_configured"),  # a proxy of a kind that needs another package
    (TimeoutError, "timeout"),
    (OSError, "not_configured"),  # certificates that SSL_CERT_FILE names and nobody has
    (RuntimeError, "malformed_response"),
    (TypeError, "malformed_response"),
    (ValueError, "malformed_response"),
)
"""What the library raises and what that is to us; the first that fits counts."""

STATUSES: dict[int, FailureKind] = {
    401: "authentication",
    402: "quota",
    403: "authentication",
    404: "not_found",
    408: "timeout",
    413: "context_too_long",
    429: "rate_limited",
    500: "server_error",
    502: "server_error",
    503: "overloaded",
    504: "server_error",
    529: "overloaded",
}
"""HTTP statuses: those to which the library gives no class, or that stand in a successful body."""

OF_THE_LIBRARY = frozenset({408, 413})
"""Statuses of responses to which the library gives no class of their own."""

UNCONNECTED = (httpx2.ConnectError, httpx2.ConnectTimeout)
"""Raised where there is no connection, so that nothing was sent."""


@contextmanager
def as_model_failure(
    exchange: Exchange, find_wreck: Callable[[], ModelAnswer | None]
) -> Iterator[None]:
    """Raise what the library raises as a `ModelFailure`, with what came back of the request.

    Args:
        exchange: The request.
        find_wreck: Returns what came back, where something did.
    """
    try:
        yield
    except tuple(kind for kind, _ in FAILURES) as error:
        raise _build_failure(exchange, error, find_wreck()) from error
    except Exception as error:
        if not exchange.sent_at:
            error.add_note(NOT_SENT)
        raise


def _build_failure(exchange: Exchange, error: Exception, wreck: ModelAnswer | None) -> ModelFailure:
    kind, why = _diagnose(exchange, error)
    status, body = exchange.status, exchange.body
    refused = None
    if kind in {"rejected", "server_error", "not_found"} and body is not None:
        refused = find_refused_parameter(status or 400, body, exchange.sent)
    elif kind == "not_configured" and exchange.dialect.output_mode == "json_schema":
        refused = "response_format"  # the library knows of none
    return ModelFailure(
        kind,
        # What is said of an address has its status.
        explain_failure(exchange.request, kind, None if why else status, body, why or error),
        retry_after_s=getattr(error, "retry_after", None),
        answer=wreck,
        refused=refused,
    )


def _diagnose(exchange: Exchange, error: Exception) -> tuple[FailureKind, str | None]:
    """Return what a failure is, and why, where our own words are better than the provider's."""
    address = find_address(exchange.request)
    if exchange.response is None:
        return _diagnose_silence(address, error)
    if exchange.is_stalled:
        silence_s = exchange.request.stall_timeout_s
        return "stalled", f"no bytes came for {silence_s:g} s in the middle of the answer"
    if isinstance(error, StreamCut):
        return "connection", str(error)
    body = exchange.body or ""
    reply = Reply(
        exchange.response.status_code,
        exchange.content_type,
        body,
        exchange.response.headers.get("location", ""),
    )
    why = find_foreign_reply(address, reply)
    if why is not None:
        return "wrong_address", why
    status = exchange.status
    if status is None:
        kind = _read_inner_status(body)
        if kind == "rejected":  # by a server that means something else by such a request
            said = (read_message(body) or "an error without a word")[:QUOTED_LENGTH]
            return kind, f"{said} (HTTP 200); {address.describe()}"
        if kind is not None:
            return kind, None
    elif is_too_long(status, body):
        return "context_too_long", None
    if status in OF_THE_LIBRARY:
        return STATUSES[status], None
    return _diagnose_break(exchange, error)


def _diagnose_break(exchange: Exchange, error: Exception) -> tuple[FailureKind, str | None]:
    """Return what a failure is that ended a response which had begun."""
    kind = _classify(error)
    is_half = kind == "malformed_response" and exchange.is_stream and is_cut(exchange.body or "")
    if exchange.status is None and is_half:
        return "connection", CUT
    if exchange.status is None and kind == "timeout":
        return kind, f"the answer was not complete after {exchange.request.timeout_s:g} s"
    if exchange.status is None and kind == "connection":
        return kind, str(list(_walk_causes(error))[-1]) or None
    return kind, None


def _diagnose_silence(address: Address, error: Exception) -> tuple[FailureKind, str | None]:
    """Return what a failure is to which no response came."""
    causes = list(_walk_causes(error))
    why = find_foreign_protocol(address, causes)
    if why is not None:
        return "wrong_address", why
    if any(isinstance(cause, ssl.SSLCertVerificationError) for cause in causes):
        return "not_configured", f"{causes[-1]}; SSL_CERT_FILE may name a file of certificates"
    if any(isinstance(cause, UNCONNECTED) for cause in causes) and not has_answered(address):
        reason = str(causes[-1]) or type(causes[-1]).__name__
        return "unreachable", f"{address.describe()}, where nothing answers ({reason}); {NOT_SENT}"
    kind = _classify(error)
    return ("rejected" if kind == "malformed_response" else kind), None


def _walk_causes(error: BaseException | None) -> Iterator[BaseException]:
    """List an exception and what it came of, to the first cause."""
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        error = error.__cause__ or error.__context__


def _read_inner_status(body: str) -> FailureKind | None:
    """Return what an error is that came with a status of success; None for no such error.

    Gateways send one so when they began to answer before the server behind them failed.
    """
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        return None
    error = document.get("error") if isinstance(document, dict) else None
    if not error:
        return None
    code = str(error.get("code")) if isinstance(error, dict) else ""
    number = int(code) if code.isdecimal() and len(code) == 3 else 400
    return STATUSES.get(number, "server_error" if number >= 500 else "rejected")


def _classify(error: Exception) -> FailureKind:
    return next(kind for type_, kind in FAILURES if isinstance(error, type_))

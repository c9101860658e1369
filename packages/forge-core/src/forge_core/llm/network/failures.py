"""What the library raises, and what that is to us."""

from collections.abc import Iterator
from contextlib import contextmanager

import httpx2
from pydantic_ai import exceptions

from forge_core.llm.errors import NOT_SENT, FailureKind, ModelFailure, explain_failure
from forge_core.llm.network.exchange import Exchange

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
    (httpx2.InvalidURL, "not_configured"),
    # A body that is JSON but nothing else that was promised fails wherever it is taken apart.
    (AssertionError, "malformed_response"),
    (AttributeError, "malformed_response"),
    (LookupError, "malformed_response"),
    (ImportError, "not_configured"),  # a proxy of a kind that needs another package
    (OSError, "not_configured"),  # certificates that SSL_CERT_FILE names and nobody has
    (RuntimeError, "malformed_response"),
    (TypeError, "malformed_response"),
    (ValueError, "malformed_response"),
)
"""What the library raises and what that is to us; the first that fits counts."""

STATUSES: dict[int, FailureKind] = {
    **dict.fromkeys(range(300, 400), "rejected"),  # redirects are not followed, with keys and all
    408: "timeout",
    413: "context_too_long",
}
"""HTTP statuses to which the library gives no class of their own."""


@contextmanager
def as_model_failure(exchange: Exchange) -> Iterator[None]:
    """Raise what the library raises as a `ModelFailure`, with what came back of the request."""
    try:
        yield
    except tuple(kind for kind, _ in FAILURES) as error:
        kind = STATUSES.get(exchange.status or 0) or _classify(error)
        if exchange.body is None and kind == "malformed_response":
            kind = "rejected"  # the request itself cannot be sent
        raise ModelFailure(
            kind,
            explain_failure(exchange.request, kind, exchange.status, exchange.body, error),
            retry_after_s=getattr(error, "retry_after", None),
            answer=exchange.describe_wreck(),
        ) from error
    except Exception as error:
        if not exchange.sent_at:
            error.add_note(NOT_SENT)
        raise


def _classify(error: Exception) -> FailureKind:
    return next(kind for type_, kind in FAILURES if isinstance(error, type_))

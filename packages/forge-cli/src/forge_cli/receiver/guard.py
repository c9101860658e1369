"""Who may send: nobody else's web page, and nobody without the token; pure.

A page that a browser shows can post to the loopback interface, and by a name that its owner points
there (DNS rebinding) even as if it came from there. Browsers tell on it: by `Origin` and
`Sec-Fetch-Site`, which no exporter sends, and by the name in `Host`.
"""

import hmac
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from ipaddress import ip_address

from forge_cli.receiver.refusal import Code, Refusal

_HOST = re.compile(r"(?:\[(?P<v6>[^\]]*)\]|(?P<name>[^:]*))(?::[0-9]*)?")


@dataclass(frozen=True, slots=True)
class Guard:
    """Whom a receiver listens to.

    Attributes:
        is_loopback: Whether only this machine reaches it, so that any other name in `Host` is one
            that somebody else chose.
        token: What senders must know; None where the loopback interface is guard enough.
    """

    is_loopback: bool
    token: str | None = field(default=None, repr=False)

    def check(self, headers: Iterable[tuple[bytes, bytes]]) -> None:
        """Check the head of a request.

        Args:
            headers: Names in lower case.

        Raises:
            Refusal: It is not to be carried out.
        """
        pairs = tuple(headers)
        if any(name == b"origin" for name, _ in pairs):
            raise _forbid("web pages may not send here (the request has an Origin header)")
        if any(name == b"sec-fetch-site" and value.lower() != b"none" for name, value in pairs):
            raise _forbid("web pages may not send here (the request has Sec-Fetch-Site)")
        if self.is_loopback:
            _check_host([value for name, value in pairs if name == b"host"])
        self.check_token([value for name, value in pairs if name == b"authorization"])

    def check_token(self, values: Iterable[bytes]) -> None:
        """Check what a sender shows of the token, in a time that says nothing of it.

        Raises:
            Refusal: It does not know it.
        """
        if self.token is None:
            return
        expected = self.token.encode()
        if not any(hmac.compare_digest(_read_bearer(value), expected) for value in values):
            raise Refusal(
                401,
                Code.UNAUTHENTICATED,
                "the token is missing or another one: set OTEL_EXPORTER_OTLP_HEADERS to "
                "authorization=Bearer%20TOKEN",
                {"www-authenticate": "Bearer"},
            )


def is_loopback_name(host: str) -> bool:
    """Return whether a name can only mean this machine."""
    name = host.lower().removesuffix(".")
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        return ip_address(name).is_loopback
    except ValueError:
        return False


def _check_host(values: list[bytes]) -> None:
    if len(values) != 1:
        raise Refusal(400, Code.INVALID_ARGUMENT, "the request needs one Host header")
    host = _HOST.fullmatch(values[0].decode("latin-1").strip())
    if host is None or not is_loopback_name(host["v6"] or host["name"] or ""):
        raise _forbid("the Host header must name this machine: localhost or 127.0.0.1")


def _read_bearer(value: bytes) -> bytes:
    scheme, _, token = value.strip().partition(b" ")
    return token.strip() if scheme.lower() == b"bearer" else b""


def _forbid(message: str) -> Refusal:
    return Refusal(403, Code.PERMISSION_DENIED, message)

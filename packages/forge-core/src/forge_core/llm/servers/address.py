"""Whether what answered is a model server at all, and what to do about the address; pure."""

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import urlsplit

ENDPOINTS = re.compile(r"/(chat/completions|completions|responses|messages|models|embeddings)/?$")
"""Ends of addresses that are those of one interface, not of the server."""

API_NAMES = frozenset(
    {"candidates", "choices", "completion", "content", "created", "data", "error", "id", "message"}
    | {"model", "object", "output", "response", "results", "stop_reason", "type", "usage"}
)
"""Names on the outside of what model servers answer; a document with none is another service's."""

NO_TLS = ("WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE", "UNKNOWN_PROTOCOL", "wrong version")
"""What OpenSSL says where the other side speaks no TLS."""

NO_HTTP = ("illegal", "malformed", "not a valid", "can't handle event type", "bad status line")
"""What the client says where the other side speaks no HTTP."""

TLS_EXPECTED = ("plain http request was sent to https", "http request to an https server")
"""What web servers say to plain HTTP on a port for TLS."""

TITLE = re.compile(r"<title[^>]*>(.*?)</title>", re.DOTALL | re.IGNORECASE)

QUOTED_LENGTH = 80
"""Characters of a foreign service's words."""


@dataclass(frozen=True, slots=True)
class Address:
    """Where a provider is reached, and which variable says so."""

    url: str
    variable: str
    default: str
    """The provider's own address."""

    def describe(self) -> str:
        """Name the variable with its value; credentials in it are left out."""
        shown = hide_credentials(self.url) or "the provider's own address"
        return f"{self.variable} is {shown}" if self.url != self.default else f"{shown} is asked"


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back."""

    status: int
    content_type: str
    body: str
    location: str = ""


def hide_credentials(url: str) -> str:
    """Return an address without the user and password that it may hold."""
    parts = urlsplit(url)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()


def find_foreign_reply(address: Address, reply: Reply) -> str | None:
    """Say what answered, where that is no model server, and what to do; None where it may be one.

    Args:
        address: Where the request went.
        reply: What came back.
    """
    if 300 <= reply.status < 400:
        where = hide_credentials(reply.location) if reply.location else "nowhere"
        base = ENDPOINTS.sub("", where)
        told = f"{address.describe()}, which redirects to {where} (HTTP {reply.status})"
        return f"{told}: set {address.variable} to {'that' if base == where else base}"
    answer = _describe_foreign(reply)
    if answer is None:
        return None
    return f"{address.describe()}, {answer}: {advise(address, reply.body)}"


def find_foreign_protocol(address: Address, errors: Iterable[BaseException]) -> str | None:
    """Say why no response could come from an address that will not do later either.

    Args:
        address: Where the request was to go.
        errors: What the client raised, from the outermost to its first cause.
    """
    words = [f"{type(error).__name__} {error}" for error in errors]
    if any(sign in line for line in words for sign in NO_TLS):
        return f"{address.describe()}, where no TLS is spoken: try http:// instead of https://"
    broken = (line.lower() for line in words if line.startswith("RemoteProtocolError"))
    if any(sign in line for line in broken for sign in NO_HTTP):
        other = "https://" if address.url.startswith("http://") else "another port"
        return f"{address.describe()}, where no HTTP is spoken: try {other}"
    return None


def advise(address: Address, body: str = "") -> str:
    """Say what is the most likely mistake in an address."""
    url = address.url.rstrip("/")
    if any(sign in body.lower() for sign in TLS_EXPECTED):
        return f"set {address.variable} to https://{hide_credentials(url).partition('://')[2]}"
    end = ENDPOINTS.search(url)
    if end:
        return f"leave {end.group(0)} off {address.variable}"
    path = urlsplit(address.default).path.rstrip("/")
    if path and not urlsplit(url).path.rstrip("/").endswith(path):
        return f"{address.variable} usually ends in {path}"
    return f"check {address.variable}"


def _describe_foreign(reply: Reply) -> str | None:
    text = reply.body.strip()
    kind = f"HTTP {reply.status}"
    if any(sign in text.lower() for sign in TLS_EXPECTED):
        return f"which expects TLS ({kind})"
    if reply.status >= 400 and reply.status not in {404, 405}:
        return None
    if "html" in reply.content_type or text[:1] == "<":
        title = TITLE.search(text)
        name = f" “{_shorten(title.group(1))}”" if title and title.group(1).strip() else ""
        return f"which answers with a web page{name} ({kind})"
    if reply.status in {404, 405}:
        return None if "model" in text.lower() else f"which has no such interface ({kind})"
    return _describe_document(reply, text, kind)


def _describe_document(reply: Reply, text: str, kind: str) -> str | None:
    """Describe a successful response that no model server gives."""
    if not text or "stream" in reply.content_type:
        return None
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        # Half a document of a model server's is a broken connection.
        if "json" in reply.content_type or text[:1] in "{[":
            return None
        return f"which answers with “{_shorten(text)}” ({kind})"
    if isinstance(document, dict) and document and API_NAMES.isdisjoint(document):
        return f"which answers with “{_shorten(text)}” ({kind})"
    return None


def _shorten(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= QUOTED_LENGTH else line[:QUOTED_LENGTH] + "…"

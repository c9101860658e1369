"""What answers at a wrong address is named, with the variable and the most likely mistake."""

import pytest
from forge_core.llm.servers.address import (
    Address,
    Reply,
    find_foreign_protocol,
    find_foreign_reply,
)

DEFAULT = "https://api.openai.com/v1"
HTML = "text/html"
JSON = "application/json"


def at(url: str) -> Address:
    return Address(url, "OPENAI_BASE_URL", DEFAULT)


@pytest.mark.parametrize(
    ("url", "reply", "said"),
    [
        (
            "http://h:1",
            Reply(200, HTML, "<html><title>Welcome\n to nginx!</title></html>"),
            (
                "OPENAI_BASE_URL is http://h:1, which answers with a web page “Welcome to nginx!” "
                "(HTTP 200): OPENAI_BASE_URL usually ends in /v1"
            ),
        ),
        (
            "http://h:1/v1/chat/completions",
            Reply(404, JSON, '{"detail":"Not Found"}'),
            (
                "OPENAI_BASE_URL is http://h:1/v1/chat/completions, which has no such interface "
                "(HTTP 404): leave /chat/completions off OPENAI_BASE_URL"
            ),
        ),
        (
            "http://h:1/v1",
            Reply(301, "", "", "https://u:p@h/v1/"),
            (
                "OPENAI_BASE_URL is http://h:1/v1, which redirects to https://h/v1/ (HTTP 301): "
                "set OPENAI_BASE_URL to that"
            ),
        ),
        (
            "http://user:secret@h:1/v1",
            Reply(400, "text/plain", "Client sent an HTTP request to an HTTPS server.\n"),
            (
                "OPENAI_BASE_URL is http://h:1/v1, which expects TLS (HTTP 400): "
                "set OPENAI_BASE_URL to https://h:1/v1"
            ),
        ),
        (
            "http://h:1/v1",
            Reply(200, JSON, '{"cluster_name": "search", "tagline": "You Know"}'),
            (
                "OPENAI_BASE_URL is http://h:1/v1, which answers with "
                '“{"cluster_name": "search", "tagline": "You Know"}” (HTTP 200): '
                "check OPENAI_BASE_URL"
            ),
        ),
        (
            "http://h:1/v1",
            Reply(308, "", "", "https://h/v1/chat/completions"),
            (
                "OPENAI_BASE_URL is http://h:1/v1, which redirects to "
                "https://h/v1/chat/completions (HTTP 308): set OPENAI_BASE_URL to https://h/v1"
            ),
        ),
        (
            "http://h:1/v1",
            Reply(200, "text/plain", "OK"),
            (
                "OPENAI_BASE_URL is http://h:1/v1, which answers with “OK” (HTTP 200): "
                "check OPENAI_BASE_URL"
            ),
        ),
        (
            DEFAULT,
            Reply(200, HTML, "<p>Log in to the hotel's network"),
            f"{DEFAULT} is asked, which answers with a web page (HTTP 200): check OPENAI_BASE_URL",
        ),
    ],
    ids=["html", "endpoint", "redirect", "tls", "json", "redirected-endpoint", "text", "portal"],
)
def test_foreign_service_is_named(url: str, reply: Reply, said: str) -> None:
    assert find_foreign_reply(at(url), reply) == said


@pytest.mark.parametrize(
    "reply",
    [
        Reply(200, JSON, '{"choices": []}'),
        Reply(200, JSON, '{"id": "x", "choi'),
        Reply(200, JSON, ""),
        Reply(200, "text/event-stream", ": nothing yet"),
        Reply(404, JSON, '{"error": {"message": "The model `x` does not exist"}}'),
        Reply(502, HTML, "<html>Bad Gateway</html>"),
        Reply(401, HTML, "<html>"),
        Reply(500, JSON, "{}"),
    ],
    ids=["answer", "cut", "empty", "stream", "model", "gateway", "key", "fault"],
)
def test_model_server_is_no_foreign_service(reply: Reply) -> None:
    assert find_foreign_reply(at("http://h:1/v1"), reply) is None


class RemoteProtocolError(Exception):
    """As the client's own is called."""


@pytest.mark.parametrize(
    ("url", "error", "said"),
    [
        (
            "https://h:1/v1",
            OSError("[SSL: WRONG_VERSION_NUMBER] wrong version number"),
            (
                "OPENAI_BASE_URL is https://h:1/v1, where no TLS is spoken: "
                "try http:// instead of https://"
            ),
        ),
        (
            "http://h:1/v1",
            RemoteProtocolError("illegal status line: bytearray(b'SSH-2.0')"),
            "OPENAI_BASE_URL is http://h:1/v1, where no HTTP is spoken: try https://",
        ),
        ("http://h:1/v1", RemoteProtocolError("Server disconnected without a response"), None),
        ("http://h:1/v1", OSError("illegal"), None),
    ],
    ids=["no-tls", "ssh", "disconnected", "other"],
)
def test_foreign_protocol_is_named(url: str, error: Exception, said: str | None) -> None:
    assert find_foreign_protocol(at(url), [ValueError("outer"), error]) == said

"""A server on the loopback interface that speaks the wires of the other providers.

It replies to every request alike, and keeps them all.
"""

import json
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

import pytest
from support.provider_wires import Answer, Document, Response, render
from support.waiting import DEADLINE_S

VARIABLES: Mapping[str, str] = {
    "openrouter": "OPENROUTER_BASE_URL",
    "google": "GOOGLE_GEMINI_BASE_URL",
    "mistral": "MISTRAL_BASE_URL",
    "groq": "GROQ_BASE_URL",
    "cohere": "CO_BASE_URL",
    "bedrock": "AWS_ENDPOINT_URL_BEDROCK_RUNTIME",
    "xai": "XAI_BASE_URL",
    "deepseek": "DEEPSEEK_BASE_URL",
}
"""Variables for the address of each provider that is served."""

KEYS: Mapping[str, str] = {
    "OPENROUTER_API_KEY": "key-of-openrouter",
    "GOOGLE_API_KEY": "key-of-google",
    "MISTRAL_API_KEY": "key-of-mistral",
    "GROQ_API_KEY": "key-of-groq",
    "CO_API_KEY": "key-of-cohere",
    "AWS_ACCESS_KEY_ID": "name-of-the-key",
    "AWS_SECRET_ACCESS_KEY": "key-of-bedrock",
    "AWS_DEFAULT_REGION": "eu-west-1",
    "XAI_API_KEY": "key-of-xai",
    "DEEPSEEK_API_KEY": "key-of-deepseek",
}


@dataclass(frozen=True, slots=True)
class Refusal:
    """An error response; `{key}` in it is the key that was sent."""

    status: int
    body: str
    headers: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Request:
    """One request as it came."""

    path: str
    headers: Mapping[str, str]
    """Names in lower case."""
    body: Document

    @property
    def key(self) -> str:
        """The key that was sent; AWS signs with the key and sends its name."""
        named = self.headers.get("x-goog-api-key") or self.headers.get("authorization", "")
        return named.removeprefix("Bearer ")


class ProviderServer:
    """Runs while its `with` block does, and replies to every request alike."""

    def __init__(self, reply: Answer | Refusal) -> None:
        self.reply = reply
        self.requests: list[Request] = []
        self._http = _Server(("127.0.0.1", 0), _Handler)
        self._http.owner = self
        self._thread = threading.Thread(
            target=self._http.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True
        )

    @property
    def environment(self) -> dict[str, str]:
        """Variables that point every provider here."""
        url = f"http://127.0.0.1:{self._http.server_address[1]}"
        return {**dict.fromkeys(VARIABLES.values(), url), **KEYS}

    def configure(self, patch: pytest.MonkeyPatch) -> None:
        """Point the providers of this process here."""
        for name, value in self.environment.items():
            patch.setenv(name, value)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._http.shutdown()
        self._http.server_close()
        self._thread.join(DEADLINE_S)

    def answer(self, request: Request) -> tuple[int, Mapping[str, str], Response]:
        """Keep a request and choose what is replied."""
        self.requests.append(request)
        if isinstance(self.reply, Refusal):
            body = self.reply.body.replace("{key}", request.key).encode()
            return self.reply.status, self.reply.headers, Response(body)
        return 200, {}, render(request.path, request.body, self.reply)


class _Server(ThreadingHTTPServer):
    owner: ProviderServer
    daemon_threads = True


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def do_POST(self) -> None:
        length = int(self.headers.get("content-length") or 0)
        headers = {name.lower(): value for name, value in self.headers.items()}
        body = json.loads(self.rfile.read(length))
        status, more, response = self.server.owner.answer(Request(self.path, headers, body))
        self.send_response(status)
        for name, value in more.items():
            self.send_header(name, value)
        self.send_header("content-type", response.content_type)
        self.send_header("content-length", str(len(response.body)))
        self.end_headers()
        self.wfile.write(response.body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base's name
        """Say nothing."""

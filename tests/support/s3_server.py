"""A bucket on loopback that speaks as much of S3 as the driver needs."""

from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Self


class S3Server:
    """Runs while its `with` block does; `objects` holds what was put, by path."""

    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}
        self._http = _Server(("127.0.0.1", 0), _Handler)
        self._http.objects = self.objects
        self._thread = Thread(target=self._http.serve_forever, args=(0.02,), daemon=True)

    @property
    def environment(self) -> dict[str, str]:
        """The variables that lead a client here."""
        return {
            "AWS_ENDPOINT_URL": f"http://127.0.0.1:{self._http.server_address[1]}",
            "AWS_ACCESS_KEY_ID": "key",
            "AWS_SECRET_ACCESS_KEY": "secret",
            "AWS_DEFAULT_REGION": "eu-central-1",
            "AWS_REQUEST_CHECKSUM_CALCULATION": "when_required",
            "AWS_EC2_METADATA_DISABLED": "true",
        }

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._http.shutdown()
        self._thread.join()
        self._http.server_close()


class _Server(ThreadingHTTPServer):
    objects: dict[str, bytes]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - as its base has it
        """Say nothing."""

    def do_PUT(self) -> None:
        """Keep an object."""
        length = int(self.headers["Content-Length"])
        self.server.objects[self.path.partition("?")[0]] = self.rfile.read(length)
        self._reply(HTTPStatus.OK, b"")

    def do_GET(self) -> None:
        """Give an object."""
        found = self.server.objects.get(self.path.partition("?")[0])
        if found is None:
            self._reply(HTTPStatus.NOT_FOUND, b"<Error><Code>NoSuchKey</Code></Error>")
        else:
            self._reply(HTTPStatus.OK, found)

    def do_HEAD(self) -> None:
        """Tell whether there is an object."""
        known = self.path.partition("?")[0] in self.server.objects
        self._reply(HTTPStatus.OK if known else HTTPStatus.NOT_FOUND, b"")

    def _reply(self, status: HTTPStatus, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

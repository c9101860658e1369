"""A receiver of OTLP over HTTP on the loopback interface, which reads by the published formats."""

import gzip
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

FORMATS: Mapping[str, Any] = {
    "/v1/traces": ExportTraceServiceRequest,
    "/v1/metrics": ExportMetricsServiceRequest,
    "/v1/logs": ExportLogsServiceRequest,
}


@dataclass(frozen=True)
class Point:
    """A histogram of one set of attributes."""

    metric: str
    unit: str
    attributes: Mapping[str, Any]
    count: int
    sum: float
    bounds: tuple[float, ...]


class OTLPReceiver:
    """Runs while its `with` block does.

    Args:
        refused: Paths that it answers with 404, as what takes traces only does.
    """

    def __init__(self, *refused: str) -> None:
        self.refused = refused
        self.received: list[tuple[str, Any]] = []
        self._http = _Server(("127.0.0.1", 0), _Handler)
        self._http.owner = self
        self._thread = threading.Thread(
            target=self._http.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True
        )

    @property
    def url(self) -> str:
        """What `OTEL_EXPORTER_OTLP_ENDPOINT` is set to."""
        return f"http://127.0.0.1:{self._http.server_address[1]}"

    @property
    def spans(self) -> list[Any]:
        """All spans, in the order in which they came."""
        return [
            span
            for resource in self._read("/v1/traces", "resource_spans")
            for scope in resource.scope_spans
            for span in scope.spans
        ]

    @property
    def scopes(self) -> set[str]:
        """Names of the instrumentations."""
        resources = self._read("/v1/traces", "resource_spans")
        return {scope.scope.name for resource in resources for scope in resource.scope_spans}

    @property
    def resources(self) -> list[dict[str, Any]]:
        """What each batch of metrics says of its process."""
        found = self._read("/v1/metrics", "resource_metrics")
        return [read_attributes(resource.resource) for resource in found]

    @property
    def points(self) -> list[Point]:
        """All histograms, in the order in which they came."""
        return [
            Point(
                metric.name,
                metric.unit,
                read_attributes(point),
                point.count,
                point.sum,
                tuple(point.explicit_bounds),
            )
            for resource in self._read("/v1/metrics", "resource_metrics")
            for scope in resource.scope_metrics
            for metric in scope.metrics
            for point in metric.histogram.data_points
        ]

    @property
    def events(self) -> list[Any]:
        """All log records, in the order in which they came."""
        return [
            record
            for resource in self._read("/v1/logs", "resource_logs")
            for scope in resource.scope_logs
            for record in scope.log_records
        ]

    def _read(self, path: str, resources: str) -> Iterator[Any]:
        for received, message in self.received:
            if received == path:
                yield from getattr(message, resources)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        where: TracebackType | None,
    ) -> None:
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()


def read_attributes(holder: Any) -> dict[str, Any]:
    """Read the attributes of a span, a point, a record or a resource."""
    return {pair.key: read_value(pair.value) for pair in holder.attributes}


def read_value(value: Any) -> Any:
    """Read a value of any type."""
    kind = value.WhichOneof("value")
    if kind == "array_value":
        return [read_value(item) for item in value.array_value.values]
    if kind == "kvlist_value":
        return {pair.key: read_value(pair.value) for pair in value.kvlist_value.values}
    return None if kind is None else getattr(value, kind)


class _Server(ThreadingHTTPServer):
    owner: OTLPReceiver


class _Handler(BaseHTTPRequestHandler):
    server: _Server

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        if self.headers.get("content-encoding") == "gzip":
            body = gzip.decompress(body)
        owner = self.server.owner
        if self.path in owner.refused:
            self.send_response(404)
        else:
            owner.received.append((self.path, FORMATS[self.path].FromString(body)))
            self.send_response(200)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - as there
        pass

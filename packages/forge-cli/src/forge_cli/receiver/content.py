"""What a body holds: unpacked and parsed; pure."""

from dataclasses import dataclass, field
from typing import Final, NamedTuple

from forge_obs.otel import Batch, MalformedBody, Signal, read_logs, read_traces

from forge_cli.receiver.compression import unpack
from forge_cli.receiver.refusal import build_malformed

SERVICE_NAME: Final = "service.name"


@dataclass(frozen=True, slots=True)
class Body:
    """What one request sent.

    Attributes:
        signal: What it is about.
        is_json: Whether it is JSON, else protobuf.
        encoding: How it is compressed.
    """

    signal: Signal
    is_json: bool
    encoding: str
    content: bytes | bytearray = field(repr=False)


class Summary(NamedTuple):
    """What is told of a body.

    Attributes:
        services: Names of the programs that it is of.
        rejected: Spans or log records that could not be read.
        reason: Why, in a line; empty if all could.
    """

    spans: int
    events: int
    services: tuple[str, ...]
    rejected: int
    reason: str


def read_body(body: Body, most_bytes: int) -> Batch:
    """Read a body.

    Args:
        body: As it was sent.
        most_bytes: How large it may be when it is unpacked.

    Raises:
        Refusal: Nothing of it can be read.
    """
    content = unpack(body.content, body.encoding, most_bytes)
    read = read_traces if body.signal == "traces" else read_logs
    try:
        return read(content, is_json=body.is_json)
    except MalformedBody as error:
        raise build_malformed(str(error)) from None


def summarize(batch: Batch) -> Summary:
    """Say what a body holds."""
    sources = [s.source for s in batch.spans] + [e.source for e in batch.events]
    names = {source.resource.get(SERVICE_NAME) for source in {id(s): s for s in sources}.values()}
    services = tuple(name for name in names if isinstance(name, str))
    return Summary(len(batch.spans), len(batch.events), services, batch.rejected, batch.reason)

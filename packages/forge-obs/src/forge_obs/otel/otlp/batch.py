"""What a body held, and the rules that each of its spans must keep to, in whatever encoding."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from forge_obs.otel.spans import Attributes, LogEvent, SpanData

MOST_SPANS: Final = 50_000
"""Spans or log records of one body; senders put some hundreds into one."""

MOST_GROUPS: Final = 50_000
"""Resources and scopes of one body."""

EVENT_NAME: Final = "event.name"
"""The attribute that names a log record's event in older versions of the protocol."""

GEN_AI: Final = "gen_ai."
"""What the names of events begin with that are of a call."""

_TRACE_ID: Final = re.compile("[0-9a-f]{32}")
_SPAN_ID: Final = re.compile("[0-9a-f]{16}")
_REASONS: Final = 3


class MalformedBody(ValueError):
    """Nothing can be read of a body; the message says why, and quotes nothing of it."""


class Unusable(ValueError):
    """A span or a log record cannot be kept; the message says why."""


@dataclass(frozen=True, slots=True)
class Batch:
    """What a body held.

    Attributes:
        rejected: Spans or log records that could not be read.
        reason: Why, in a line; empty if all could.
    """

    spans: Sequence[SpanData] = ()
    events: Sequence[LogEvent] = ()
    rejected: int = 0
    reason: str = ""


@dataclass
class Collection:
    """What has been read of a body so far."""

    spans: list[SpanData] = field(default_factory=list)
    events: list[LogEvent] = field(default_factory=list)
    seen: int = 0
    groups: int = 0
    reasons: Counter[str] = field(default_factory=Counter)

    def reject(self, reason: object) -> None:
        """Count what could not be read."""
        self.reasons[str(reason)] += 1

    def open_group(self) -> None:
        """Count a resource or a scope.

        Raises:
            MalformedBody: There are too many.
        """
        self.groups += 1
        if self.groups > MOST_GROUPS:
            raise MalformedBody(f"more than {MOST_GROUPS} resources and scopes in one body")

    def admit(self) -> None:
        """Count a span or a log record before it is read.

        Raises:
            Unusable: There are too many.
        """
        self.seen += 1
        if self.seen > MOST_SPANS:
            raise Unusable(f"more than {MOST_SPANS} in one body")

    def finish(self) -> Batch:
        """Return what was read."""
        reasons = [f"{number}: {why}" for why, number in self.reasons.most_common(_REASONS)]
        more = ["…"] if len(self.reasons) > _REASONS else []
        return Batch(
            tuple(self.spans), tuple(self.events), self.reasons.total(), "; ".join(reasons + more)
        )


def check_ids(trace_id: str, span_id: str) -> None:
    """Check ids in lower case, as the W3C defines them.

    Raises:
        Unusable: One has another length, or is all zeros, which stands for none.
    """
    if _TRACE_ID.fullmatch(trace_id) is None:
        raise Unusable("trace id is not 16 bytes in hexadecimal digits")
    if _SPAN_ID.fullmatch(span_id) is None:
        raise Unusable("span id is not 8 bytes in hexadecimal digits")
    if not trace_id.strip("0") or not span_id.strip("0"):
        raise Unusable("trace id or span id is all zeros")


def choose_parent(span_id: str) -> str | None:
    """Return the id of a parent, if it is one."""
    return span_id if _SPAN_ID.fullmatch(span_id) and span_id.strip("0") else None


def choose_event_name(name: str, attributes: Attributes) -> str:
    """Return the name of a log record's event; empty if it is an ordinary line of a log."""
    older = attributes.get(EVENT_NAME)
    return name or (older if isinstance(older, str) else "")


def keep_event(event: LogEvent, collection: Collection) -> None:
    """Keep a log record that names an event; one of no call need not belong to a span.

    Raises:
        Unusable: It tells of a call, and not of which.
    """
    if not event.name:
        return
    try:
        check_ids(event.trace_id, event.span_id)
    except Unusable as error:
        if event.name.startswith(GEN_AI):
            raise Unusable(f"event without its span: {error}") from None
        return
    collection.events.append(event)

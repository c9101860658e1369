"""What a span tells of a request that failed. Pure."""

from collections.abc import Mapping
from typing import Final

from forge_obs.model.failures import LONGEST, classify_told
from forge_obs.otel.conventions.attributes import LONGEST_TEXT, SpanFacts
from forge_obs.otel.spans import SpanData

UNNAMED: Final = "error"
"""Kind of a failure of which nothing is told."""

_NO_NAMES: Final = frozenset({"_OTHER", ""})


def read_failure(facts: SpanFacts, span: SpanData) -> dict[str, object] | None:
    """Return the status of a request that failed, with kind and text; None for any other."""
    given = facts.texts.get("error_type", "")
    if not (span.is_error or given):
        return None
    exception = _find_exception(span)
    named = _read(exception, "exception.type")
    said = _read(exception, "exception.message") or span.status_message[:LONGEST]
    kind = classify_told(filter(None, (named, given)), said, facts.http_status)
    name = (named or given).rpartition(".")[2]
    name = "" if name in _NO_NAMES else name
    if kind and said and name and not said.startswith(name):  # else the kind is the name
        said = f"{name}: {said}"
    return {
        "status": "error",
        "error_type": kind or name[:LONGEST_TEXT] or UNNAMED,
        "error": said[:LONGEST] or (name if kind else None) or None,
    }


def _find_exception(span: SpanData) -> Mapping[str, object]:
    """Return what the last exception of a span tells."""
    events = (event for event in reversed(span.events) if event.name == "exception")
    return next((event.attributes for event in events), {})


def _read(attributes: Mapping[str, object], name: str) -> str:
    value = attributes.get(name)
    return value[:LONGEST] if isinstance(value, str) else ""

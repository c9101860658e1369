"""What a provider says of a request besides its answer, out of the body as it came. Pure.

The library keeps a part of it, in its own words; the record keeps all, in the provider's.
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from forge_core.llm.request import Reported

USAGES = ("usage", "usageMetadata", "usage_metadata")
HOLDERS = ("response", "message")
"""Where events of a stream keep what a whole answer has at its top."""

IDS = ("id", "responseId", "response_id")
TIERS = ("service_tier", "serviceTier")

REQUEST_IDS = ("x-request-id", "request-id", "x-amzn-requestid", "apim-request-id")
"""Headers with the id of a request, as providers name them."""

LONGEST_ID = 200
"""Characters of an id that are kept."""


def read_report(body: str, headers: Mapping[str, str]) -> Reported:
    """Read what a response reports; whatever is not there stays unknown.

    Args:
        body: The whole body: a document, or the events of a stream.
        headers: Of the response; names in lower case, or in any if the mapping takes that.
    """
    usages: list[dict[str, Any]] = []
    texts: dict[str, str] = {}
    for document in list_documents(body):
        for place in (document, *(document.get(name) for name in HOLDERS)):
            if isinstance(place, dict):
                _collect(place, usages, texts)
    request_id = next((headers[name] for name in REQUEST_IDS if headers.get(name)), None)
    return Reported(
        usage=usages[:1] + usages[1:][-1:],
        service_tier=texts.get("tier"),
        response_id=texts.get("id"),
        request_id=request_id[:LONGEST_ID] if request_id else None,
    )


def _collect(place: dict[str, Any], usages: list[dict[str, Any]], texts: dict[str, str]) -> None:
    usages += [place[name] for name in USAGES if isinstance(place.get(name), dict)]
    for name in IDS:
        if isinstance(place.get(name), str):
            texts.setdefault("id", place[name][:LONGEST_ID])
    for name in TIERS:
        if isinstance(place.get(name), str):
            texts["tier"] = place[name][:LONGEST_ID]  # what was asked for, until the end says more


def list_documents(body: str) -> Iterator[dict[str, Any]]:
    """List what a body says: one document, or the events of a stream."""
    whole = _parse(body)
    if whole is not None:
        yield whole
        return
    for line in body.splitlines():
        document = _parse(line.removeprefix("data:").strip()) if "{" in line else None
        if document is not None:
            yield document


def _parse(text: str) -> dict[str, Any] | None:
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return document if isinstance(document, dict) else None

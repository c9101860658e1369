"""What a span tells that has no column, bounded, for `extra_json`. Pure."""

from collections.abc import Mapping
from itertools import islice
from math import isfinite
from typing import Final

from forge_obs.model.sanitize import clean_text
from forge_obs.otel.conventions.attributes import SpanFacts
from forge_obs.otel.spans import Source

MOST_OTHERS: Final = 40
LONGEST_OTHER: Final = 300
"""How long a text among them may be, in characters; of a longer one, the beginning is kept."""

_RESOURCE: Final = (
    "service.name",
    "service.namespace",
    "service.version",
    "service.instance.id",
    "deployment.environment.name",
    "deployment.environment",
    "telemetry.sdk.language",
)


def collect_leftovers(facts: SpanFacts, source: Source, name: str) -> dict[str, object]:
    """Collect the name of a span, who made it, and the attributes that are read for nothing."""
    resource = source.resource
    known: dict[str, object] = {
        "span": name[:LONGEST_OTHER],
        "scope": source.scope[:LONGEST_OTHER],
        "scope_version": source.scope_version[:LONGEST_OTHER],
        "provider": facts.texts.get("provider"),
        "resource": _keep({n: resource[n] for n in _RESOURCE if n in resource}),
        "attributes": _keep(facts.others),
    }
    return {"otel": {name: value for name, value in known.items() if value}}


def _keep(values: Mapping[str, object]) -> dict[str, object]:
    kept: dict[str, object] = {}
    for name, value in islice(values.items(), MOST_OTHERS * 10):
        short = _shorten(value)
        if short not in (None, "", []):
            kept[name] = short
        if len(kept) == MOST_OTHERS:
            break
    return kept


def _shorten(value: object) -> object:
    if isinstance(value, str):
        return value if len(value) <= LONGEST_OTHER else value[:LONGEST_OTHER] + "…"
    if isinstance(value, float):
        return value if isfinite(value) else None
    if isinstance(value, int):
        return value if -(2**63) <= value < 2**63 else clean_text(value)[0]
    if isinstance(value, list | tuple):
        items = [_shorten(item) for item in value[:10] if not isinstance(item, list | tuple | dict)]
        return [item for item in items if item is not None]
    return None

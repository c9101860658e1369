"""Validating what commands print against the published JSON Schemas."""

import json
from functools import cache
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator, FormatChecker

SCHEMA = Path(__file__).parents[2] / "docs" / "reference" / "documents.schema.json"


def validate(name: str, document: dict[str, Any]) -> None:
    """Fail unless a document is what its definition says, and holds no key besides."""
    validate_part(f"document_{name}", document)


def validate_part(name: str, part: object) -> None:
    """Do the same for a part of a document."""
    _build_validator(name).validate(part)


@cache
def _build_validator(name: str) -> Draft202012Validator:
    alone = {"$ref": f"#/$defs/{name}", "$defs": _load_definitions()}
    return Draft202012Validator(alone, format_checker=FormatChecker())


@cache
def _load_definitions() -> Any:
    """Load the definitions, checked once: that takes a second."""
    schema = json.loads(SCHEMA.read_text(encoding="utf-8"))
    Draft202012Validator.check_schema(schema)
    return _close(schema["$defs"])


def _close(schema: Any) -> Any:
    """Forbid keys that are not described, so that a new one has to be."""
    if isinstance(schema, list):
        return [_close(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    closed = {key: _close(part) for key, part in schema.items()}
    if isinstance(closed.get("properties"), dict) and closed.get("type") == "object":
        closed.setdefault("additionalProperties", False)
    return closed

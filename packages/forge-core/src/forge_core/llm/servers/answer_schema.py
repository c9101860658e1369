"""The JSON Schema that an answer is to fit, as servers are told of it; pure.

Servers that hold an answer to a grammar obey its patterns. Reading an answer heeds none of them:
what Forge takes of paths and ids is for their own checks to say.

See D88.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import BaseModel

from forge_core.models.ids import ID_PATTERN

Schema = dict[str, Any]

PATTERN = "pattern"
"""The keyword, by which a refusal of it is known too."""

ID = f"^{ID_PATTERN.pattern}$"

PATH = r'^[^/"\\\x00-\x1f][^"\\\x00-\x1f]*$'
"""A path from the repository's root.

Without quotation marks and backslashes, since some servers read a pattern as one of the JSON text.
"""

PATTERNS: Mapping[str, str] = {
    "step_id": ID,
    "sub_task_id": ID,
    "file_path": PATH,
    "new_path": PATH,
    "target_files": PATH,
    "context_files": PATH,
    "deletions": PATH,
}
"""Names of fields, or of lists of them, to what they look like."""


def build_schema(output: type[BaseModel], *, patterns: bool = True) -> Schema:
    """Build the schema of an answer.

    Args:
        output: What the answer has to fit.
        patterns: Whether it says what ids and paths look like.
    """
    schema = output.model_json_schema(mode="serialization")
    if patterns:
        for name, field in _list_fields(schema):
            if name in PATTERNS:
                field.get("items", field)[PATTERN] = PATTERNS[name]
    return schema


def _list_fields(schema: Schema) -> Iterator[tuple[str, Schema]]:
    for part in (schema, *schema.get("$defs", {}).values()):
        yield from part.get("properties", {}).items()

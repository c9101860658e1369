"""Writing scripts for the scripted model."""

import json
from pathlib import Path
from typing import Any


def answer(path: str = "hello.py", content: str = 'GREETING = "hello"\n') -> dict[str, Any]:
    """Return an answer with one file."""
    return {"files": [{"file_path": path, "content": content}], "explanation": "done"}


def write_script(path: Path, *entries: dict[str, Any]) -> str:
    """Write a script and return the model that it makes."""
    path.write_text(json.dumps({"answers": entries}))
    return f"scripted:{path}"

"""What an answer says, without its form, and which files it makes use of; pure.

It is read without the models of the engine, which take longer to import than a run to analyse.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from posixpath import splitext
from typing import Any

from forge_obs import Interaction

from forge_cli.views.json_text import load_json, load_object

CHANGED, IMPORTED, NAMED = "changed", "imported", "named"
"""Uses that an answer makes of a file."""

CHANGED_KEYS = frozenset({"file_path", "new_path"})
"""Keys of an answer that name a file which it changes."""

UNCHANGED_KEYS = frozenset({"untouched", "context_request"})
"""Keys of an answer that name files which it does not change."""

SELECTION_KEYS = frozenset({"target_files", "context_files"})
"""Keys of a plan that choose what steps are shown: that is no use of a file."""

PYTHON_IMPORT = re.compile(
    r"^[ \t]*(?:from[ \t]+([\w.]+)[ \t]+import[ \t]+([\w ,]+)|import[ \t]+([\w., ]+))", re.MULTILINE
)
"""The module and the names of one statement, or the modules of the other."""

PATH_IMPORT = re.compile(r"\b(?:from|require\(|import\(?)\s*[\"']([./@\w-]+)[\"']")
"""An import of JavaScript or TypeScript."""


@dataclass(frozen=True, slots=True)
class AnswerText:
    """What an answer says, without its form."""

    text: str
    changed_paths: frozenset[str]
    requested_paths: frozenset[str]
    """Files that it asked for instead of answering."""
    modules: frozenset[str]
    """Dotted names of what it imports."""

    def list_uses(self, path: str) -> Iterator[str]:
        """List what the answer did with a file."""
        if path in self.changed_paths:
            yield CHANGED
        if any(_is_module(path, module) for module in self.modules):
            yield IMPORTED
        if path in self.requested_paths or (
            path not in self.changed_paths and _names(self.text, path)
        ):
            yield NAMED

    def needs(self, path: str) -> bool:
        """Return whether the answer asked for more of a file, or changed it."""
        return path in self.changed_paths or path in self.requested_paths


def read_answer(call: Interaction) -> AnswerText:
    """Read what an answer says, whatever its form."""
    response = call.response or ""
    try:
        document = load_json(response)
    except ValueError:
        document = response
    text = "\n".join(_list_strings(document))
    return AnswerText(
        text,
        frozenset(_list_changed(document)),
        frozenset(_list_requested(response)),
        frozenset(_list_modules(text)),
    )


def _list_strings(document: Any) -> Iterator[str]:  # noqa: ANN401 - JSON is anything
    if isinstance(document, str):
        yield document
    elif isinstance(document, list):
        for item in document:
            yield from _list_strings(item)
    elif isinstance(document, Mapping):
        for key, item in document.items():
            if key not in SELECTION_KEYS:
                yield from _list_strings(item)


def _list_changed(document: Any) -> Iterator[str]:  # noqa: ANN401
    if isinstance(document, list):
        for item in document:
            yield from _list_changed(item)
    elif isinstance(document, Mapping):
        for key, value in document.items():
            if key in CHANGED_KEYS and isinstance(value, str):
                yield value
            elif key == "deletions" and isinstance(value, list):
                yield from (path for path in value if isinstance(path, str))
            elif key not in UNCHANGED_KEYS:
                yield from _list_changed(value)


def _list_requested(response: str) -> Iterator[str]:
    if "context_request" not in response:
        return
    request = load_object(response).get("context_request")
    files = request.get("files") if isinstance(request, dict) else None
    yield from (f for f in (files if isinstance(files, list) else ()) if isinstance(f, str))


def _list_modules(text: str) -> Iterator[str]:
    for module, names, plain in PYTHON_IMPORT.findall(text):
        if plain:
            yield from _split(plain)
            continue
        package = module.strip(".")
        yield package
        yield from (f"{package}.{name}".strip(".") for name in _split(names))
    for path in PATH_IMPORT.findall(text):
        yield re.sub(r"\.\w+$", "", path.lstrip("./@")).replace("/", ".")


def _split(names: str) -> Iterator[str]:
    """List imported names, each without what it is called here."""
    return (name.split()[0] for name in names.split(",") if name.strip())


def _is_module(path: str, module: str) -> bool:
    """Return whether a module's name is that of a file, seen from any directory above it."""
    parts = splitext(path)[0].split("/")
    if parts and parts[-1] in {"__init__", "index"}:
        parts = parts[:-1]
    dotted = ".".join(parts)
    return bool(module) and (dotted == module or dotted.endswith(f".{module}"))


def _names(text: str, path: str) -> bool:
    return re.search(rf"(?<![\w./-]){re.escape(path)}(?![\w-])", text) is not None

"""Scripted models: answers from a file, for demonstrations and tests, never invented."""

import json
from pathlib import Path

from forge_core.llm.errors import ModelFailure
from forge_core.llm.request import ModelAnswer, ModelRequest
from forge_core.llm.script import Script, ScriptedEntry, choose_entry, describe_labels, parse_script
from forge_core.models.llm import CallUsage


def load_script(path: Path) -> Script:
    """Read a script from its file.

    Raises:
        ModelFailure: It cannot be read or is not valid.
    """
    try:
        return parse_script(path.read_bytes())
    except OSError as error:
        raise ModelFailure("not_configured", f"script {path}: {error.strerror}") from error
    except ValueError as error:
        raise ModelFailure("not_configured", f"script {path}: {error}") from error


def answer_from_script(path: Path, request: ModelRequest) -> ModelAnswer:
    """Answer a request from a script, with no tokens counted; the file is read each time.

    Raises:
        ModelFailure: The script has no answer for this request, or plays a failure.
    """
    entry = choose_entry(load_script(path), request.labels)
    if entry is None:
        asked = describe_labels(request.labels)
        raise ModelFailure("no_scripted_answer", f"script {path} has no answer for {asked}")
    if entry.error is not None:
        error = entry.error
        raise ModelFailure(error.kind, error.message, retry_after_s=error.retry_after_s)
    usage = CallUsage(
        model_name=f"scripted:{path.stem}", finish_reason=entry.finish_reason, origin="scripted"
    )
    return ModelAnswer(_write_answer(entry), usage)


def _write_answer(entry: ScriptedEntry) -> str:
    if entry.text is not None:
        return entry.text
    return json.dumps(entry.answer, ensure_ascii=False, separators=(",", ":"))

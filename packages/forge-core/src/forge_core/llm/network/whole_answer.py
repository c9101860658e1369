"""A chat completion as servers send it, in the form that the library reads; pure.

Servers that speak OpenAI's format leave out or nullify what says nothing of the answer: ids, the
moment, a call's type, the reason why it ended. What says something is never made up.
"""

import json
from collections.abc import Mapping
from typing import Any

from forge_core.llm.answers.lenient_json import NotJSON, parse_strict


def mend_completion(body: str, model: str) -> str:
    """Return the body of a chat completion with all that the library insists on.

    Args:
        body: As it was sent; returned as it is where it is no chat completion, or lacks nothing.
        model: The model that was asked, for a server that does not name the one that answers.
    """
    try:
        document = parse_strict(body)
    except NotJSON:
        return body
    choices = document.get("choices") if isinstance(document, dict) else None
    if not isinstance(document, dict) or not isinstance(choices, list):
        return body
    defaults = {"id": "none", "object": "chat.completion", "created": 0, "model": model}
    mended = [_mend_choice(one, number) for number, one in enumerate(choices)]
    whole = {**_fill(document, defaults), "choices": mended}
    return body if whole == document else json.dumps(whole)


def _mend_choice(choice: object, number: int) -> object:
    if not isinstance(choice, Mapping) or not isinstance(choice.get("message"), Mapping):
        return choice
    message = _fill(choice["message"], {"role": "assistant"})
    calls = message.get("tool_calls")
    if not calls and isinstance(message.get("function_call"), Mapping):
        calls = [{"function": message["function_call"]}]
    if isinstance(calls, list):
        mended = [_mend_call(call, place) for place, call in enumerate(calls)]
        said = [call for call in mended if not _is_silent(call)]
        # A call without arguments says nothing where the text does.
        message["tool_calls"] = (said if message.get("content") else mended) or None
    reason = choice.get("finish_reason") or None
    return {**_fill(choice, {"index": number}), "message": message, "finish_reason": reason}


def _mend_call(call: object, place: int) -> object:
    if not isinstance(call, Mapping) or not isinstance(call.get("function"), Mapping):
        return call
    function = _fill(call["function"], {"name": "none", "arguments": ""})
    if not isinstance(function["arguments"], str):
        function["arguments"] = json.dumps(function["arguments"], ensure_ascii=False)
    return {**_fill(call, {"id": f"call_{place}", "type": "function"}), "function": function}


def _is_silent(call: object) -> bool:
    function = call.get("function") if isinstance(call, Mapping) else None
    return isinstance(function, Mapping) and not function.get("arguments")


def _fill(said: Mapping[str, Any], defaults: Mapping[str, Any]) -> dict[str, Any]:
    """Put a default in the place of what is missing or null."""
    return {**said, **{key: value for key, value in defaults.items() if said.get(key) is None}}

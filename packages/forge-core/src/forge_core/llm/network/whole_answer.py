"""A chat completion as servers send it, in the form that the library reads; pure.

Servers that speak OpenAI's format leave out or nullify what says nothing of the answer: ids, the
moment, a call's type, the reason why it ended. What says something is never made up.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from forge_core.llm.answers.lenient_json import NotJSON, parse_strict
from forge_core.llm.report import list_documents


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


def join_pieces(body: str) -> str:
    """Put the pieces of a streamed chat completion together; empty where it is none.

    Pieces that lack what the library goes by (a name, the word for a piece) are passed over there,
    and calls that a server gives one index are one there.
    """
    said: dict[str, Any] = {"content": ""}
    calls: list[dict[str, Any]] = []
    rest: dict[str, Any] = {}
    for document in list_documents(body):
        rest |= {key: value for key, value in document.items() if value and key != "choices"}
        choices = document.get("choices")
        for choice in choices if isinstance(choices, list) else ():
            if isinstance(choice, Mapping):
                said["finish_reason"] = choice.get("finish_reason") or said.get("finish_reason")
                _add_piece(choice.get("delta") or choice.get("message"), said, calls)
    if not calls and not said["content"]:
        return ""
    message = {"content": said["content"] or None, "tool_calls": _list_calls(calls)}
    choice = {"message": message, "finish_reason": said.get("finish_reason")}
    return json.dumps({**rest, "object": None, "choices": [choice]})


def count_calls(completion: str) -> int:
    """Return how many calls a completion holds that was put together of pieces."""
    message = json.loads(completion)["choices"][0]["message"] if completion else {}
    return len(message.get("tool_calls") or ())


def _add_piece(piece: object, said: dict[str, Any], calls: list[dict[str, Any]]) -> None:
    if not isinstance(piece, Mapping):
        return
    if isinstance(piece.get("content"), str):
        said["content"] += piece["content"]
    parts = piece.get("tool_calls") or [{"function": piece.get("function_call")}]
    for part in parts if isinstance(parts, list) else ():
        function = part.get("function") if isinstance(part, Mapping) else None
        if isinstance(function, Mapping):
            call = _find_call(part, calls)
            arguments = function.get("arguments") or ""
            call["name"] = call["name"] or function.get("name") or ""
            call["arguments"] += arguments if isinstance(arguments, str) else json.dumps(arguments)


def _find_call(part: Mapping[str, Any], calls: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the call that a piece goes on with, or begins.

    It begins one where it has an id of its own and what came before is whole: there are servers
    that give each piece another id.
    """
    index, identity = part.get("index", 0), part.get("id")
    latest = next((call for call in reversed(calls) if call["index"] == index), None)
    is_other = latest is not None and identity and latest["id"] and identity != latest["id"]
    if latest is None or (is_other and _is_whole(latest["arguments"])):
        latest = {"index": index, "id": identity, "name": "", "arguments": ""}
        calls.append(latest)
    latest["id"] = latest["id"] or identity
    return latest


def _is_whole(arguments: str) -> bool:
    try:
        parse_strict(arguments)
    except NotJSON:
        return False
    return True


def _list_calls(calls: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]] | None:
    functions = [{"name": call["name"] or None, "arguments": call["arguments"]} for call in calls]
    return [{"function": function} for function in functions] or None


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

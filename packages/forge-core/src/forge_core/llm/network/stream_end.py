"""Whether a stream came to its end, or only stopped."""

import re

from pydantic_ai.messages import ModelResponse

from forge_core.llm.network.exchange import Exchange

ENDS = (
    re.compile(r"^data:\s*\[DONE\]", re.MULTILINE),
    re.compile(r'(?<!\\)"(finish_reason|finishReason|stop_reason|stopReason)"\s*:\s*"\w'),
    re.compile(
        r'(?<!\\)"type"\s*:\s*"(message_stop|message-end|'
        r'response\.(completed|incomplete|failed|cancelled))"'
    ),
)
"""What tells of an end; a quotation mark inside an answer has a backslash before it."""

BEGINNINGS = re.compile(
    r'(?<!\\)"(choices|candidates)"\s*:|"(message_start|message-start|response\.created)"'
    r"|:event-type\W+messageStart"
)
"""What tells that the stream is of an interface whose end is known."""


CUT = "the stream stopped before the end of the answer"


class StreamCut(Exception):
    """A stream stopped before its end."""


def is_cut(body: str) -> bool:
    """Return whether a stream is of an interface whose end is known, and has no end."""
    return not _has_end(body) and BEGINNINGS.search(body) is not None


def check_end(exchange: Exchange, response: ModelResponse) -> None:
    """Check that a stream which is over came to its end.

    A proxy that closes a connection ends the stream for the library too, which takes what has come
    for the answer.

    Args:
        exchange: The request.
        response: What the library made of the stream.

    Raises:
        StreamCut: It did not.
    """
    body = exchange.body or ""
    if is_cut(body) or not (response.parts or _has_end(body)):
        raise StreamCut(CUT)


def _has_end(body: str) -> bool:
    return any(end.search(body) for end in ENDS)

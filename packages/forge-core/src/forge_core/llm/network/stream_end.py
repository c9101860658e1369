"""Whether a stream came to its end, or only stopped."""

import re

from pydantic_ai.messages import ModelResponse

from forge_core.llm.network.exchange import Exchange

ENDS = (
    re.compile(r"^data:\s*\[DONE\]", re.MULTILINE),
    re.compile(r'(?<!\\)"(finish_reason|finishReason|stop_reason)"\s*:\s*"\w'),
    re.compile(r'"type"\s*:\s*"(message_stop|response\.(completed|incomplete|failed|cancelled))"'),
)
"""What tells of an end; a quotation mark inside an answer has a backslash before it."""

BEGINNINGS = re.compile(r'(?<!\\)"(choices|candidates)"\s*:|"(message_start|response\.created)"')
"""What tells that the stream is of an interface whose end is known."""


class StreamCut(Exception):
    """A stream stopped before its end."""


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
    if any(end.search(body) for end in ENDS):
        return
    if BEGINNINGS.search(body) or not response.parts:
        raise StreamCut("the stream stopped before the end of the answer")

"""The process that reads bodies for a receiver: ``python -m forge_cli.receiver.reading_process``.

It has no state but the body at hand. Bodies come, and what they tell goes, over the socket that is
its standard input; it ends when that does, which the system sees to however the receiver ends.

See D99.
"""

import gc
import marshal
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from multiprocessing.connection import Connection
from pathlib import Path
from queue import Queue
from threading import Thread
from typing import Final

from forge_obs.otel import pack

from forge_cli.receiver.content import Body, read_body, summarize
from forge_cli.receiver.refusal import Refusal

READY: Final = b"ready"

READ: Final = "read"
"""How an answer begins where parts follow, and then an end."""

REFUSED: Final = "refused"
UNABLE: Final = "unable"

END: Final = b""
BROKEN_OFF: Final = b"\0"
"""An end where the rest cannot be packed."""

MOST_WAITING: Final = 4
"""How many messages wait to be sent, so that neither process waits for each step of the other."""

YOUNG_OBJECTS: Final = 50_000
"""As in the process of the command."""

LIKELY_KILLED: Final = "500"
"""Where memory is short, this process shall be ended, and not the one that records."""


def main() -> None:
    """Answer bodies until the receiver ends."""
    gc.set_threshold(YOUNG_OBJECTS)
    with suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text(LIKELY_KILLED, encoding="ascii")
    with suppress(EOFError, OSError), _take_socket() as connection, _sending(connection) as outbox:
        outbox.put(READY)
        while True:
            signal, is_json, encoding, most_bytes = marshal.loads(connection.recv_bytes())  # noqa: S302
            body = Body(signal, is_json, encoding, connection.recv_bytes())
            _answer(outbox, body, most_bytes)


def _take_socket() -> Connection:
    """Keep the socket from what a redaction hook reads, or starts."""
    connection = Connection(os.dup(sys.stdin.fileno()))
    nowhere = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nowhere, sys.stdin.fileno())
    os.close(nowhere)
    return connection


@contextmanager
def _sending(connection: Connection) -> Iterator["Queue[bytes]"]:
    """Send what is put into the queue that is yielded, by a thread that ends with the process."""
    outbox: Queue[bytes] = Queue(MOST_WAITING)

    def send_all() -> None:
        """Send messages in their order; after the receiver has ended, drop them."""
        is_open = True
        while True:
            message = outbox.get()
            try:
                if is_open:
                    connection.send_bytes(message)
            except OSError:  # the receiver ended, as `main` finds when it waits for the next body
                is_open = False

    Thread(target=send_all, name="forge-send", daemon=True).start()
    yield outbox


def _answer(outbox: "Queue[bytes]", body: Body, most_bytes: int) -> None:
    try:
        batch = read_body(body, most_bytes)
        head = (READ, *summarize(batch))
        parts = pack(batch.spans, batch.events)
    except Refusal as refusal:
        reason = (refusal.status, int(refusal.code), refusal.message, refusal.headers)
        outbox.put(marshal.dumps((REFUSED, *reason)))
        return
    except Exception:  # the receiver, which has the body, too, finds what it is, and says it
        outbox.put(marshal.dumps((UNABLE,)))
        return
    outbox.put(marshal.dumps(head))
    while True:
        try:
            part = next(parts, END)
        except Exception:
            part = BROKEN_OFF
        outbox.put(part)
        if part in {END, BROKEN_OFF}:
            return


if __name__ == "__main__":
    main()

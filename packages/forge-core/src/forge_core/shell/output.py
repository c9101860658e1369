"""Output within a limit, pure."""


class CappedOutput:
    """The beginning and the end of a stream, however long it is."""

    def __init__(self, limit: int) -> None:
        """Keep at most `limit` bytes."""
        self._head_limit = limit // 4
        self._tail_limit = limit - self._head_limit
        self._head = bytearray()
        self._tail = bytearray()
        self.missing = 0
        """Bytes left out of the middle."""

    def add(self, chunk: bytes) -> None:
        """Take the next bytes."""
        room = self._head_limit - len(self._head)
        self._head += chunk[:room]
        self._tail += chunk[room:]
        surplus = len(self._tail) - self._tail_limit
        if surplus > 0:
            del self._tail[:surplus]
            self.missing += surplus

    def text(self) -> str:
        """Return what was kept; a line in the middle says what is missing."""
        gap = f"\n… {self.missing} bytes left out …\n".encode() if self.missing else b""
        return (self._head + gap + self._tail).decode("utf-8", "backslashreplace")

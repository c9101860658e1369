"""Whether a terminal shows what is typed: a view that is drawn again and again does without."""

import os
import termios
from typing import TextIO

LOCAL_MODES = 3
"""Where `termios.tcgetattr` has the flags that echo is one of."""


class Echo:
    """The echo of a terminal, which is turned off for a while.

    Keys that are typed meanwhile reach whoever reads them next. Nothing happens where this process
    is not in the foreground: changing a terminal would stop it.

    Args:
        stream: The terminal.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._was_on = False

    def turn_off(self) -> None:
        """Show nothing of what is typed from now on."""
        self._was_on = self._set(on=False)

    def restore(self) -> None:
        """Show it again if it was shown before."""
        if self._was_on:
            self._set(on=True)
        self._was_on = False

    def _set(self, *, on: bool) -> bool:
        """Turn the echo on or off; return whether that has changed anything."""
        try:
            terminal = self._stream.fileno()
            if os.tcgetpgrp(terminal) != os.getpgrp():
                return False
            modes = termios.tcgetattr(terminal)
            before = modes[LOCAL_MODES]
            modes[LOCAL_MODES] = before | termios.ECHO if on else before & ~termios.ECHO
            if modes[LOCAL_MODES] == before:
                return False
            termios.tcsetattr(terminal, termios.TCSADRAIN, modes)
        except (OSError, ValueError, termios.error):  # not the terminal of this process, or gone
            return False
        return True

"""A clock for some processes that a test puts on and back, where there is a C compiler."""

import shutil
import subprocess
import sys
from pathlib import Path

HOUR_S = 3600

CAN_BE_MADE = sys.platform == "linux" and shutil.which("cc") is not None
"""Whether this machine has what it takes."""


class Clock:
    """The clock of the processes that are started with its environment.

    What they measure with a steady clock stays as it is.

    Args:
        directory: Where the library is made that stands before the system's.
    """

    def __init__(self, directory: Path) -> None:
        library = directory / "clock.so"
        self._file = directory / "clock"
        self.put(0)
        source = Path(__file__).with_suffix(".c")
        subprocess.run(["cc", "-shared", "-fPIC", "-O1", source, "-o", library, "-ldl"], check=True)
        self.environment = {"LD_PRELOAD": str(library), "CLOCK_FILE": str(self._file)}

    def put(self, hours: int) -> None:
        """Let it be so many hours later than it is, or earlier."""
        mode = "r+b" if self._file.exists() else "wb"
        with self._file.open(mode) as file:
            file.write((hours * HOUR_S).to_bytes(8, sys.byteorder, signed=True))

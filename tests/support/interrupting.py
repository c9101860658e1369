"""A signal at a moment of a test's choice: when a process imports some module."""

import signal
from collections.abc import Mapping
from pathlib import Path

SITE = """
import os, signal, sys

class Interrupting:
    def find_spec(self, name, path=None, target=None):
        if name == {module!r}:
            sys.meta_path.remove(self)
            os.kill(os.getpid(), {number})

# Whoever started the tests may ignore it, as nohup does.
default = signal.default_int_handler if {number} == signal.SIGINT else signal.SIG_DFL
signal.signal({number}, default)
sys.meta_path.insert(0, Interrupting())
"""


def interrupted_at(
    module: str, directory: Path, number: signal.Signals = signal.SIGINT
) -> Mapping[str, str]:
    """Give variables with which Python gets a signal when it begins to import a module."""
    directory.mkdir()
    (directory / "sitecustomize.py").write_text(SITE.format(module=module, number=number.value))
    return {"PYTHONPATH": str(directory)}

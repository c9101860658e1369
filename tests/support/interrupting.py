"""Ctrl-C at a moment of a test's choice: when a process imports some module."""

from collections.abc import Mapping
from pathlib import Path

SITE = """
import os, signal, sys

class Interrupting:
    def find_spec(self, name, path=None, target=None):
        if name == {module!r}:
            sys.meta_path.remove(self)
            os.kill(os.getpid(), signal.SIGINT)

sys.meta_path.insert(0, Interrupting())
"""


def interrupted_at(module: str, directory: Path) -> Mapping[str, str]:
    """Give variables with which Python gets SIGINT when it begins to import a module."""
    directory.mkdir()
    (directory / "sitecustomize.py").write_text(SITE.format(module=module))
    return {"PYTHONPATH": str(directory)}

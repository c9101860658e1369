"""Libraries that take seconds to import, and are when a test uses them.

Each process that tests collects all tests, and runs a part of them.
"""

from importlib import import_module
from typing import Any


class LazyModule:
    """A module that is imported when something of it is asked for.

    Args:
        name: Its dotted name.
    """

    def __init__(self, name: str) -> None:
        self._name = name

    def __getattr__(self, attribute: str) -> Any:
        if attribute.startswith("_"):  # what pytest asks each object of a module that it collects
            raise AttributeError(attribute)
        return getattr(import_module(self._name), attribute)

"""Flight recorder for LLM calls: every interaction in one SQLite file.

`record` and `LLMStats` are what instrumented code needs. Everything else reads or maintains the
store and is imported at first use, so that `import forge_obs` costs next to nothing.
"""

from importlib import import_module
from typing import TYPE_CHECKING

from forge_obs.recorder import record

if TYPE_CHECKING:
    from forge_obs.stats import LLMStats

__all__ = ["LLMStats", "record"]

_LAZY = {"LLMStats": "stats"}

if not TYPE_CHECKING:

    def __getattr__(name: str) -> object:
        if name in _LAZY:
            return getattr(import_module(f"forge_obs.{_LAZY[name]}"), name)
        raise AttributeError(f"module 'forge_obs' has no attribute {name!r}")

"""The redaction hook of this process: set by the program, or named by `FORGE_REDACT`.

A hook is foreign code and may raise anything, hence a broad `except` here: what it fails on is not
written at all.

See D50.
"""

import os
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from importlib import import_module
from typing import TypeAlias

from forge_obs.fork_lock import importing
from forge_obs.model.entries import Entry
from forge_obs.model.redaction.entries import redact_entry

Redact: TypeAlias = Callable[[str], str]
"""Gives a text without what must not be stored."""


@dataclass
class _Choice:
    hook: Redact | None = None


_choice = _Choice()


def set_redact(hook: Redact | None) -> None:
    """Let a function see every text before it is stored, and store what it gives instead.

    It is called in the threads that call `record()`, several times for each entry: with prompts,
    response, explanation, error, model names, each string of the JSON columns and then the whole of
    these, and a run's result. Ids, role, status and origin are not passed through it. A text that
    it raises on, or gives something else than a string for, is not stored; the rest of the row is.

    Args:
        hook: The function; None leaves it to `FORGE_REDACT` again.
    """
    _choice.hook = hook


def redact(entry: Entry, guard: "GuardedHook | None") -> tuple[Entry, str | None]:
    """Pass an entry through a hook, if there is one; tells also why texts were dropped, if so."""
    return (entry, None) if guard is None else (redact_entry(entry, guard), guard.failure)


def redact_text(text: str) -> str | None:
    """Pass a text through the hook of this process, as `record()` does before it writes one.

    For whoever hands texts to something else than the store.

    Returns:
        What the hook gives; the text itself where there is none, and None where the hook has no
        answer: such a text must not be handed on.
    """
    hook = get_hook()
    return text if hook is None else hook(text)


def get_hook() -> "GuardedHook | None":
    """Return the hook of this process so that it never raises; None where there is none.

    The environment is read at each call.
    """
    hook = _choice.hook
    if hook is None:
        name = os.environ.get("FORGE_REDACT")
        hook = _load(name) if name else None
    return None if hook is None else GuardedHook(hook)


@lru_cache(maxsize=8)
def _load(name: str) -> Redact:
    """Import `package.module:function`; what cannot be imported drops every text."""
    module, _, attribute = name.partition(":")
    try:
        with importing():
            hook = getattr(import_module(module), attribute)
    except (Exception, SystemExit) as error:
        return _refusing(f"FORGE_REDACT={name!a} cannot be imported: {type(error).__name__}")
    return hook if callable(hook) else _refusing(f"FORGE_REDACT={name!a} is no function")


def _refusing(reason: str) -> Redact:
    def refuse(_text: str) -> str:
        """Raise for any text: the hook that was named is none."""
        raise _Unusable(reason)

    return refuse


class _Unusable(Exception):
    """There is no hook to ask; the message names no text."""


@dataclass
class GuardedHook:
    """A hook that never raises: it has no answer instead."""

    hook: Redact
    failure: str | None = None
    """Why it had none at last."""

    def __call__(self, text: str) -> str | None:
        """Return what the hook gives for a text; None where that is no text."""
        try:
            redacted: object = self.hook(text)
        except _Unusable as error:
            self.failure = str(error)
            return None
        except (Exception, SystemExit) as error:
            self.failure = f"the redaction hook raised {type(error).__name__}"
            return None
        if isinstance(redacted, str):
            return redacted
        self.failure = f"the redaction hook returned {type(redacted).__name__}, no text"
        return None

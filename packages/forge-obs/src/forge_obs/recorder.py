"""`record()`: the one call that instrumented code makes."""

from typing import Literal, Unpack, overload

from forge_obs.keywords import InteractionKeywords, RunKeywords


@overload
def record(kind: Literal["interaction"], /, **fields: Unpack[InteractionKeywords]) -> bool: ...


@overload
def record(kind: Literal["run"], /, **fields: Unpack[RunKeywords]) -> bool: ...


def record(kind: object = None, /, *unexpected: object, **fields: object) -> bool:
    """Write one entry; never raises."""
    return False

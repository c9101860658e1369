"""The forms that secrets have in a text, by which they are found; pure."""

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Final

from forge_obs.model.redaction.form import Form
from forge_obs.model.redaction.issuers import ISSUED
from forge_obs.model.redaction.places import PLACED

FORMS: Final = (*ISSUED, *PLACED)
"""Secrets that their own form tells. Where two fit at one place, the first counts."""

_NEEDLES: Final = [(form, [(n, n.islower()) for n in form.needles]) for form in FORMS]


def list_forms(text: str) -> tuple[Form, ...]:
    """List the forms that a text can hold, which are few, and thereby fast to look for."""
    small = text.lower()
    return tuple(form for form, needles in _NEEDLES if _holds(text, small, needles))


def _holds(text: str, small: str, needles: Sequence[tuple[str, bool]]) -> bool:
    return any(needle in (small if is_small else text) for needle, is_small in needles)


@lru_cache(maxsize=64)
def compile_forms(forms: tuple[Form, ...]) -> "re.Pattern[str]":
    """Build one pattern of several forms, each a group named by its kind."""
    groups = (f"(?P<{form.kind.replace('-', '_')}>{form.pattern})" for form in forms)
    return re.compile("|".join(groups))

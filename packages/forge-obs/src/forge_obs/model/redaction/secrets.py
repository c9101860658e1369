"""Secrets of known forms in a text, and the pseudonyms that stand for them; pure.

What has no form, a customer's name for instance, is found by nobody but the user's own hook.
"""

import re
from collections import Counter
from dataclasses import dataclass, field
from typing import Final

from forge_obs.model.redaction import names, prose
from forge_obs.model.redaction.anchors import replace_at
from forge_obs.model.redaction.encoded import ENCODED, list_readings
from forge_obs.model.redaction.form import INNER, join_lines
from forge_obs.model.redaction.forms import compile_forms, list_forms

_WORD: Final = re.compile(r"(?<![\w.])[A-Za-z0-9][A-Za-z0-9!#$%&*+^~-]{7,200}+(?![\w@])")
"""What is looked up among the secrets that were met: no names of code, which have other signs."""

_MIXED: Final = re.compile(r"(?=.*[0-9]).*[A-Za-z]")
"""What no prose has, and no date."""


@dataclass(frozen=True, slots=True)
class Removal:
    """A secret that was taken out of texts."""

    pseudonym: str
    """What stands in its place, e.g. ``[github-token 1]``."""
    kind: str
    places: int
    """How often it stood there."""


@dataclass(slots=True)
class Pseudonyms:
    """Replaces secrets, each by the same pseudonym wherever it stands."""

    _names: dict[str, str] = field(default_factory=dict)
    _counts: dict[str, int] = field(default_factory=dict)
    _kinds: dict[str, str] = field(default_factory=dict)
    _totals: Counter[str] = field(default_factory=Counter)
    """How many secrets there are of a kind."""
    _words: set[str] = field(default_factory=set)
    """Those of the secrets that are recognised wherever they stand."""

    def replace_secrets(self, text: str) -> str:
        """Return a text with its secrets replaced."""
        forms = list_forms(text)
        if forms:
            text = compile_forms(forms).sub(self._replace, text)
        text = replace_at(names.NAMED, names.ANCHORS, text, self._replace_value)
        text = replace_at(prose.SPOKEN, prose.ANCHORS, text, self._replace_spoken)
        return ENCODED.sub(self._replace_encoded, text)

    def replace_known(self, text: str) -> str:
        """Return a text without secrets that were met elsewhere, whatever stands around them.

        Only those that no prose has are recognised: eight signs or more, with letters and digits.
        """
        return _WORD.sub(self._replace_known, text) if self._words else text

    def list_removals(self) -> list[Removal]:
        """List what was replaced so far, in the order in which it was met."""
        return [
            Removal(name, self._kinds[name], self._counts[name]) for name in self._names.values()
        ]

    def _replace(self, match: re.Match[str]) -> str:
        form = next(name for name, text in match.groupdict().items() if text is not None)
        kind, inner = form.replace("_", "-"), INNER + form
        if inner not in match.re.groupindex:
            return self._name(join_lines(match[0]), kind)
        return self._replace_span(match, match.span(inner), kind)

    def _replace_value(self, match: re.Match[str]) -> str:
        group = str(match.lastgroup)
        return self._replace_span(match, match.span(group), group.partition("_")[0])

    def _replace_spoken(self, match: re.Match[str]) -> str | None:
        span = prose.find_spoken(match)
        kind = "password" if match["issued"] is None else "value"
        return None if span is None else self._replace_span(match, span, kind)

    def _replace_known(self, match: re.Match[str]) -> str:
        word = match[0]
        return self._name(word, "") if word in self._words else word

    def _replace_encoded(self, match: re.Match[str]) -> str:
        for part, plain in list_readings(match[0]):
            if _holds_secret(plain):
                return self._name(part, "encoded-secret") + match[0][len(part) :]
        return match[0]

    def _replace_span(self, match: re.Match[str], span: tuple[int, int], kind: str) -> str:
        start, end = (place - match.start() for place in span)
        return match[0][:start] + self._name(match[0][start:end], kind) + match[0][end:]

    def _name(self, secret: str, kind: str) -> str:
        if secret not in self._names:
            self._totals[kind] += 1
            name = f"[{kind} {self._totals[kind]}]"
            self._names[secret] = name
            self._kinds[name], self._counts[name] = kind, 0
            if _WORD.fullmatch(secret) and _MIXED.match(secret):
                self._words.add(secret)
        self._counts[self._names[secret]] += 1
        return self._names[secret]


def _holds_secret(text: str) -> bool:
    forms = list_forms(text)
    if forms and compile_forms(forms).search(text) is not None:
        return True
    return replace_at(names.NAMED, names.ANCHORS, text, lambda _: "") != text

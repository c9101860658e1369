"""Secrets of known forms in a text, and the pseudonyms that stand for them; pure.

The forms are those that their issuers document: prefixes of keys, PEM blocks, JSON Web Tokens,
credentials in URLs, quoted values given to names such as `password`, and variables of an
environment such as `DB_PASSWORD=`. What has no form, a customer's
name for instance, is found by nobody but the user's own hook.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

_FORMS: Final[Mapping[str, str]] = {
    "private-key": (
        r"-----BEGIN [A-Z ]*PRIVATE KEY(?: BLOCK)?-----(?:[^-]|-(?!----))++"
        r"-----END [A-Z ]*PRIVATE KEY(?: BLOCK)?-----"
    ),
    "anthropic-key": r"\bsk-ant-[\w-]{20,}",
    "openrouter-key": r"\bsk-or-[\w-]{20,}",
    "openai-key": r"\bsk-(?:proj-|svcacct-|admin-)?[\w-]{20,}",
    "aws-key": r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b",
    "google-key": r"\bAIza[\w-]{35}",
    "github-token": r"\b(?:gh[pousr]_[A-Za-z0-9]{36,}|github_pat_\w{22,})",
    "gitlab-token": r"\bgl(?:pat|ptt|rt|dt)-[\w-]{20,}",
    "slack-token": r"\bxox[abeoprs]-[\w-]{10,}",
    "stripe-key": r"\b[rs]k_(?:live|test)_[A-Za-z0-9]{16,}",
    "hugging-face-token": r"\bhf_[A-Za-z0-9]{30,}",
    "groq-key": r"\bgsk_[A-Za-z0-9]{40,}",
    "xai-key": r"\bxai-[A-Za-z0-9]{40,}",
    "pypi-token": r"\bpypi-AgE[\w-]{40,}",
    "npm-token": r"\bnpm_[A-Za-z0-9]{36}\b",
    "json-web-token": (r"(?:(?<![\w-])eyJ[\w-]{8,}|\beyJ[\w-]{8,500})\.eyJ[\w-]{8,}\.[\w-]*"),
    "url-credentials": r"(?<=://)[^\s/:@\"'<>]{0,200}:[^\s/@\"'<>]{1,200}(?=@)",
    "bearer-token": r"(?i:(?<=\bbearer ))[\w.~+/=-]{16,}",
    "basic-credentials": r"(?i:(?<=\bauthorization: basic ))[\w+/=-]{8,}",
    "variable": (
        r"(?<![A-Z0-9])(?:PASSWORD|PASSWD|PASSPHRASE|SECRET|TOKEN|API_?KEY|ACCESS_?KEY)"
        r"=(?P<setting>[^\s\"'\\<>{}()\[\]$%`;,]{8,500})(?![^\s\"'\\;,`])"
    ),
    "value": (
        r"(?i:(?<![a-z0-9])(?:password|passwd|passphrase|secret|token|api[_-]?key|access[_-]?key)\b"
        r"\\?[\"']?\s{0,4}[:=]\s{0,4}\\?[\"'])(?P<value>[^\s\"'\\<>{}$%]{8,500})(?=\\?[\"'])"
    ),
}
"""Patterns by the kind of a secret; where two fit at one place, the first counts.

None walks over the same text from many starts: what a stranger writes must not take minutes.
"""

_SECRET: Final = re.compile(
    "|".join(f"(?P<form{number}>{form})" for number, form in enumerate(_FORMS.values()))
)
_KINDS: Final = {f"form{number}": kind for number, kind in enumerate(_FORMS)}


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

    def replace_secrets(self, text: str) -> str:
        """Return a text with its secrets replaced."""
        return _SECRET.sub(self._replace, text)

    def list_removals(self) -> list[Removal]:
        """List what was replaced so far, in the order in which it was met."""
        return [
            Removal(name, self._kinds[name], self._counts[name]) for name in self._names.values()
        ]

    def _replace(self, match: "re.Match[str]") -> str:
        # The outer groups are the only ones whose names are forms; exactly one of them has matched.
        form = next(name for name in _KINDS if match[name] is not None)
        secret = match["value"] or match["setting"] or match[0]
        name = self._name(secret, _KINDS[form])
        self._counts[name] += 1
        return match[0].replace(secret, name)

    def _name(self, secret: str, kind: str) -> str:
        if secret not in self._names:
            number = 1 + sum(known == kind for known in self._kinds.values())
            name = f"[{kind} {number}]"
            self._names[secret] = name
            self._kinds[name], self._counts[name] = kind, 0
        return self._names[secret]

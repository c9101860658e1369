"""Values that a name such as `password` tells, with quotes and without; pure."""

import re
from typing import Final

WORDS: Final = (
    r"(?ai:password|passwd|pwd|passphrase|secret(?:[ _-]?key)?|token|credentials?|authorization"
    r"|(?:api|access|private|auth|account|signing|encryption|subscription|shared|master|license)"
    r"[ _-]?key|become_pass"
    r"|(?-i:(?<=_)(?:PASS|PW)))"
)
"""Names that tell what their value is, also as the end of a longer one."""

ANCHORS: Final = (
    *("pass", "pw", "secret", "token", "credential", "auth", "api", "access", "private", "account"),
    *("signing", "encryption", "subscription", "shared", "master", "license", "become_pass"),
)
"""What `WORDS` begin with, in small letters."""

_NAME: Final = rf"(?:(?<![A-Za-z0-9])|(?<=[a-z0-9])(?=[A-Z])|(?<=\\[nrt])|(?<=\bPG)){WORDS}"
"""Such a name by itself, or behind a part of it, as in `DB_PASSWORD`, `dbPassword` and
`PGPASSWORD`, or behind an escape of JSON."""

_CHOSEN: Final = "(?<=[dD])"
"""Follows those names whose values are chosen by people, and thereby short."""

PLAIN: Final = r"[^\s\"'\\<>{}()\[\]$%`;,]"
"""A character of a value without quotes; what is computed has brackets or a `$`."""

_TELLING: Final = rf"(?={PLAIN}{{0,100}}\d|{PLAIN}{{1,100}}[@#^&*~!]\w)"
"""Comes before what looks like a password: there is a digit or a sign in it."""

QUOTE: Final = r"\\{0,7}[\"'`]"
"""A quote, in JSON within JSON, too."""

_IN_QUOTES: Final = r"(?:[^\s\"'`\\<>{}$%]|[$%](?![\w{(]))"
"""A character of a value in quotes; where a `$` or `%` begins a name, it is computed."""

_NO_NAME: Final = (
    r"(?![a-z+]{1,20}://|(?:(?ai:access|api|auth|client|csrf|current|id|new|oauth|old|refresh|the|user"
    rf"|verification|your)[_-]?){{0,3}}{WORDS}{QUOTE})"
)
"""Begins no value in quotes that is an address, or but a name for one like it."""

_NO_REFERENCE: Final = (
    r"(?!(?:self|this|cls|os|process|settings|config|env|environ|request|req|args|user|ctx|data"
    r"|params|options|opts|app|secrets|vars)\.|~?\.{0,2}/[a-z_.]{1,80}/|[a-z+]{1,20}://"
    r"|[\d.,_:-]{1,500}\s)"
)
"""Begins no value that names another one, a path, an address or a number."""

_END: Final = r"(?=[ \t]{0,80}(?:#|\r?\n|\\r|\\n|[\"'`]|$))"
"""Where a value without quotes ends: at the end of its line, or of a string around it."""


NAMED: Final = re.compile(
    rf"{_NAME}\b(?:"
    # VARIABLE=value
    rf"(?<=[A-Z])=(?P<variable>{PLAIN}{{8,500}}+)(?![^\s\"'\\;,`])"
    # name = "value", "name": "value", name: str = "value", environ["NAME"] = "value"
    rf"|(?:{QUOTE}\]?)?\s{{0,4}}(?::\s{{0,4}}[\w.|]{{1,40}}\s{{0,4}}(?==))?(?:=>|[:=])\s{{0,4}}{QUOTE}"
    rf"{_NO_NAME}(?P<value>{_IN_QUOTES}{{8,500}}+)(?={QUOTE})"
    rf"|{_CHOSEN}(?:{QUOTE})?\s{{0,4}}[:=]\s{{0,4}}{QUOTE}"
    rf"(?P<value_short>(?={_IN_QUOTES}{{0,6}}[\d@#^&*!~]){_IN_QUOTES}{{6,7}}+)(?={QUOTE})"
    # ("NAME", "value")
    rf"|(?<=[A-Z]){QUOTE},\s{{0,4}}{QUOTE}(?={_IN_QUOTES}{{0,80}}[a-z])"
    rf"(?P<value_second>(?={_IN_QUOTES}{{0,80}}[\d@#^&*~!]){_IN_QUOTES}{{8,500}}+)(?={QUOTE})"
    # name: NAME, value: value
    rf"|(?:{QUOTE})?,?\s{{1,40}}(?:{QUOTE})?value(?:{QUOTE})?\s{{0,4}}[:=]\s{{0,4}}(?:{QUOTE})?"
    rf"(?P<value_beside>{_TELLING}{PLAIN}{{6,500}}+)(?![^\s\"'`\\<>,/])"
    # name=value;name=value, name=value name=value
    rf"|=(?P<value_in_pair>{_TELLING}{PLAIN}{{6,500}}+)"
    rf"(?=;[A-Za-z][\w ]{{1,40}}=|[ \t]{{1,4}}[A-Za-z_][\w.]{{0,40}}=)"
    # name: |, and the value in the next line
    rf"|:[ \t]{{0,4}}[|>][+-]?[ \t]{{0,4}}\r?\n[ \t]{{1,40}}"
    rf"(?P<value_block>{_TELLING}{PLAIN}{{6,500}}+){_END}"
    # name: value, alone to the end of its line, with a digit or a sign inside
    rf"|[ \t]{{0,4}}[:=][ \t]{{0,4}}{_NO_REFERENCE}"
    rf"(?P<value_in_line>{_TELLING}{PLAIN}{{8,500}}+){_END}"
    rf"|{_CHOSEN}[ \t]{{0,4}}[:=][ \t]{{0,4}}{_NO_REFERENCE}"
    rf"(?P<value_short_in_line>{_TELLING}{PLAIN}{{6,7}}+){_END}"
    rf")"
)
"""Values that their name tells; it is tried at `ANCHORS`."""

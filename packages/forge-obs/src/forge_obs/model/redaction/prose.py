"""Passwords that are told in sentences, and those with spaces; pure.

What is written of a password is far more often that it is required, wrong or hashed than what it
is, and a redaction that eats prose is as bad as one that misses a secret. So a pattern finds what a
sentence says of a password, and what it says must then look like one. That misses a password that
is a plain word.
"""

import re
from typing import Final

ANCHORS: Final = (
    *("pass", "pwd", "pw", "kennwort", "mot de passe", "senha", "contrase", "wachtwoord"),
    *("has\u0142o", "\u043f\u0430\u0440\u043e\u043b\u044c", "密码", "密碼", "パスワード"),
    *("api", "access", "secret", "licen", "auth", "admin", "master", "account", "deploy", "bot"),
    *("token", "client", "credential", "creds", "login", "log in", "log-in", "logged", "logging"),
    *("sign in", "sign-in", "signin", "mnemonic", "seed", "recovery", "backup"),
)
"""What names begin with, in small letters."""

_CHOSEN: Final = (
    r"(?P<chosen>(?ai:pass(?:words?|wd|phrase|code|wort)|pwd|(?<=[_ ])(?-i:PASS|PW)|kennwort"
    r"|mot de passe|senha|contrase\xf1a|contrasena|wachtwoord|has\u0142o"
    r"|[\u043f\u041f]\u0430\u0440\u043e\u043b\u044c))(?!\w)|(?P<chosen_unparted>密码|密碼|パスワード)"
)
"""What people call what they chose."""

_ISSUED: Final = (
    r"(?P<issued>(?ai:(?:api|access|secret|licen[cs]e|auth|admin|master|account|deploy|bot|client)"
    r"[ _-](?:key|token|secret)|token|secret))(?!\w)"
)
"""What they call what they were given."""

_QUOTE: Final = r"\\{0,7}[\"'`]"

_WALLET: Final = (
    r"(?ai:mnemonic|(?:seed|recovery|backup|secret)[ _-](?:phrase|words))(?ai:[ _-]phrase)?"
    rf"(?:(?:{_QUOTE})?\s{{0,3}}[:=]|\s(?:is|are|was|were):?)\s{{0,3}}(?:{_QUOTE})?"
    r"(?P<wallet>[a-z]{3,8}(?:[ ][a-z]{3,8}){11,23})(?=[ ]?(?:[\"'`.,\\\r\n]|$))"
)
"""The words of a wallet; see BIP 39."""

_LINK: Final = (
    r"(?P<told>(?:[ ](?:for|of|to|on|at|f\xfcr|pour|para)(?:[ ][^\s.,;:=\"'`()]{1,40}){1,4}?)?"
    r"\s{1,3}(?ai:is|was|will[ ]be|should[ ]be|ist|lautet|war|est|es|era|\xe9|\xe8|jest"
    r"|\u044d\u0442\u043e)(?:[ ](?ai:now|still|currently|set[ ]to|just|simply|always|again))?"
    r"[:=]?\s{1,3}|(?<=[码碼ド])(?:是|は|为|為)[ ]?)"
    rf"|(?P<put>(?:{_QUOTE})?\]?\s{{0,3}}(?:=>|[:=\uff1a])\s{{0,3}})"
    r"|(?P<beside>[ \t]{1,3})"
)
"""What stands between the name and the value."""

_BARE: Final = r"[^\s\"'`\\<>{}()\[\]$%;,|*\u2018-\u201e\xab\xbb\u3002\uff0c]"

_VALUE: Final = (
    rf"[*_]{{0,3}}(?:(?P<quote>{_QUOTE})(?P<quoted>[^\"'`\\\r\n]{{4,200}})(?=(?P=quote))"
    r"|[\u2018\u201c\u201e\xab](?P<in_signs>[^\u2018-\u201e\xab\xbb\r\n]{4,200})"
    r"[\u2019\u201c\u201d\xbb]"
    rf"|(?P<bare>{_BARE}{{4,120}}+(?!{_BARE})))"
)

_PAIR: Final = (
    r"(?P<pair>(?<![-./@_])(?ai:credentials|creds|log(?:ged|ging)?[ -]?in|sign[ -]?in))(?![\w.-])"
    r"(?:[ ](?ai:are|is|with|as|using|(?:for|to)[ ]\w{1,40}\b)){0,2}(?:[ ]?[:=]|[ ]\()?"
    r"[ ]{0,2}(?:user(?:name)?[ ])?[\"'`]?[\w.@+-]{1,60}[\"'`]?(?:[ ]?/[ ]?|:)[\"'`]?"
    rf"(?P<of_pair>(?![/:]){_BARE}{{4,100}}+)"
)
"""A user and a password with a stroke or colon between."""

SPOKEN: Final = re.compile(
    r"(?:(?<![A-Za-z0-9])|(?<=[a-z0-9])(?=[A-Z])|(?<=\\[nrt]))"
    rf"(?:(?:{_CHOSEN}|{_ISSUED})(?:{_LINK}){_VALUE}|{_PAIR}|{_WALLET})"
)
"""What may be said of a password or a key, tried at `ANCHORS`; `find_spoken` says what it is."""

_VALUES: Final = ("quoted", "in_signs", "bare", "of_pair", "wallet")

_BEFORE: Final = re.compile(
    r"(?:(?:^|[\s(,;/&+])(?ai:and|with|using|use|as|plus)[ ]"
    r"(?:(?ai:the|a|your|my|this|default|initial|temporary|new)[ ])?"
    r"|(?ai:user(?:name)?|login|account|email)[ :=]{1,3}\S{1,60}[ ,;/]{1,3}|[,/&+][ ]?)$"
)
"""Stands before a name that a value follows without a word or sign between."""

_GOES_ON: Final = re.compile(
    r"[.!]?\s{1,2}(?ai:for|and|on|at|to|in|as|works|is|was|or|if|when|then|but|which|that|\()"
    r"|[.!]\s|[.!]?$"
)
"""Stands behind a value in a sentence, rather than in a program."""

_WORDS: Final = (
    # Of sentences.
    " a an the this that these those your my his her its it our their you i we they he she is"
    " are was were be been do does did has have had can could may might must should will would"
    " shall not no none never to of for from in into on at by with without as and or but if"
    " when than then so too only all any each per same other here there please least most more"
    " less between again already yet up out off over under about where what which who how why"
    " because while via"
    # Of labels, checks and messages.
    " password passwords passwd pass passphrase passphrases passcode pwd secret secrets token"
    " tokens key keys credential credentials pin code user users username login account admin"
    " email name value field text string str character characters chars letter letters digit"
    " digits number numbers byte bytes bit bits length short long weak strong invalid valid"
    " wrong incorrect required require requires optional missing empty blank match matches"
    " mismatch confirm confirmed confirmation reset change changed forgot forgotten enter type"
    " repeat new old current default previous set unset update updated create created choose"
    " save show hide hidden hash hashed encrypted encoded stored sent used using use provided"
    " given expired failed error success successfully minimum maximum min max true false null"
    " undefined authentication database server client service example placeholder dummy sample"
    " config configuration option options setting settings file path url env environment"
    " variable input output data see"
    # The same in other languages.
    " de la le el les los du des der die das den dem ein eine ihr dein il lo un una une su tu"
    " sua seu votre van het een uw je mot passe senha clave wachtwoord passwort kennwort"
    " parola haslo heslo lozinka kata sandi jelszo salasana parool et und oder y e o"
)

_ORDINARY: Final = frozenset(_WORDS.split())
"""Words in what is written of passwords, which are in hardly any."""

_TERM: Final = re.compile(
    r"(?ai:(?:base(?:32|58|62|64|85)|sha\d|md[245]|utf|oauth|oidc|pbkdf|argon2|blake|bcrypt|scrypt"
    r"|aes|rsa|hmac|ed25519|x509|pkcs|http|ipv[46]|iso\d|rfc\d|python|java|latin\d|ntlm|tls|ssl"
    r"|i18n|l10n|k8s|crc|3des|u?int\d|float\d|[\w.+-]{1,80}@[\w-]{1,80}\.[a-z]|[a-z+]{1,20}://"
    r"|~?\.{0,2}/[a-z_.]|(?:self|this|cls|os|process|settings|config|env|environ|request|req|args"
    r"|user|ctx|data|params|options|opts|app|secrets|vars)\.)"
    r"|(?:[a-z]{1,2}|no|step|line|page|part|option|version|test|arg|param)[-_.]?\d{1,5}"
    r"(?:[-_.]\w{0,40}){0,4}$"
    # 32-byte, 24h, 1st, 10+, 1.2, 2024-01-01
    r"|\d{1,6}(?:[-_./][a-z]|[a-z]{1,5}(?:$|-)|\+|[.,:/-]\d)|[#&@=+:.^~$%<{(\[-])|[A-Z][A-Z0-9]*_[A-Z0-9_]*$"
)
"""Begins the name of a method or a variable, a measure, an address or a mark."""

_TELLING: Final = re.compile(
    r"[A-Za-z]\d|\d[A-Za-z]|[A-Za-z0-9][@#^&~!$%]\w|\d[!@#$%^&*]|^\d{6,20}$"
)
"""Is in a password, and in hardly a word."""

_MARKS: Final = re.compile(r"[<>{}()\[\]|=]|\$\w|%[sd(]|[.?:,;]$")
"""Is in a text that is filled in, a part of a program, or ends one that is a sentence."""

_MOST_WORDS: Final = 12
"""Words of a password."""


_KEY: Final = re.compile(r"(?=.{0,100}(?:[A-Za-z]\d|\d[A-Za-z]))[\w.~+/=-]{10,}", re.ASCII)


def find_spoken(match: re.Match[str]) -> tuple[int, int] | None:
    """Return where the secret stands in what `SPOKEN` found, from and to; None if it is none."""
    group = next(name for name in _VALUES if match[name] is not None)
    start, end = match.span(group)
    value = match[group]
    if group in {"bare", "of_pair"}:
        value = value.rstrip(".:?\u2026")
        end = start + len(value)
    return (start, end) if _is_secret(match, group, value) else None


def _is_secret(match: re.Match[str], group: str, value: str) -> bool:
    if group == "wallet":
        return True
    if match["issued"]:
        return match["told"] is not None and is_key(value)
    if " " in value:
        return match["beside"] is None and is_phrase(value)
    if not is_password(value):
        return False
    if match["put"]:  # what stands in quotes, its name tells
        return group == "bare" and _GOES_ON.match(match.string, match.end()) is not None
    if match["beside"] and group == "bare":
        start = match.start()
        return _BEFORE.search(match.string, max(0, start - 100), start) is not None
    return True


def is_password(text: str) -> bool:
    """Return whether a word looks like a password rather than like what is written of one."""
    if len(text) < 6 or not text.isascii():
        return False
    return _TELLING.search(text) is not None and _TERM.match(text) is None


def is_key(text: str) -> bool:
    """Return whether a word looks like a key rather than like what is written of one."""
    return _KEY.fullmatch(text) is not None and _TERM.match(text) is None


def is_phrase(text: str) -> bool:
    """Return whether several words look like a password rather than like a label or a message."""
    words = text.split(" ")
    if len(words) > _MOST_WORDS or not all(words) or not text.isascii() or _MARKS.search(text):
        return False
    if len(words) > 2 and max(map(len, words)) == 1:
        return True
    if not _ORDINARY.isdisjoint(word.strip("!.,?:;").lower() for word in words):
        return False
    if any(map(is_password, words)):
        return True
    capitals = sum(word[0].isupper() for word in words)  # of a label, the first word alone has one
    are_alike = capitals in {0, len(words)} and len(words) > 2 + bool(capitals)
    return are_alike and all(word.replace("-", "").isalnum() for word in words)

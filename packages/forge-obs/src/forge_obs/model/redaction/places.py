"""Secrets that their form or their place tells, whoever made them; pure."""

from typing import Final

from forge_obs.model.redaction.form import BREAK, CONTINUATION, Form
from forge_obs.model.redaction.names import PLAIN, QUOTE, WORDS

_PEM_BREAK: Final = r"(?:\s|\\{1,8}[nrt]|[\"'>#|,+]){0,60}+"

_PEM_BODY: Final = (
    rf"{_PEM_BREAK}[A-Za-z0-9/=][A-Za-z0-9+/=]{{15,}}+"
    rf"(?:{_PEM_BREAK}[A-Za-z0-9/=][A-Za-z0-9+/=]{{15,}}+)*+"
    rf"(?:{_PEM_BREAK}[A-Za-z0-9+/]{{1,15}}+={{0,2}}(?![\w:(=.-]))?"
)
"""The lines of a key, as far as they go."""

_AUTHORIZATION: Final = rf"\b(?i:authorization)(?:{QUOTE})?\s{{0,4}}[:=,]\s{{0,4}}(?:{QUOTE})?"
"""The name of a header, before its value, in whatever language."""

_ENCODED: Final = r"(?=[\w+/=-]{0,300}(?:[\d=]|[a-z][A-Z]))"
"""Comes before what looks like base64 rather than a word."""

_QUERIED: Final = (
    *("password", "passwd", "pwd", "passphrase", "secret", "token", "credential", "credentials"),
    *("authorization", "key", "sig", "signature", "pass", "pw"),
)
"""How names of parameters end whose values are secret."""

PLACED: Final = (
    Form(
        "private-key",
        ("private key", "private-lines:"),
        r"-{4,5} ?BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)? ?-{4,5}(?:(?:[^-]|-(?!---))++"
        r"-{4,5} ?END [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)? ?-{4,5}"
        rf"|(?:{_PEM_BREAK}[A-Za-z-]{{1,30}}:[^\n\\]{{0,200}}){{0,9}}+{_PEM_BODY})"
        rf"|(?<=Private-Lines: )\d{{1,3}}{_PEM_BODY}",  # of PuTTY
    ),
    Form(
        "json-web-key",
        ("kty",),
        rf"{QUOTE}(?:d|p|q|dp|dq|qi|k){QUOTE}\s{{0,4}}:\s{{0,4}}{QUOTE}"
        rf"(?P<inner_json_web_key>(?=[\w-]{{0,60}}\d)[\w-]{{20,2000}}+)(?={QUOTE})",
    ),
    Form("django-key", ("django-insecure-",), r"django-insecure-[^\s\"'\\]{20,200}+"),
    Form(
        "json-web-token",
        ("eyj",),
        r"(?:(?<![\w-])eyJ[\w-]{8,}+|\beyJ[\w-]{8,500}+)"
        rf"{BREAK}?\.{BREAK}?eyJ[\w-]{{8,}}+{BREAK}?\.[\w-]*+{CONTINUATION}",
    ),
    Form(
        "url-credentials",
        ("://",),
        r"(?<=://)[^\s/:@\"'<>]{0,200}:[^\s/@\"'<>]{1,200}(?=@)"
        r"|(?<=://)(?=[\w.~%+-]{0,100}\d)[\w.~%+-]{20,200}+(?=@)",
    ),
    Form(
        "bearer-token",
        ("bearer",),
        r"\b(?i:bearer)[ \t]{1,4}(?P<inner_bearer_token>(?=[\w.~+/=-]{0,200}\d)[\w.~+/=-]{16,}+)",
    ),
    Form(
        "basic-credentials",
        ("basic",),
        rf"{_AUTHORIZATION}(?i:basic)[ \t]{{1,4}}"
        rf"(?P<inner_basic_credentials>{_ENCODED}[\w+/=-]{{8,}}+)",
    ),
    Form(
        "authorization",
        ("authorization",),
        rf"{_AUTHORIZATION}(?i:token|api-?key)[ \t]{{1,4}}(?:token=)?"
        r"(?P<inner_authorization>(?=[\w.~+/=-]{0,200}\d)[\w.~+/=-]{16,}+)",
    ),
    Form(
        "cookie",
        ("cookie",),
        rf"\b(?i:(?:set-)?cookie)(?:{QUOTE})?:[ \t]{{0,4}}(?:{QUOTE})?"
        r"(?P<inner_cookie>[\w.-]{1,60}=(?=[^\r\n\"'\\]{0,200}\d)[^\r\n\"'\\]{8,4000}+)",
    ),
    Form(
        "docker-login",
        ('auth"', "auth'", "auth\\", "auth`"),
        rf"{QUOTE}auth{QUOTE}\s{{0,4}}:\s{{0,4}}{QUOTE}"
        rf"(?P<inner_docker_login>{_ENCODED}[A-Za-z0-9+/]{{12,}}+={{0,2}})(?={QUOTE})",
    ),
    Form(
        "user",  # of curl
        ("curl",),
        r"\bcurl\b[^\n]{0,200}?\s(?:-u|--user)[ =][\"']?[\w.@%+-]{1,60}:"
        r"(?P<inner_user>[^\s\"'\\:$]{4,200}+)",
    ),
    Form(
        "parameter",  # of an address
        (*(f"{name}=" for name in _QUERIED), "%3d"),
        rf"(?:[?&]|%3[Ff]|%26)(?:[\w-]{{1,40}}[_-])?(?:{WORDS}|(?ai:key|sig|signature))(?:=|%3[Dd])"
        r"(?P<inner_parameter>(?=[\w-]{0,80}\d)[\w.~%+/=-]{8,500}+)",
    ),
    Form(
        "webhook",
        ("hooks.slack.com/", "/api/webhooks/", "hooks.zapier.com/", "/webhookb2/"),
        r"(?<=\bhooks\.slack\.com/)[a-z]{1,20}/[\w/]{20,200}+"
        r"|(?<=/api/webhooks/)\d{5,25}/[\w-]{20,200}+"
        r"|(?<=\bhooks\.zapier\.com/hooks/catch/)[\w/]{8,200}+|(?<=/webhookb2/)[\w@/-]{40,400}+",
    ),
    Form(
        "option",  # of a command
        ("--",),
        rf"(?<!-)--(?:[A-Za-z][\w-]{{0,40}}-)?{WORDS}[ =]"
        rf"(?P<inner_option>(?={PLAIN}{{0,80}}\d){PLAIN}{{6,500}}+)",
    ),
    Form(
        "element",  # of XML
        ("</",),
        rf"<[\w:.-]{{0,40}}?{WORDS}>(?P<inner_element>[^<>\s]{{4,500}}+)(?=</)",
    ),
    Form(
        "login",  # of a .netrc
        ("login",),
        r"\blogin[ \t]{1,4}\S{1,200}\s{1,4}password[ \t]{1,4}(?P<inner_login>\S{1,500})",
    ),
)
"""Secrets that their own form tells. Where two fit at one place, the first counts."""

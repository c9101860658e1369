r"""The forms that secrets have in a text, as patterns; pure.

They are those that issuers document: prefixes of keys, PEM blocks, JSON Web Tokens, credentials in
addresses and headers; and values given to names such as `password`, with quotes and without. A
key may be wrapped: in a text, in a string of JSON (where the line's end is `\n` spelt out), behind
the marks of a diff or a quotation, or as adjacent string literals.

What a stranger writes must not take minutes. So each repetition that may fail afterwards is
bounded, all others are possessive, and no pattern walks over the same text from many starts.
"""

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

INNER: Final = "inner_"
"""Beginning of the names of groups that hold the secret, where that is a part of what matches."""

_WORDS: Final = (
    r"(?ai:password|passwd|pwd|passphrase|secret(?:[_-]?key)?|token|credentials?|authorization"
    r"|(?:api|access|private|auth|account|signing|encryption|subscription)[_-]?key|become_pass"
    r"|(?-i:(?<=_)(?:PASS|PW)))"
)
"""Names that tell what their value is, also as the end of a longer one."""

_NAME: Final = rf"(?:(?<![A-Za-z0-9])|(?<=[a-z0-9])(?=[A-Z])|(?<=\\[nrt])|(?<=\bPG)){_WORDS}"
"""Such a name by itself, or behind a part of it, as in `DB_PASSWORD`, `dbPassword` and
`PGPASSWORD`, or behind an escape of JSON."""

_CHOSEN: Final = "(?<=[dD])"
"""Follows those names whose values are chosen by people, and thereby short."""

_BREAK: Final = (
    r"(?:[\"']?[ \t]{0,4}[\\+]?[ \t]{0,4}(?:\r?\n|\\r\\n|\\n)[ \t>#|+*]{0,40}[\"']?"
    r"|[\"'][ \t]{0,4}\+?[ \t]{0,4}[\"'])"
)
"""How a key goes on in the next line, or in the next string."""

_REST: Final = r"(?=[\w-]{0,80}\d)[\w-]{6,500}+(?![=:(.\[\w-])"
"""What only the rest of a wrapped key looks like: with a digit, and followed by no syntax."""

_MORE: Final = rf"[A-Za-z0-9]*+(?:{_BREAK}{_REST})*+"

_PEM_BREAK: Final = r"(?:\s|\\{1,8}[nrt]|[\"'>#|,+]){0,60}+"

_PLAIN: Final = r"[^\s\"'\\<>{}()\[\]$%`;,]"
"""A character of a value without quotes; what is computed has brackets or a `$`."""

_TELLING: Final = rf"(?={_PLAIN}{{0,100}}\d|{_PLAIN}{{1,100}}[@#^&*~!]\w)"
"""Comes before what looks like a password: there is a digit or a sign in it."""

_QUOTE: Final = r"\\{0,7}[\"'`]"
"""A quote, in JSON within JSON, too."""

_IN_QUOTES: Final = r"(?:[^\s\"'`\\<>{}$%]|[$%](?![\w{(]))"
"""A character of a value in quotes; where a `$` or `%` begins a name, it is computed."""

_AUTHORIZATION: Final = rf"\b(?i:authorization)(?:{_QUOTE})?\s{{0,4}}[:=,]\s{{0,4}}(?:{_QUOTE})?"
"""The name of a header, before its value, in whatever language."""

_ENCODED: Final = r"(?=[\w+/=-]{0,300}(?:[\d=]|[a-z][A-Z]))"
"""Comes before what looks like base64 rather than a word."""

_NO_REFERENCE: Final = (
    r"(?!(?:self|this|cls|os|process|settings|config|env|environ|request|req|args|user|ctx|data"
    r"|params|options|opts|app|secrets|vars)\.|~?\.{0,2}/[a-z_.]{1,80}/|[a-z+]{1,20}://"
    r"|[\d.,_:-]{1,500}\s)"
)
"""Begins no value that names another one, a path, an address or a number."""

_END: Final = r"(?=[ \t]{0,80}(?:#|\r?\n|\\r|\\n|[\"'`]|$))"
"""Where a value without quotes ends: at the end of its line, or of a string around it."""


@dataclass(frozen=True, slots=True)
class Form:
    """A form of secrets.

    Attributes:
        kind: What a secret of it is called.
        needles: Texts in small letters, one of which is in every text that it is in.
        pattern: What it looks like.
    """

    kind: str
    needles: tuple[str, ...]
    pattern: str


def _split(prefix: str, character: str, number: int, rest: str = "") -> str:
    """Look for a prefix and so many characters, which a line's end may part anywhere."""
    return rf"\b{prefix}{character}(?:{_BREAK}?{character}){{{number - 1}}}{rest}"


def _long(prefix: str, least: int) -> str:
    """Look for a prefix and at least so many characters, in one line or several."""
    whole, short = rf"[\w-]{{{least},}}+(?:{_BREAK}{_REST})*+", rf"[\w-]{{1,{least - 1}}}+"
    return rf"\b{prefix}(?:{whole}|{short}(?:{_BREAK}{_REST})++)"


FORMS: Final = (
    Form(
        "private-key",
        ("private key",),
        r"-----BEGIN [A-Z ]{0,40}PRIVATE KEY(?: BLOCK)?-----(?:(?:[^-]|-(?!----))++"
        r"-----END [A-Z ]{0,40}PRIVATE KEY(?: BLOCK)?-----"
        rf"|(?:{_PEM_BREAK}[A-Za-z-]{{1,30}}:[^\n\\]{{0,200}}){{0,9}}+"
        rf"{_PEM_BREAK}[A-Za-z0-9/=][A-Za-z0-9+/=]{{15,}}+"
        rf"(?:{_PEM_BREAK}[A-Za-z0-9/=][A-Za-z0-9+/=]{{15,}}+)*+"
        rf"(?:{_PEM_BREAK}[A-Za-z0-9+/]{{1,15}}+={{0,2}}(?![\w:(=.]))?)",
    ),
    Form("anthropic-key", ("sk-ant-",), _long("sk-ant-", 20)),
    Form("openrouter-key", ("sk-or-",), _long("sk-or-", 20)),
    Form(
        "openai-key",
        ("sk-",),
        rf"\bsk-(?:(?=[\w-]{{0,100}}[\dA-Z])[\w-]{{20,}}+(?:{_BREAK}{_REST})*+"
        rf"|(?:proj-|svcacct-|admin-)[\w-]{{4,13}}+(?:{_BREAK}{_REST})++)",
    ),
    Form("aws-key", ("akia", "asia"), _split("(?:AKIA|ASIA)", "[0-9A-Z]", 16, r"\b")),
    Form("google-key", ("aiza",), _split("AIza", r"[\w-]", 35)),
    Form(
        "github-token",
        ("ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_"),
        _split("gh[pousr]_", "[A-Za-z0-9]", 36, _MORE) + "|" + _long("github_pat_", 22),
    ),
    Form("gitlab-token", ("gl",), _long("gl(?:pat|ptt|rt|dt|cbt|ft|soat|imt|agent)-", 20)),
    Form("slack-token", ("xox",), _long("xox[abeoprs]-", 10)),
    Form("stripe-key", ("k_live_", "k_test_"), _long("[rs]k_(?:live|test)_", 16)),
    Form("hugging-face-token", ("hf_",), _split("hf_", "[A-Za-z0-9]", 30, _MORE)),
    Form("groq-key", ("gsk_",), _split("gsk_", "[A-Za-z0-9]", 40, _MORE)),
    Form("xai-key", ("xai-",), _split("xai-", "[A-Za-z0-9]", 40, _MORE)),
    Form("perplexity-key", ("pplx-",), _split("pplx-", "[A-Za-z0-9]", 40, _MORE)),
    Form("cerebras-key", ("csk-",), _split("csk-", "[a-z0-9]", 40, _MORE)),
    Form("replicate-token", ("r8_",), _split("r8_", "[A-Za-z0-9]", 37, _MORE)),
    Form("fireworks-key", ("fw_",), _split("fw_", "[A-Za-z0-9]", 22, _MORE)),
    Form("together-key", ("tgp_v1_",), _long("tgp_v1_", 40)),
    Form("nvidia-key", ("nvapi-",), _long("nvapi-", 40)),
    Form("langsmith-key", ("lsv2_",), _long("lsv2_(?:pt|sk)_", 32)),
    Form("tavily-key", ("tvly-",), _long("tvly-", 28)),
    Form("google-secret", ("gocspx-",), _long("GOCSPX-", 24)),
    Form("google-token", ("ya29.",), _long(r"ya29\.", 30)),
    Form("azure-secret", ("8q~",), r"(?<![\w~.-])[\w.~-]{3}8Q~[\w.~-]{34}(?![\w~-])"),
    Form("vault-token", ("hvs.", "hvb."), _long(r"hv[sb]\.", 24)),
    Form("digitalocean-token", ("_v1_",), _split("do[opr]_v1_", "[0-9a-f]", 64, r"\b")),
    Form("databricks-token", ("dapi",), _split("dapi", "[0-9a-f]", 32, r"\b")),
    Form("docker-token", ("dckr_",), _long("dckr_[po]at_", 20)),
    Form("atlassian-token", ("atatt3",), _long("ATATT3", 100)),
    Form("sendgrid-key", ("sg.",), r"\bSG\.[\w-]{22}\.[\w-]{43}\b"),
    Form("twilio-key", ("sk",), _split("SK", "[0-9a-f]", 32, r"\b")),
    Form("telegram-token", (":aa",), r"\b\d{8,10}:AA[\w-]{33}\b"),
    Form("shopify-token", ("shp",), _split("shp(?:at|ca|pa|ss)_", "[0-9a-f]", 32, r"\b")),
    Form("notion-token", ("ntn_",), _split("ntn_", "[A-Za-z0-9]", 40, _MORE)),
    Form("linear-key", ("lin_api_",), _split("lin_api_", "[A-Za-z0-9]", 40, _MORE)),
    Form("grafana-token", ("glsa_", "glc_"), _long("gl(?:sa|c)_", 32)),
    Form("age-key", ("age-secret-key-1",), _split("AGE-SECRET-KEY-1", "[0-9A-Z]", 58, r"\b")),
    Form("django-key", ("django-insecure-",), r"django-insecure-[^\s\"'\\]{20,200}+"),
    Form("pypi-token", ("pypi-age",), _long("pypi-AgE", 40)),
    Form("npm-token", ("npm_",), _split("npm_", "[A-Za-z0-9]", 36, r"\b")),
    Form(
        "json-web-token",
        ("eyj",),
        r"(?:(?<![\w-])eyJ[\w-]{8,}+|\beyJ[\w-]{8,500}+)"
        rf"{_BREAK}?\.{_BREAK}?eyJ[\w-]{{8,}}+{_BREAK}?\.[\w-]*+(?:{_BREAK}{_REST})*+",
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
        rf"\b(?i:(?:set-)?cookie)(?:{_QUOTE})?:[ \t]{{0,4}}(?:{_QUOTE})?"
        r"(?P<inner_cookie>[\w.-]{1,60}=(?=[^\r\n\"'\\]{0,200}\d)[^\r\n\"'\\]{8,4000}+)",
    ),
    Form(
        "docker-login",
        ("auth",),
        rf"{_QUOTE}auth{_QUOTE}\s{{0,4}}:\s{{0,4}}{_QUOTE}"
        rf"(?P<inner_docker_login>{_ENCODED}[A-Za-z0-9+/]{{12,}}+={{0,2}})(?={_QUOTE})",
    ),
    Form(
        "user",  # of curl
        ("curl",),
        r"\bcurl\b[^\n]{0,200}?\s(?:-u|--user)[ =][\"']?[\w.@%+-]{1,60}:"
        r"(?P<inner_user>[^\s\"'\\:$]{4,200}+)",
    ),
    Form(
        "parameter",  # of an address
        ("=", "%3d"),
        rf"(?:[?&]|%3[Ff]|%26)(?:[\w-]{{1,40}}[_-])?(?:{_WORDS}|(?ai:key|sig|signature))(?:=|%3[Dd])"
        r"(?P<inner_parameter>(?=[\w-]{0,80}\d)[\w.~%+/=-]{8,500}+)",
    ),
    Form(
        "webhook",
        ("hooks.slack.com/", "/api/webhooks/"),
        r"(?<=\bhooks\.slack\.com/)[a-z]{1,20}/[\w/]{20,200}+"
        r"|(?<=/api/webhooks/)\d{5,25}/[\w-]{20,200}+",
    ),
    Form(
        "option",  # of a command
        ("--",),
        rf"(?<!-)--(?:[A-Za-z][\w-]{{0,40}}-)?{_WORDS}[ =]"
        rf"(?P<inner_option>(?={_PLAIN}{{0,80}}\d){_PLAIN}{{6,500}}+)",
    ),
    Form(
        "element",  # of XML
        ("</",),
        rf"<[\w:.-]{{0,40}}?{_WORDS}>(?P<inner_element>[^<>\s]{{4,500}}+)(?=</)",
    ),
    Form(
        "login",  # of a .netrc
        ("login",),
        r"\blogin[ \t]{1,4}\S{1,200}\s{1,4}password[ \t]{1,4}(?P<inner_login>\S{1,500})",
    ),
)
"""Secrets that their own form tells. Where two fit at one place, the first counts."""

NAMED: Final = re.compile(
    rf"{_NAME}\b(?:"
    # VARIABLE=value
    rf"(?<=[A-Z])=(?P<variable>{_PLAIN}{{8,500}}+)(?![^\s\"'\\;,`])"
    # name = "value", "name": "value", name: str = "value", environ["NAME"] = "value"
    rf"|(?:{_QUOTE}\]?)?\s{{0,4}}(?::\s{{0,4}}[\w.|]{{1,40}}\s{{0,4}}(?==))?(?:=>|[:=])\s{{0,4}}{_QUOTE}"
    rf"(?P<value>{_IN_QUOTES}{{8,500}}+)(?={_QUOTE})"
    rf"|{_CHOSEN}(?:{_QUOTE})?\s{{0,4}}[:=]\s{{0,4}}{_QUOTE}"
    rf"(?P<value_short>(?={_IN_QUOTES}{{0,6}}[\d@#^&*!~]){_IN_QUOTES}{{6,7}}+)(?={_QUOTE})"
    # ("NAME", "value")
    rf"|(?<=[A-Z]){_QUOTE},\s{{0,4}}{_QUOTE}(?={_IN_QUOTES}{{0,80}}[a-z])"
    rf"(?P<value_second>(?={_IN_QUOTES}{{0,80}}[\d@#^&*~!]){_IN_QUOTES}{{8,500}}+)(?={_QUOTE})"
    # name: NAME, value: value
    rf"|(?:{_QUOTE})?,?\s{{1,40}}(?:{_QUOTE})?value(?:{_QUOTE})?\s{{0,4}}[:=]\s{{0,4}}(?:{_QUOTE})?"
    rf"(?P<value_beside>{_TELLING}{_PLAIN}{{6,500}}+)(?![^\s\"'`\\<>,/])"
    # name=value;name=value, name=value name=value
    rf"|=(?P<value_in_pair>{_TELLING}{_PLAIN}{{6,500}}+)"
    rf"(?=;[A-Za-z][\w ]{{1,40}}=|[ \t]{{1,4}}[A-Za-z_][\w.]{{0,40}}=)"
    # name: |, and the value in the next line
    rf"|:[ \t]{{0,4}}[|>][+-]?[ \t]{{0,4}}\r?\n[ \t]{{1,40}}"
    rf"(?P<value_block>{_TELLING}{_PLAIN}{{6,500}}+){_END}"
    # name: value, alone to the end of its line, with a digit or a sign inside
    rf"|[ \t]{{0,4}}[:=][ \t]{{0,4}}{_NO_REFERENCE}"
    rf"(?P<value_in_line>{_TELLING}{_PLAIN}{{8,500}}+){_END}"
    rf"|{_CHOSEN}[ \t]{{0,4}}[:=][ \t]{{0,4}}{_NO_REFERENCE}"
    rf"(?P<value_short_in_line>{_TELLING}{_PLAIN}{{6,7}}+){_END}"
    rf")"
)
"""Values that their name tells."""

_BREAKS: Final = re.compile(_BREAK)


def list_forms(text: str) -> tuple[Form, ...]:
    """List the forms that a text can hold, which are few, and thereby fast to look for."""
    small = text.lower()
    return tuple(form for form in FORMS if any(needle in small for needle in form.needles))


@lru_cache(maxsize=64)
def compile_forms(forms: tuple[Form, ...]) -> "re.Pattern[str]":
    """Build one pattern of several forms, each a group named by its kind."""
    groups = (f"(?P<{form.kind.replace('-', '_')}>{form.pattern})" for form in forms)
    return re.compile("|".join(groups))


def join_lines(secret: str) -> str:
    """Return a key in one line: wrapped or not, it is the same one."""
    return _BREAKS.sub("", secret)

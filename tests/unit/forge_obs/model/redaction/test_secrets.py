"""Secrets of known forms are replaced, and nothing else."""

import json
import time

import pytest
from forge_obs.model.redaction.secrets import Pseudonyms

# Put together, so that no scanner takes this file for a leak.
SECRETS = {
    "anthropic-key": "sk-ant-" + "api03-" + "aB3" * 12,
    "openrouter-key": "sk-or-" + "v1-" + "0f" * 20,
    "openai-key": "sk-" + "proj-" + "Zz9_" * 10,
    "aws-key": "AKIA" + "ABCDEFGHIJKLMNOP",
    "google-key": "AIza" + "x" * 35,
    "github-token": "ghp_" + "a1B2" * 9,
    "gitlab-token": "glpat-" + "k" * 20,
    "slack-token": "xoxb-" + "1234567890-abc",
    "stripe-key": "sk_" + "live_" + "a" * 24,
    "hugging-face-token": "hf_" + "b" * 34,
    "groq-key": "gsk_" + "c" * 52,
    "xai-key": "xai-" + "d" * 80,
    "pypi-token": "pypi-" + "AgE" + "e" * 60,
    "npm-token": "npm_" + "f" * 36,
    "json-web-token": "eyJhbGciOiJI.eyJzdWIiOiIx." + "s" * 20,
}

HARMLESS = [
    "sk-learn and task-list",
    "the token budget: 'what is left of it'",
    "password: '${PASSWORD}'",
    "password = os.environ['PASSWORD']",
    "api_key: '<your key>'",
    "https://example.org/path?x=1",
    "Bearer of bad news",
    "eyJ is how such tokens begin",
    "MAX_TOKEN=8000 and TOKEN=read_token()",
    "PASSWORD=$DB_PASSWORD",
    "Authorization: Basic is what it wants",
    "commit 9642654aa1b2c3d4e5f60718293a4b5c6d7e8f90",
]


@pytest.mark.parametrize("kind", SECRETS)
def test_key_of_a_known_form_gets_a_name_by_its_kind(kind: str) -> None:
    pseudonyms = Pseudonyms()

    shown = pseudonyms.replace_secrets(f"key={SECRETS[kind]}, and more")

    assert shown == f"key=[{kind} 1], and more"


@pytest.mark.parametrize("text", HARMLESS)
def test_what_only_looks_alike_is_left(text: str) -> None:
    assert Pseudonyms().replace_secrets(text) == text


def test_same_secret_has_the_same_name_everywhere_and_another_one_another() -> None:
    pseudonyms = Pseudonyms()
    first, second = "ghp_" + "1" * 36, "ghp_" + "2" * 36

    shown = [pseudonyms.replace_secrets(text) for text in (f"{first} {second}", first)]

    assert shown == ["[github-token 1] [github-token 2]", "[github-token 1]"]
    assert [(r.pseudonym, r.places) for r in pseudonyms.list_removals()] == [
        ("[github-token 1]", 2),
        ("[github-token 2]", 1),
    ]


def test_value_of_a_telling_name_is_replaced_and_the_name_stays() -> None:
    text = 'DB_PASSWORD = "correct-horse-9"\n'

    assert Pseudonyms().replace_secrets(text) == 'DB_PASSWORD = "[value 1]"\n'


def test_document_stays_a_document() -> None:
    document = json.dumps({"code": 'secret: "hunter2hunter2"', "api_key": "0123456789abcdef"})

    shown = json.loads(Pseudonyms().replace_secrets(document))

    assert shown == {"code": 'secret: "[value 1]"', "api_key": "[value 2]"}


def test_private_key_of_many_lines_is_taken_out_whole() -> None:
    edge = "-----{} RSA PRIVATE KEY-----"
    text = f"a\n{edge.format('BEGIN')}\nMIIE\nabcd\n{edge.format('END')}\nb"

    assert Pseudonyms().replace_secrets(text) == "a\n[private-key 1]\nb"


def test_credentials_of_an_address_are_taken_out_and_the_address_stays() -> None:
    text = "postgresql://app:s3cret@db.example.org/main"

    shown = Pseudonyms().replace_secrets(text)

    assert shown == "postgresql://[url-credentials 1]@db.example.org/main"


def test_bearer_token_is_taken_out() -> None:
    shown = Pseudonyms().replace_secrets("Authorization: Bearer abcdef0123456789.xyz")

    assert shown == "Authorization: Bearer [bearer-token 1]"


def test_long_text_without_secrets_takes_no_long_time() -> None:
    text = "key: value, token token token :::: eyJ sk- -----BEGIN " * 20_000

    assert Pseudonyms().replace_secrets(text) == text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("AWS_SECRET_ACCESS_KEY=" + "wJal/rX+" * 5, "AWS_SECRET_ACCESS_KEY=[variable 1]"),
        ("DB_PASSWORD=correct-horse-9", "DB_PASSWORD=[variable 1]"),
        ("x-api-key: 'correct-horse-9'", "x-api-key: '[value 1]'"),
        ("redis://:correct-horse@cache:6379", "redis://[url-credentials 1]@cache:6379"),
        ("Authorization: Basic dXNlcjpwYXNz", "Authorization: Basic [basic-credentials 1]"),
        ("session-" + SECRETS["json-web-token"], "session-[json-web-token 1]"),
    ],
)  # fmt: skip
def test_secret_without_quotes_is_replaced_where_its_place_tells_it(text: str, shown: str) -> None:
    assert Pseudonyms().replace_secrets(text) == shown


@pytest.mark.parametrize("begin", ["", "RSA ", "OPENSSH ", "PGP "])
def test_private_key_is_replaced_to_its_end(begin: str) -> None:
    block = " BLOCK" if begin == "PGP " else ""
    body = "Proc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,00--FF\n\nMIIE+/=="
    name = f"{begin}PRIVATE KEY{block}"
    text = f"a\n-----BEGIN {name}-----\n{body}\n-----END {name}-----\nb"

    assert Pseudonyms().replace_secrets(text) == "a\n[private-key 1]\nb"


@pytest.mark.parametrize("unit", ["a-", "a_", "eyJ-", "-----BEGIN PRIVATE KEY-----\n", "://a:"])
def test_text_made_to_be_slow_takes_no_longer_than_any_other(unit: str) -> None:
    text = unit * (200_000 // len(unit))
    started = time.process_time()

    assert Pseudonyms().replace_secrets(text) == text

    assert time.process_time() - started < 5  # minutes where each start walks over the rest

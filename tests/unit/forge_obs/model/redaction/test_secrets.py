"""Secrets of known forms are replaced, and nothing else."""

import base64
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
    "perplexity-key": "pplx-" + "a1B2" * 12,
    "cerebras-key": "csk-" + "a1b2" * 12,
    "replicate-token": "r8_" + "a1B2" * 9 + "c",
    "fireworks-key": "fw_" + "a1B2" * 6,
    "together-key": "tgp_v1_" + "a1-_" * 11,
    "nvidia-key": "nvapi-" + "a1-_" * 16,
    "langsmith-key": "lsv2_pt_" + "0f" * 16 + "_" + "0f" * 5,
    "tavily-key": "tvly-" + "dev-" + "a1B2" * 8,
    "google-secret": "GOCSPX-" + "a1B2" * 7,
    "google-token": "ya29." + "a0Af" * 15,
    "vault-token": "hvs." + "CAES" * 6 + "a1B2" * 4,
    "digitalocean-token": "dop_v1_" + "0f" * 32,
    "databricks-token": "dapi" + "0f" * 16,
    "docker-token": "dckr_" + "pat_" + "a1B2" * 7,
    "atlassian-token": "ATATT3" + "xFf1" * 46,
    "twilio-key": "SK" + "0f" * 16,
    "shopify-token": "shpat_" + "0f" * 16,
    "notion-token": "ntn_" + "a1B2" * 12,
    "linear-key": "lin_api_" + "a1B2" * 10,
    "grafana-token": "glsa_" + "a1B2" * 8 + "_0a1b2c3d",
    "age-key": "AGE-SECRET-KEY-1" + "QPZRY9X8" * 7 + "GF",
    "langfuse-key": "sk-lf-" + "0f0f0f0f-0f0f-0f0f-0f0f-0f0f0f0f0f0f",
    "google-auth-key": "AQ." + "Ab8RN6_" * 7,
    "logfire-token": "pylf_v1_eu_" + "a1B2" * 10,
    "wandb-key": "wandb_v1_" + "a1B2" * 16,
    "pinecone-key": "pcsk_" + "a1B2c_" + "a1B2" * 15,
    "jina-key": "jina_" + "a1B2" * 15,
    "firecrawl-key": "fc-" + "0f" * 16,
    "e2b-key": "e2b_" + "0f" * 20,
    "anyscale-key": "esecret_" + "a1b2" * 8,
    "alibaba-key": "LTAI" + "5tA1b2C3d4E5f6G7h8J9",
    "yandex-key": "AQVN" + "a1-_B" * 7,
    "cloudflare-key": "cfut_" + "a1B2" * 10 + "0f0f0f0f",
    "heroku-key": "HRKU-" + "AA" + "a1-_" * 14,
    "netlify-token": "nfp_" + "a1B2" * 9,
    "vercel-token": "vcp_" + "a1B2" * 14,
    "render-key": "rnd_" + "a1B2" * 8,
    "scalingo-token": "tk-us-" + "a1-_" * 12,
    "tailscale-key": "tskey-" + "auth-kABC123CNTRL-" + "a1B2" * 8,
    "pulumi-token": "pul-" + "0f" * 20,
    "openshift-token": "sha256~" + "a1-_" * 10 + "abc",
    "infracost-key": "ico-" + "a1B2" * 8,
    "supabase-key": "sbp_" + "0f" * 20,
    "neon-key": "napi_" + "a1b2" * 16,
    "planetscale-key": "pscale_" + "tkn_" + "a1B_" * 10,
    "mongodb-secret": "mdb_" + "sa_sk_" + "a1B2" * 10,
    "contentful-token": "CFPAT-" + "a1-_" * 11,
    "apify-token": "apify_" + "api_" + "a1B2" * 9,
    "adafruit-key": "aio_" + "a1B2" * 7,
    "doppler-token": "dp." + "st.dev_main." + "a1B2" * 10,
    "onepassword-token": "ops_" + "eyJ" + "a1B2" * 60,
    "bitbucket-password": "ATBB" + "a1B2" * 8,
    "rubygems-key": "rubygems_" + "0f" * 24,
    "nuget-key": "oy2" + "a1b2" * 10 + "abc",
    "clojars-token": "CLOJARS_" + "0f" * 30,
    "artifactory-key": "AKCp" + "a1B2" * 17 + "c",
    "circleci-token": "CCIPAT_" + "a1B2" * 6 + "_" + "0f" * 20,
    "buildkite-token": "bkua_" + "0f" * 20,
    "sonar-token": "squ_" + "0f" * 20,
    "postman-key": "PMAK-" + "0f" * 12 + "-" + "0f" * 17,
    "prefect-key": "pnu_" + "a1B2" * 9,
    "figma-token": "figd_" + "a1-_" * 10,
    "posthog-key": "phx_" + "a1B2" * 11,
    "brevo-key": "xkeysib-" + "0f" * 32 + "-" + "a1b2" * 4,
    "onesignal-key": "os_v2_" + "app_" + "a2b3" * 20,
    "typeform-token": "tfp_" + "a1B_" * 11,
    "flutterwave-key": "FLWSECK" + "_TEST-" + "0f" * 16 + "-X",
    "duffel-token": "duffel_" + "test_" + "a1-_" * 11,
    "shippo-token": "shippo_" + "live_" + "0f" * 20,
    "easypost-key": "EZAK" + "a1b2" * 13 + "cd",
    "readme-key": "rdme_" + "a1b2" * 17 + "cd",
    "frame-io-token": "fio-u-" + "a1-_" * 16,
}

WHOLE = {
    "azure-secret": "abc8Q~" + "a1-._" * 6 + "wxyz",
    "sendgrid-key": "SG." + "a1-_" * 5 + "bb." + "a1-_" * 10 + "ccc",
    "telegram-token": "123456789:" + "AA" + "b3-_" * 8 + "c",
    "django-key": "django-insecure-" + "a1$%^&*(" * 5,
    "bedrock-key": "ABSK" + "a1+/" * 30 + "==",
    "azure-key": "a1B2" * 13 + "JQQJ99" + "a1B2" * 6 + "xy",
    "cloudflare-ca-key": "v1.0-" + "0f" * 12 + "-" + "0f" * 73,
    "fly-token": "fm2_" + "a1+/" * 30 + "=",
    "terraform-token": "a1B2c3D4e5F6g7" + ".atlasv1." + "a1-_" * 16,
    "dropbox-token": "sl." + "u." + "a1-_" * 40,
    "onepassword-key": "A3-" + "A1B2C3-A1B2C3-A1B2C-A1B2C-A1B2C-A1B2C",
    "sourcegraph-token": "sgp_" + "0f" * 8 + "_" + "0f" * 20,
    "octopus-key": "API-" + "A1B2" * 7,
    "harness-token": "pat." + "a1-_" * 5 + "ab." + "0f" * 12 + "." + "a1B2" * 5,
    "clickup-token": "pk_" + "12345678_" + "A1B2" * 8,
    "sentry-token": "sntrys_" + "eyJ" + "a1+/" * 20 + "_" + "a1+/" * 10,
    "new-relic-key": "NRAK-" + "A1B" * 9,
    "dynatrace-token": "dt0c01." + "A1B2" * 6 + "." + "A1B2" * 16,
    "axiom-token": "xaat-" + "0f0f0f0f-0f0f-0f0f-0f0f-0f0f0f0f0f0f",
    "mailchimp-key": "0f" * 16 + "-us21",
    "mailgun-key": "key-" + "0f" * 16,
    "intercom-token": "dG9rO" + "a1B2" * 14 + "=",
    "meta-token": "EAAC" + "a1B2" * 30 + "ZD",
    "webhook-secret": "whsec_" + "a1+/" * 8,
    "square-token": "sq0" + "csp-" + "a1-_" * 10 + "abc",
    "paypal-token": "access_token$" + "production$" + "a1b2" * 4 + "$" + "0f" * 16,
    "plaid-token": "access-" + "production-" + "0f0f0f0f-0f0f-0f0f-0f0f-0f0f0f0f0f0f",
    "salesforce-token": "00D" + "a1B2" * 3 + "!" + "a1_." * 20,
    "hubspot-token": "pat-" + "eu1-" + "0f0f0f0f-0f0f-0f0f-0f0f-0f0f0f0f0f0f",
    "mapbox-token": "sk." + "eyJ" + "a1-_" * 12 + "." + "a1-_" * 6,
}
"""Of a form with a length, and not wrapped."""

TOLD = {
    "airtable-token": ("Airtable: ", "pat" + "a1B2" * 3 + "cd." + "0f" * 32),
    "voyage-key": ("of Voyage: ", "pa-" + "a1-_" * 10 + "abc"),
    "elevenlabs-key": ("ElevenLabs: ", "sk_" + "0f" * 24),
    "crates-token": ("cargo login ", "cio" + "a1B2" * 8),
    "asana-token": ("Asana: ", "2/1200000000000001/1200000000000002:" + "0f" * 16),
    "resend-key": ("Resend: ", "re_" + "a1B2c3D4_" + "a1B2" * 6),
    "discord-token": ("discord: ", "M" + "TA4a1B2" * 3 + "cd." + "GSwJyi." + "a1-_" * 7),
}
"""Of a form that only words around it tell from others."""

HARMLESS = [
    *("dp.pt.is a prefix", "pul-ling", "sbp_get_next_entry_of_this_list_of_pages", "figd_ure"),
    *("pat.match(x)", "rnd_number_of_the_next_line", "napi_get_value_string_utf8_of_that_object"),
    *("cargo: cio_flush_all_of_the_open_descriptors", "key-value", "a-us1", "v1.0-beta"),
    *("https://host/video.ico-0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f.png", "vca_with_many_words_inside"),
    *("token: 'https://host/oauth/token'", '"client_secret": "client_secret"'),
    '"Password": "Password"',
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
    "class='sk-folding-cube-of-any-width'",
    "Authorization: Basic authentication",
    "Bearer authentication-required",
    "docker run -u 1000:1000 image && curl -u $USER:$PASSWORD host",
    '("API_KEY", "API_KEY_2")',
    '"auth": "none"',
    "Cookie: what a browser keeps",
    "PASS: tests/unit/test_2.py",
    'name="password" value="{{ value1 }}"',
    "https://example.org/packages/a-long-name-of-1-thing",
    base64.b64encode(b"What is encoded here is no secret of anybody.").decode(),
    "hv" + "s.append(1)",
]


@pytest.mark.parametrize("kind", SECRETS | WHOLE)
def test_key_of_a_known_form_gets_a_name_by_its_kind(kind: str) -> None:
    pseudonyms = Pseudonyms()

    shown = pseudonyms.replace_secrets(f"key={(SECRETS | WHOLE)[kind]} , and more")

    assert shown == f"key=[{kind} 1] , and more"


@pytest.mark.parametrize("kind", TOLD)
def test_key_is_told_by_its_issuer(kind: str) -> None:
    before, secret = TOLD[kind]

    assert Pseudonyms().replace_secrets(f"{before}{secret}.") == f"{before}[{kind} 1]."
    assert Pseudonyms().replace_secrets(f"of another: {secret}.") == f"of another: {secret}."


@pytest.mark.parametrize("prefix", ["ct", "pt", "st", "sa", "said", "scim", "audit"])
def test_each_kind_of_doppler_token_is_found(prefix: str) -> None:
    assert Pseudonyms().replace_secrets(f"dp.{prefix}.{'a1B2' * 10}") == "[doppler-token 1]"


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


def test_key_of_a_service_role_is_a_json_web_token() -> None:
    header, body = (
        base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode()
        for part in ({"alg": "HS256", "typ": "JWT"}, {"iss": "supabase", "role": "service_role"})
    )

    shown = Pseudonyms().replace_secrets(f"SERVICE_ROLE={header}.{body}.{'a1-_' * 10}")

    assert shown == "SERVICE_ROLE=[json-web-token 1]"


def test_private_parts_of_a_json_web_key_are_taken_out() -> None:
    key = {"kty": "EC", "crv": "P-256", "x": "a1-_" * 10, "d": "b2-_" * 10}

    shown = json.loads(Pseudonyms().replace_secrets(json.dumps(key)))

    assert shown == {**key, "d": "[json-web-key 1]"}


def test_private_key_of_putty_is_taken_out_and_its_public_part_stays() -> None:
    lines = "\n".join(["MIIEvQIBADANBgkqhkiG9w0BAQEFAASC" * 2] * 2)
    text = f"Public-Lines: 2\n{lines}\nPrivate-Lines: 2\n{lines}\nPrivate-MAC: 0f0f\n"

    shown = Pseudonyms().replace_secrets(text)

    assert shown == (
        f"Public-Lines: 2\n{lines}\nPrivate-Lines: [private-key 1]\nPrivate-MAC: 0f0f\n"
    )


def test_private_key_of_ssh2_is_taken_out_whole() -> None:
    edge = "---- {} SSH2 ENCRYPTED PRIVATE KEY ----"
    text = f"a\n{edge.format('BEGIN')}\nComment: x\nMIIE\n{edge.format('END')}\nb"

    assert Pseudonyms().replace_secrets(text) == "a\n[private-key 1]\nb"


@pytest.mark.parametrize("begin", ["", "RSA ", "OPENSSH ", "PGP "])
def test_private_key_is_replaced_to_its_end(begin: str) -> None:
    block = " BLOCK" if begin == "PGP " else ""
    body = "Proc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,00--FF\n\nMIIE+/=="
    name = f"{begin}PRIVATE KEY{block}"
    text = f"a\n-----BEGIN {name}-----\n{body}\n-----END {name}-----\nb"

    assert Pseudonyms().replace_secrets(text) == "a\n[private-key 1]\nb"


BREAKS = {
    "line feed": "\n",
    "carriage return": "\r\n    ",
    "line feed in JSON": "\\n",
    "line continuation": " \\\n",
    "adjacent literals": '"\n    "',
    "concatenated literals": "' + '",
    "quotation": "\n> ",
    "diff": "\n+",
}


@pytest.mark.parametrize("kind", SECRETS)
def test_wrapped_key_is_the_same_secret_as_in_one_line(kind: str) -> None:
    secret = SECRETS[kind].replace("kkkk", "k1k1")
    secret = secret[:-12] + "7" + secret[-11:]
    place = secret.rindex(".") + 3 if kind == "json-web-token" else max(len(secret) - 12, 8)
    template = 'key "{}"\nimport os\n{}\nreturn_value\n'
    for name, line_break in BREAKS.items():
        wrapped = f"{secret[:place]}{line_break}{secret[place:]}"

        shown = Pseudonyms().replace_secrets(template.format(wrapped, secret))

        assert shown == template.format(f"[{kind} 1]", f"[{kind} 1]"), name


VALUES = {
    "YAML": ("password: hunter2hunter2", "hunter2hunter2"),
    "YAML, short": ("  db:\n    password: hunter2\n    port: 1", "hunter2"),
    "YAML with a comment": ("api_key: 0a1b2c3d4e # production", "0a1b2c3d4e"),
    "YAML with a sign": ("password: P@sswort!", "P@sswort!"),
    "INI": ("[db]\npassword = s3cr3t-of-ours\n", "s3cr3t-of-ours"),
    "properties": ("spring.datasource.password=s3cr3t-of-ours", "s3cr3t-of-ours"),
    "variable": ("export DB_PASSWORD=hunter2hunter2", "hunter2hunter2"),
    "lower variable": ("db_password=hunter2hunter2\nx=1", "hunter2hunter2"),
    "camel case": ("dbPassword: hunter2hunter2", "hunter2hunter2"),
    "header": ("curl -H 'X-API-Key: 0a1b2c3d4e5f'", "0a1b2c3d4e5f"),
    "JSON in a string": ('{\\"password\\": \\"hunter2hunter2\\"}', "hunter2hunter2"),
    "lines in a string": ("'user: me\\npassword: hunter2hunter2\\nport: 1'", "hunter2hunter2"),
    "behind a type": ('password: str = "hunter2hunter2"', "hunter2hunter2"),
    "short in quotes": ('PASSWORD = "hunter2"', "hunter2"),
    "element": ("<db.password>correct-horse</db.password>", "correct-horse"),
    "address": ("GET https://host/x?a=1&access_token=a1b2c3d4e5 HTTP/1.1", "a1b2c3d4e5"),
    "option": ("login --db-password hunter2hunter2 --yes", "hunter2hunter2"),
    ".netrc": ("machine host login me password correct-horse", "correct-horse"),
    "variable for mail": ("SMTP_PASS=hunter2hunter2", "hunter2hunter2"),
    "variable of PostgreSQL": ("PGPASSWORD=hunter2x psql", "hunter2x"),
    "connection string": ("Server=x;Password=Hunter2;Encrypt=True", "Hunter2"),
    "key of an account": ("AccountName=x;AccountKey=a1B2c3D4==;Suffix=y", "a1B2c3D4=="),
    "parameters of libpq": ("host=x password=s3cret dbname=y", "s3cret"),
    "log line": ("level=info token=a1b2c3d4e5 user=x", "a1b2c3d4e5"),
    "item of a mapping": ("os.environ['API_KEY'] = 'hunter2hunter2'", "hunter2hunter2"),
    "second argument": ("define('DB_PASSWORD', 'hunter2hunter2');", "hunter2hunter2"),
    "hash of Ruby": (":password => 'hunter2hunter2'", "hunter2hunter2"),
    "name and value in YAML": ("- name: DB_PASSWORD\n  value: hunter2hunter2", "hunter2hunter2"),
    "name and value in JSON": ('{"name": "API_KEY", "value": "a1b2c3d4"}', "a1b2c3d4"),
    "name and value in XML": ('<add key="password" value="hunter2"/>', "hunter2"),
    "block of YAML": ("password: |\n  hunter2hunter2\n", "hunter2hunter2"),
    "in a code span": ("password: `hunter2hunter2`", "hunter2hunter2"),
    "JSON in JSON in JSON": (
        '\\\\\\"password\\\\\\": \\\\\\"hunter2hunter2\\\\\\"',
        "hunter2hunter2",
    ),
    "signs in quotes": ("SECRET_KEY = 'a1$%^&*()x=='", "a1$%^&*()x=="),
    "header of a mapping": ('{"Authorization": "Basic dXNlcjpwYXNz"}', "dXNlcjpwYXNz"),
    "header without a space": ("authorization:Basic dXNlcjpwYXNz", "dXNlcjpwYXNz"),
    "header with a tab": ("Bearer\tabcdef0123456789", "abcdef0123456789"),
    "header of GitHub": ("Authorization: token abcdef0123456789", "abcdef0123456789"),
    "header without a scheme": ("Authorization: abcdef0123456789", "abcdef0123456789"),
    "cookie": ("Set-Cookie: id=a1b2c3d4e5; Secure", "id=a1b2c3d4e5; Secure"),
    "login of Docker": ('{"auth": "dXNlcjpwYXNzd29yZA=="}', "dXNlcjpwYXNzd29yZA=="),
    "login of curl": ("curl -s -u 'me:correct-horse' host", "correct-horse"),
    "login in an address": ("https://a1b2c3d4e5f6a1b2c3d4@host/x", "a1b2c3d4e5f6a1b2c3d4"),
    "encoded address": ("?to=https%3A%2F%2Fx%3Ftoken%3Da1b2c3d4e5", "a1b2c3d4e5"),
    "name of two words": ("API key: a1b2c3d4e5", "a1b2c3d4e5"),
    "address of Zapier": ("https://hooks.zapier.com/hooks/catch/123/a1b2c3/", "123/a1b2c3/"),
    "address of Teams": (
        "https://x.webhook.office.com/webhookb2/0f0f0f0f-0f0f@0f0f/IncomingWebhook/0f0f0f0f/0f0f",
        "0f0f0f0f-0f0f@0f0f/IncomingWebhook/0f0f0f0f/0f0f",
    ),
    "address that takes messages": (
        "https://hooks.slack.com/services/T0/B0/a1b2c3d4e5f6a1b2",
        "services/T0/B0/a1b2c3d4e5f6a1b2",
    ),
}


@pytest.mark.parametrize(("text", "secret"), VALUES.values(), ids=VALUES)
def test_value_of_a_telling_name_is_found_wherever_it_stands(text: str, secret: str) -> None:
    pseudonyms = Pseudonyms()

    shown = pseudonyms.replace_secrets(text)

    [removal] = pseudonyms.list_removals()
    assert shown == text.replace(secret, removal.pseudonym)


CODE = """
def connect(user: str, password: str, token: Token | None = None) -> Session:
    password = password or os.environ["PASSWORD"]
    api_key = settings.api_keys.openai_2
    secret = self.secret2
    token = tokens[0]
    token = next_token2(x)
    access_key: Final = 16
    return Session(password=password, token=token2, secret=secret)

class Options(BaseModel):
    password: SecretStr
    secret: bytes32
    auth_token: OAuth2Token | None = None
    token: Optional[str] = None
    credentials: Credentials

interface Login { password: string; token?: string }
type Config struct { Password string }
password: must be at least 8 characters
token: the 2nd word
Token: 1,234,567
max_token: 100000000
password: ${DB_PASSWORD_1}
password: !vault |
secret: /run/secrets/db_1
api_key: https://example.org/v1
password: <your-password-1>
{% if password %}{{ password1 }}{% endif %}
<password>{{ password1 }}</password>
forge run --token-budget 100000
if (password === confirm1) {}
const {password, token} = request.body
?page=12&sort=key
"""


def test_ordinary_code_stays_as_it_is() -> None:
    assert Pseudonyms().replace_secrets(CODE) == CODE


@pytest.mark.parametrize("line_break", ["\n", "\\n", "\r\n  ", "\n+ ", '",\n  "'])
def test_private_key_without_its_end_is_taken_out_as_far_as_it_goes(line_break: str) -> None:
    lines = ["MIIEvQIBADANBgkqhkiG9w0BAQEFAASC", "b" * 31 + "+", "A1+/" * 8, "q8Zr4A=="]
    head = "-----BEGIN " + "PRIVATE KEY-----"
    text = f"a\n{line_break.join([head, *lines])}\nand then some code\n"

    assert Pseudonyms().replace_secrets(text) == "a\n[private-key 1]\nand then some code\n"


@pytest.mark.parametrize("width", [10_000, 64])
@pytest.mark.parametrize("line_break", ["\n", "\r\n  ", "\\n"])
def test_secret_in_base64_is_taken_out_whole(width: int, line_break: str) -> None:
    encoded = base64.b64encode(f"a: 1\nkey: {SECRETS['openai-key']}\nb: 2\n".encode() * 3).decode()
    lines = [encoded[start : start + width] for start in range(0, len(encoded), width)]

    shown = Pseudonyms().replace_secrets(f"data: {line_break.join(lines)}{line_break}then")

    assert shown == f"data: [encoded-secret 1]{line_break}then"


def test_many_secrets_take_no_longer_for_being_different() -> None:
    text = " ".join(f"AKIA{number:016d}" for number in range(20_000))
    started = time.process_time()

    assert Pseudonyms().replace_secrets(text).endswith(" [aws-key 20000]")

    assert time.process_time() - started < 5  # twice that where all are counted for each


SLOW = [
    *("a-", "a_", "eyJ-", "-----BEGIN PRIVATE KEY-----\n", "://a:", "sk-a\n", "sk-ant-aaaa\n"),
    *("AKIA\n", "token", "token: ", "password=\n", "--token-", "?a_", "<password>", "login a "),
    *("secret:a.", "ghp_\n", '"+"', "eyJaaaaaaaa\n", "-----BEGIN PRIVATE KEY-----\nA: b"),
    *("A" * 64 + "\n", "curl -u a:$", "token=aaaaaaa;", "token value", "://a1", "cookie: a="),
    *(":pwd", "--A", "--eyJ", "password is ", "password for a b is", 'password: "a ', "密码是"),
    *("login a", "credentials are a/", "and password a_", "seed phrase: abc ", '"kty" "d": "a'),
    *(
        "Private-Lines: 1\nA",
        "---- BEGIN PRIVATE KEY ----",
        "dp.st.a\n",
        "A3-A-",
        "0f0f-us",
        "\u0130pw",
    ),
]


@pytest.mark.parametrize("unit", SLOW)
def test_text_made_to_be_slow_takes_no_longer_than_any_other(unit: str) -> None:
    text = unit * (200_000 // len(unit))
    started = time.process_time()

    assert Pseudonyms().replace_secrets(text) == text

    assert time.process_time() - started < 5  # minutes where each start walks over the rest


@pytest.mark.parametrize(
    "value", ["s3cret", "tests2run.py", "get_token2", "2026-12-01", "correct horse 2 battery"]
)
def test_secret_that_prose_or_code_may_have_is_not_taken_for_one_elsewhere(value: str) -> None:
    pseudonyms = Pseudonyms()
    assert value not in pseudonyms.replace_secrets(f'password: "{value}"')

    assert pseudonyms.replace_known(f"see {value}, or so") == f"see {value}, or so"


def test_known_secret_is_no_part_of_a_longer_word() -> None:
    pseudonyms = Pseudonyms()
    pseudonyms.replace_secrets('password: "hunter2x9"')

    known = pseudonyms.replace_known("hunter2x9, (hunter2x9) hunter2x99 a.hunter2x9")

    assert known == "[value 1], ([value 1]) hunter2x99 a.hunter2x9"

"""Passwords in sentences and with spaces are replaced, and what is written of them stays."""

import pytest
from forge_obs.model.redaction.secrets import Pseudonyms

PASSWORD = "s3cret!"
KEY = "a1b2c3d4e5f6"
WALLET = "legal winner thank year wave sausage worth useful legal winner thank yellow"

SAID = {
    "is": ("the password is {}", PASSWORD),
    "at the end of a sentence": ("The password is {}. Try it.", "hunter2"),
    "is now": ("My password is now {}, please log in.", PASSWORD),
    "for whom": ("The password for the demo account is {}", PASSWORD),
    "with a colon": ("The password is: {}\n", PASSWORD),
    "in the next line": ("The password is:\n\n{}\n", PASSWORD),
    "in a code span": ("the password is `{}`", PASSWORD),
    "bold": ("the password is **{}**", PASSWORD),
    "in typographic quotes": ("the password is \u201c{}\u201d", PASSWORD),
    "with a user": ("log in with user bob and password {}", PASSWORD),
    "behind a comma": ("user bob, password {}", PASSWORD),
    "behind a user": ("username bob password {}", PASSWORD),
    "using": ("using password {} to connect", PASSWORD),
    "quoted behind its name": ("a password `{}`", "love123"),
    "put into a sentence": ("Password: {} for the demo", PASSWORD),
    "with a user before a stroke": ("credentials are admin/{}", "hunter2x"),
    "with a user before a colon": ("log in as admin:{}", PASSWORD),
    "digits": ("the password is {}", "123456"),
    "key": ("my API key is {}", KEY),
    "key, hyphenated": ("the api-key is {} and", KEY),
    "token": ("the access token is {}.", KEY),
    "token by itself": ("the token is `{}`", KEY),
    "behind another name": ("my secret password is {}", PASSWORD),
    "in JSON": ('{{"text": "first\\npassword is {}"}}', PASSWORD),
    "German": ("das Passwort ist {}", PASSWORD),
    "French": ("le mot de passe est {}", PASSWORD),
    "Spanish": ("la contrase\xf1a es {}", PASSWORD),
    "Polish": ("has\u0142o jest {}", PASSWORD),
    "Chinese": ("密码是{}", "hunter2x"),
    "Japanese": ("パスワードは {}", "hunter2x"),
    "words": ('password: "{}"', "correct horse battery staple"),
    "letters": ("password = '{}'", "a b c"),
    "words of a variable": ('DB_PASSWORD="{}"', "correct horse battery staple"),
    "words in JSON": ('{{"passphrase": "{}"}}', "tall ship 7even seas"),
    "words in JSON in JSON": ('{{\\"password\\": \\"{}\\"}}', "correct horse battery staple"),
    "words in a sentence": ('the password is "{}"', "correct horse battery staple"),
    "words with capitals": ('password: "{}"', "Correct Horse Battery Staple"),
    "words with a sign": ('password: "{}"', "My-Dog h@s fleas9"),
    "wallet": ("seed phrase: {}", WALLET),
    "wallet in quotes": ('"mnemonic": "{}"', WALLET),
}

PROSE = [
    *("the password is required", "The password is case-sensitive", "password is hashed by sha256"),
    *(
        "the password is base64-encoded",
        "the password is at least 8 characters",
        "password is v1.2.3",
    ),
    *(
        "the key is that you look",
        "the API key is OPENAI_API_KEY_2",
        "the token is OAuth2AccessToken",
    ),
    *("the token is valid for 15min", "the secret is 32-byte", "the password is user.password1"),
    *(
        "the password is me@example.org",
        "the token is https://host/x1y2z3w4",
        "password is 2FA-ready",
    ),
    *("the secret is in /run/secrets/db_1", "a token issued_at2", "reset the password user2fa"),
    *("with password authentication on", "the password2 field", "use a token gpt-3.5-turbo-16k"),
    *(
        "login: https://host/v2",
        "https://login.host/v2/oauth",
        "log in to host/a1b2c3d",
        "log in via k8s/x",
    ),
    'password: "Enter your password"',
    'password: "Must have 8 characters"',
    'password: "Mot de passe oublié"',
    '"password": "Wachtwoord vergeten"',
    'password: "Neues Passwort"',
    'password: "Repeat password:"',
    'password: "not found"',
    'the password "${FILE_OF_PASSWORD2}" is set',
    'password: "is too short"',
    "password: '{{ item.0.password }} and more'",
    "def login(user: str, password: str = 'a b') -> None:",
    'help = "the password is read from a file"',
    "for (X509Credential credential : signingX509Credentials) {",
    "password: hunter2, user: bob2",
    "Passwords are hashed; a password is argon2id or bcrypt.",
    "seed phrase: twelve words that you write down on paper",
    "mnemonic: add two numbers",
    "# パスワードとBearerによるシンプルなOAuth2",
    "token csrfToken1 is set",
]


@pytest.mark.parametrize(("template", "secret"), SAID.values(), ids=SAID)
def test_what_a_sentence_says_of_a_password_is_replaced(template: str, secret: str) -> None:
    pseudonyms = Pseudonyms()

    shown = pseudonyms.replace_secrets(template.format(secret))

    [removal] = pseudonyms.list_removals()
    assert shown == template.format(removal.pseudonym)


@pytest.mark.parametrize("text", PROSE)
def test_what_is_written_of_passwords_stays(text: str) -> None:
    assert Pseudonyms().replace_secrets(text) == text


def test_password_has_one_name_in_a_sentence_and_in_a_file() -> None:
    shown = Pseudonyms().replace_secrets("the password is hunter2.\npassword: hunter2\n")

    assert shown == "the password is [value 1].\npassword: [value 1]\n"


def test_several_sentences_are_read_each_by_itself() -> None:
    text = "The password is required. The password is hunter2, and the API key is a1b2c3d4e5f6."

    shown = Pseudonyms().replace_secrets(text)

    assert shown == (
        "The password is required. The password is [password 1], and the API key is [value 1]."
    )

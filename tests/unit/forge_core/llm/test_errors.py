"""A failure is one line that says what happened and what to do, without text of the prompts."""

from dataclasses import replace
from typing import get_args

import pytest
from forge_core.llm.error_body import read_message
from forge_core.llm.errors import (
    MESSAGE_LENGTH,
    QUOTED_LENGTH,
    RETRYABLE,
    FailureKind,
    ModelFailure,
    explain_failure,
)
from forge_core.llm.request import ModelRequest, RequestLabels, request_params
from forge_core.models.call.llm import LLMResponse
from forge_core.models.call.settings import CallSettings

REQUEST = ModelRequest(
    model="anthropic:claude",
    system_prompt="You are a software engineer.",
    user_prompt="The combination of the safe is 12-34-56.\nWrite it down.",
    output=LLMResponse,
    max_tokens=10,
    labels=RequestLabels("llm"),
)


def explain(kind: FailureKind, status: int | None, body: str | None) -> str:
    return explain_failure(REQUEST, kind, status, body, ConnectionError("refused"))


def test_only_passing_failures_may_be_retried() -> None:
    final = set(get_args(FailureKind)) - RETRYABLE

    assert final == {
        "authentication",
        "context_too_long",
        "invalid_output",
        "no_scripted_answer",
        "not_configured",
        "not_found",
        "quota",
        "refused",
        "rejected",
        "truncated",
        "wrong_address",
    }


def test_a_message_is_one_line_of_bounded_length() -> None:
    failure = ModelFailure("rejected", "a\nb\t" + "x" * 10_000)

    assert str(failure).startswith("a b x")
    assert len(str(failure)) == MESSAGE_LENGTH + 1


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ('{"error": {"message": "m", "type": "t"}}', "m"),
        ('{"type": "error", "error": {"type": "t", "message": "m"}}', "m"),
        ('{"error": "m"}', "m"),
        ('{"message": "m"}', "m"),
        ('{"detail": "m"}', "m"),
        ('{"detail": [{"loc": ["body", "x", 0], "msg": "m"}]}', "x.0: m"),
        ('{"other": "m"}', None),
        ("<html>m</html>", None),
        ("[1]", None),
        ("[" * 100_000, None),
        ('{"error": {"message": 3}}', None),
    ],
    ids=[
        "openai",
        "anthropic",
        "ollama",
        "flat",
        "fastapi",
        "place",
        "other",
        "html",
        "list",
        "deep",
        "number",
    ],
)
def test_the_providers_message_is_found_in_its_body(body: str, message: str | None) -> None:
    assert read_message(body) == message


def test_the_line_holds_model_kind_status_message_and_advice() -> None:
    line = explain("authentication", 401, '{"error": {"message": "bad key"}}')

    assert line == ("anthropic:claude: authentication (HTTP 401): bad key; check ANTHROPIC_API_KEY")


def test_without_a_response_the_clients_own_words_serve() -> None:
    line = explain("connection", None, None)

    assert line == (
        "anthropic:claude: connection: refused; check the network and ANTHROPIC_BASE_URL"
    )


def test_the_innermost_cause_is_told() -> None:
    error = ConnectionError("Connection error.")
    error.__cause__ = OSError(111, "Connection refused")

    line = explain_failure(REQUEST, "connection", None, None, error)

    assert "[Errno 111] Connection refused" in line


def test_a_body_without_a_message_is_not_quoted() -> None:
    line = explain("server_error", 502, "<html>proxy</html>")

    assert line == "anthropic:claude: server error (HTTP 502)"


def test_a_provider_that_quotes_the_prompt_is_not_quoted() -> None:
    echo = '{"error": {"message": "bad: The combination of the safe is 12-34-56."}}'

    line = explain("rejected", 400, echo)

    assert line == "anthropic:claude: rejected (HTTP 400)"


def test_a_providers_long_message_is_cut() -> None:
    line = explain("rejected", 400, '{"error": {"message": "%s"}}' % ("x" * 5000))

    assert line.count("x") == QUOTED_LENGTH


def test_the_parameters_on_record_are_those_beside_the_prompts() -> None:
    assert request_params(REQUEST) == {
        "max_tokens": 10,
        "timeout_s": 600.0,
        "output_mode": "tool",
        "tool": "llmresponse",
    }


def test_settings_are_on_record_as_far_as_they_are_set() -> None:
    params = request_params(replace(REQUEST, settings=CallSettings(temperature=0, timeout_s=5)))

    assert params == {**request_params(REQUEST), "temperature": 0, "timeout_s": 5}

"""The model server for tests fails a test whose requests it did not expect."""

import json
import urllib.request
from contextlib import suppress
from urllib.error import HTTPError

import pytest
from support.llm_server import LLMServer, by_text, error, in_order, tool


def post(server: LLMServer, prompt: str, path: str = "/v1/chat/completions") -> bytes:
    request = urllib.request.Request(  # noqa: S310 - the server's own address
        server.url + path,
        data=json.dumps({"model": "m", "messages": [{"role": "user", "content": prompt}]}).encode(),
    )
    with urllib.request.urlopen(request, timeout=10) as response:  # noqa: S310 - see above
        body: bytes = response.read()
    return body


def test_replies_are_chosen_by_what_the_prompt_says() -> None:
    handler = by_text([("one", tool("1")), ("two", in_order(tool("2"), tool("3")))])

    with LLMServer(handler) as server:
        for prompt in ("two", "one", "two"):
            post(server, prompt)

    assert [exchange.response_text for exchange in server.exchanges] == ["2", "1", "3"]


def ask_too_much() -> None:
    with LLMServer(in_order()) as server, suppress(ConnectionError):
        post(server, "again")


def test_a_request_too_many_fails_the_test() -> None:
    with pytest.raises(AssertionError, match="no reply is left for 'again'"):
        ask_too_much()


def test_a_path_that_no_provider_has_is_not_found_and_not_recorded() -> None:
    with LLMServer(in_order()) as server, pytest.raises(HTTPError, match="404"):
        post(server, "x", path="/v2/other")

    assert server.exchanges == []


def test_what_was_sent_is_on_record() -> None:
    with LLMServer(in_order(error(500, "api_error", "boom"))) as server:
        with pytest.raises(HTTPError) as caught:
            post(server, "x")
        sent = caught.value.read()

    [exchange] = server.exchanges
    assert exchange.body == sent
    assert exchange.reply is not None
    assert exchange.reply.status == 500

"""What a provider says besides its answer is read from the body as it came."""

import json

from forge_core.llm.report import read_report
from forge_core.llm.request import Reported


def test_whole_answer_reports_in_its_own_words() -> None:
    usage = {"prompt_tokens": 9, "cached_tokens": 5, "cost": 0.5}
    body = json.dumps({"id": "chatcmpl-1", "service_tier": "flex", "usage": usage})

    report = read_report(body, {"x-request-id": "req-1"})

    assert report == Reported([usage], "flex", "chatcmpl-1", "req-1")


def test_stream_reports_at_its_beginning_and_its_end() -> None:
    events = [
        {"type": "message_start", "message": {"id": "msg_1", "usage": {"input_tokens": 9}}},
        {"type": "message_delta", "usage": {"output_tokens": 3}},
        {"type": "message_delta", "usage": {"output_tokens": 30}},
    ]
    body = "".join(f"event: x\ndata: {json.dumps(event)}\n\n" for event in events)

    report = read_report(body, {})

    assert report == Reported([{"input_tokens": 9}, {"output_tokens": 30}], None, "msg_1")


def test_tier_that_was_billed_counts_not_the_one_that_was_asked_for() -> None:
    events = [
        {"response": {"id": "resp_1", "service_tier": "auto", "usage": None}},
        {"response": {"id": "resp_1", "service_tier": "default", "usage": {"input_tokens": 9}}},
    ]
    body = "\n".join(f"data: {json.dumps(event)}" for event in events)

    assert read_report(body, {}) == Reported([{"input_tokens": 9}], "default", "resp_1")


def test_body_that_is_nothing_of_the_kind_reports_nothing() -> None:
    for body in ("", "Bad Gateway", "[1]", '{"id": 3, "usage": 7}', "{" * 100_000):
        assert read_report(body, {}) == Reported()

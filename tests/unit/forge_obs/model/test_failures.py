"""What is told of a failure elsewhere is classed as an exception would be."""

import pytest
from forge_obs.model.failures import classify_told, describe_failure


@pytest.mark.parametrize(
    ("told", "text", "status", "kind"),
    [
        (["ValueError"], "", 429, "rate_limited"),
        (["ValueError", "429"], "", None, "rate_limited"),
        (["RateLimitError"], "", None, "rate_limited"),
        (["a.b.LangChainRateLimitError"], "", None, "rate_limited"),
        (["APIError"], "Error code: 529 - {}", None, "overloaded"),
        (["APIError"], "HTTP 500", None, "server_error"),
        (["APIError"], "status_code: 400, model_name: m", None, "rejected"),
        ([], "insufficient quota", 429, "quota"),
        (["insufficient_quota"], "", None, "quota"),
        (["ConnectTimeout"], "", None, "timeout"),
        (["CancelledError"], "", None, "cancelled"),
        (["error", "timeout_error"], "", None, "timeout"),
        (["KeyError"], "no error code in 404 pages", None, None),
        (["KeyError"], "HTTP 200", None, None),
        (["²²²"], "", None, None),
        ([], "", None, None),
    ],
    ids=str,
)
def test_names_words_and_statuses_tell_the_kind(
    told: list[str], text: str, status: int | None, kind: str | None
) -> None:
    assert classify_told(told, text, status) == kind


def test_an_exception_is_classed_by_the_status_that_it_carries() -> None:
    class APIStatusError(Exception):
        status_code = 429

    assert describe_failure(APIStatusError("slow"))[0] == "rate_limited"
    assert describe_failure(APIStatusError("your quota is used up"))[0] == "quota"
    assert describe_failure(TimeoutError()) == ("timeout", "TimeoutError")

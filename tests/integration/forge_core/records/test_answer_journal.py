"""An answer that has arrived is kept until the run ends, and never paid for twice."""

import logging
import os
import stat
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
from forge_core.activities.llm import call_llm
from forge_core.llm.request import ModelAnswer, ModelRequest, RequestLabels
from forge_core.llm.servers import known_dialects
from forge_core.llm.servers.known_dialects import put_in_dialect
from forge_core.models.activity import CallLLMInput
from forge_core.models.call.context import AssembledContext
from forge_core.models.call.llm import CallUsage, LLMCallResult, LLMResponse
from forge_core.models.call.settings import CallSettings
from forge_core.records.answer_journal import (
    AnswerJournal,
    AnswerKey,
    KeptAnswer,
    digest_request,
    open_journal,
)
from forge_obs import Interaction, get_interactions, open_reader
from hypothesis import given
from hypothesis import strategies as st
from support.llm_server import LLMServer, in_order, tool
from support.waiting import wait_until
from temporalio.testing import ActivityEnvironment

KEY = AnswerKey("forge-t-01234567", "run", "5", 0, "digest")
KEPT = KeptAnswer(ModelAnswer("{}", CallUsage(model_name="m", input_tokens=7)), 1, "t", "s")
REQUEST = ModelRequest("openai:m", "system", "user", LLMResponse, 100, RequestLabels("llm"))
CONTEXT = AssembledContext(
    task_id="task",
    workflow_id="forge-task-01234567",
    attempt=1,
    system_prompt="You write files.",
    user_prompt="Write a.",
    max_tokens=321,
)
ANSWER = {"files": [{"file_path": "a.py", "content": "x = 1\n"}], "explanation": "one"}
UNFIT = {"files": "none"}


@pytest.fixture
def journal(tmp_path: Path) -> AnswerJournal:
    return AnswerJournal(tmp_path / "state" / "answers")


async def call(attempt: int, prompt: str = CONTEXT.user_prompt) -> LLMCallResult:
    """Execute the activity as its attempt of this number."""
    environment = ActivityEnvironment()
    environment.info = replace(environment.info, attempt=attempt)
    context = CONTEXT.model_copy(update={"user_prompt": prompt})
    work = CallLLMInput(context=context, model="openai-chat:writer-1")
    result: LLMCallResult = await environment.run(call_llm, work)
    return result


def read_calls() -> list[Interaction]:
    engine = open_reader(os.environ["FORGE_DB_PATH"])
    assert engine is not None
    return get_interactions(engine, task_id="task")


def point_at(server: LLMServer, monkeypatch: pytest.MonkeyPatch) -> None:
    server.configure(monkeypatch)


async def test_a_later_attempt_takes_the_kept_answer_and_goes_on_in_its_row(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with LLMServer(in_order(tool(ANSWER))) as server:
        point_at(server, monkeypatch)
        first = await call(attempt=1)
        second = await call(attempt=2)

        assert second == first
        assert len(server.exchanges) == 1
    [row] = read_calls()
    assert (row.status, row.activity_attempt, row.input_tokens) == ("ok", 1, 100)


async def test_answers_that_did_not_fit_are_not_asked_for_again_either(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with LLMServer(in_order(tool(UNFIT), tool(ANSWER))) as server:
        point_at(server, monkeypatch)
        await call(attempt=1)
        await call(attempt=2)

        assert len(server.exchanges) == 2
    assert [(row.seq, row.status, row.activity_attempt) for row in read_calls()] == [
        (0, "error", 1),
        (1, "ok", 1),
    ]


async def test_another_prompt_is_another_request(monkeypatch: pytest.MonkeyPatch) -> None:
    with LLMServer(in_order(tool(ANSWER), tool(ANSWER))) as server:
        point_at(server, monkeypatch)
        await call(attempt=1)
        await call(attempt=2, prompt="Write b.")

        assert len(server.exchanges) == 2
    assert [row.activity_attempt for row in read_calls()] == [1, 2]


async def test_a_run_that_has_ended_leaves_no_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    with LLMServer(in_order(tool(ANSWER), tool(ANSWER))) as server:
        point_at(server, monkeypatch)
        await call(attempt=1)
        open_journal().forget(CONTEXT.workflow_id)
        await call(attempt=2)

        assert len(server.exchanges) == 2


def test_kept_answers_are_their_owners_alone(journal: AnswerJournal, tmp_path: Path) -> None:
    journal.keep(KEY, KEPT)

    made = (tmp_path / "state").rglob("*")
    modes = {(path.is_dir(), stat.S_IMODE(path.stat().st_mode)) for path in made}
    assert modes == {(True, 0o700), (False, 0o600)}


@given(text=st.text(st.characters()), tokens=st.integers(0, 2**40))
def test_any_answer_comes_back_as_it_was(
    tmp_path_factory: pytest.TempPathFactory, text: str, tokens: int
) -> None:
    journal = AnswerJournal(tmp_path_factory.mktemp("answers"))
    kept = replace(
        KEPT, answer=ModelAnswer(text, CallUsage(model_name="m", output_tokens=tokens), True)
    )
    journal.keep(KEY, kept)

    assert journal.find(KEY) == kept


@pytest.mark.parametrize(
    "change",
    [{"run_id": "r"}, {"activity_id": "6"}, {"seq": 1}, {"request_digest": "d"}],
    ids=["run", "activity", "seq", "request"],
)
def test_an_answer_belongs_to_one_request(
    journal: AnswerJournal, change: dict[str, str | int]
) -> None:
    journal.keep(KEY, KEPT)

    assert journal.find(replace(KEY, **change)) is None  # type: ignore[arg-type]


def test_an_answer_is_looked_for_while_it_is_being_kept(journal: AnswerJournal) -> None:
    keys = [replace(KEY, seq=number) for number in range(100)]
    with ThreadPoolExecutor(4) as threads:
        keeping = [threads.submit(journal.keep, key, KEPT) for key in keys for _ in range(2)]
        looking = [threads.submit(_look_until_kept, journal, key) for key in reversed(keys)]
        for task in (*keeping, *looking):
            task.result(60)

    assert [journal.find(key) for key in keys] == [KEPT] * len(keys)


def _look_until_kept(journal: AnswerJournal, key: AnswerKey) -> None:
    wait_until(lambda: journal.find(key) == KEPT, "the answer")


def test_a_damaged_answer_is_none(journal: AnswerJournal, tmp_path: Path) -> None:
    journal.keep(KEY, KEPT)
    for path in tmp_path.rglob("*.json"):
        path.write_text('{"text": 1')

    assert journal.find(KEY) is None


def test_an_answer_that_cannot_be_kept_costs_a_warning_only(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with caplog.at_level(logging.WARNING):
        AnswerJournal(Path("/proc/nowhere")).keep(KEY, KEPT)

    assert "could not be kept" in caplog.text


@pytest.mark.parametrize(
    "change",
    [
        {"model": "openai:n"},
        {"system_prompt": "s"},
        {"user_prompt": "u"},
        {"max_tokens": 1},
        {"settings": CallSettings(temperature=0)},
    ],
    ids=lambda change: next(iter(change)),
)
def test_digest_tells_requests_apart(change: dict[str, object]) -> None:
    assert digest_request(replace(REQUEST, **change)) != digest_request(REQUEST)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "settings",
    [CallSettings(), CallSettings(timeout_s=5, service_tier="flex")],
    ids=["none", "waiting"],
)
def test_answers_kept_by_an_older_forge_are_found(settings: CallSettings) -> None:
    digest = digest_request(replace(REQUEST, settings=settings))

    assert digest == "b7b6594a21d744eb3512525ab06069b6a44683a934b76b8c0c19c6a62a54a6b8"


def test_answer_is_found_by_a_forge_that_words_the_form_otherwise(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    request = replace(REQUEST, settings=CallSettings(output_mode="prompted"))
    before = put_in_dialect(request)
    monkeypatch.setattr(known_dialects, "FORM", "\n\nAnswer in JSON: {schema}")
    after = put_in_dialect(request)

    assert after.system_prompt != before.system_prompt
    assert digest_request(after) == digest_request(before)


def test_digest_does_not_depend_on_where_a_text_ends() -> None:
    moved = replace(REQUEST, system_prompt="systemu", user_prompt="ser")

    assert digest_request(moved) != digest_request(REQUEST)

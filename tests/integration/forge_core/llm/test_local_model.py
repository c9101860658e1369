"""A real model server, llama.cpp's, is asked on each of the wires that it speaks."""

import asyncio
from collections.abc import Iterator
from functools import partial

import pytest
from forge_core.llm.arrival import Arrival
from forge_core.llm.calls import CallTerms, execute_llm_call, execute_planner_call
from forge_core.llm.errors import ModelFailure
from forge_core.llm.request import ModelAnswer
from forge_core.models.call.context import AssembledContext
from forge_core.models.call.settings import CallSettings
from support.diary import Diary
from support.local_model.model import PATH
from support.local_model.server import CANCELLED, LocalModel, Timing, running_model
from support.waiting import until, wait_until

MODELS = ["openai-chat:words", "openai:words", "anthropic:words", "ollama:words"]
EVERY = pytest.mark.parametrize("model", MODELS)
ENDLESS = CallTerms(CallSettings(temperature=0))
"""At which the model goes on until it is cut off."""

CONTEXT = AssembledContext(
    task_id="task",
    workflow_id="forge-task-00000000",
    system_prompt="You write files.\n",
    user_prompt="Write a note about the days of the year.\n",
    max_tokens=2000,
)


@pytest.fixture(scope="module")
def local_model(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalModel]:
    """Run one server for all tests of the module."""
    with running_model(tmp_path_factory.mktemp("model")) as server:
        yield server


@pytest.fixture(autouse=True)
def server(local_model: LocalModel, monkeypatch: pytest.MonkeyPatch) -> LocalModel:
    """Point the providers at it."""
    local_model.configure(monkeypatch)
    return local_model


@EVERY
@pytest.mark.parametrize("stream", [True, False], ids=["stream", "whole"])
async def test_answer_comes_with_the_servers_own_figures(
    model: str, stream: bool, server: LocalModel
) -> None:
    before = len(server.list_timings())
    diary = Diary()

    result = await execute_llm_call(
        CONTEXT, model, diary, terms=CallTerms(CallSettings(stream=stream))
    )

    [file] = result.response.files
    assert (file.file_path, diary.failures) == (PATH, [])
    assert file.content.endswith(".\n")
    [timing] = (await wait_for_timings(server, before + 1))[before:]
    assert (result.input_tokens, result.output_tokens) == (
        timing.prompt_tokens,
        timing.answer_tokens,
    )
    assert result.latency_ms >= timing.prompt_ms
    if stream:
        assert result.first_token_ms is not None
        assert timing.prompt_ms <= result.first_token_ms <= result.latency_ms
    else:
        assert result.first_token_ms is None


@EVERY
async def test_plan_has_ids_of_the_form_that_the_schema_names(model: str) -> None:
    diary = Diary()

    result = await execute_planner_call(CONTEXT, model, diary)

    assert len(result.plan.steps) == 1
    assert diary.failures == []


@EVERY
async def test_answer_at_its_limit_is_truncated_even_where_the_wire_does_not_say_so(
    model: str,
) -> None:
    with pytest.raises(ModelFailure) as cut:
        await execute_llm_call(
            CONTEXT.model_copy(update={"max_tokens": 60}), model, None, terms=ENDLESS
        )

    assert cut.value.kind == "truncated"
    assert cut.value.answer is not None
    assert cut.value.answer.usage.output_tokens == 60


@EVERY
async def test_cancelled_request_ends_at_the_server_too(model: str, server: LocalModel) -> None:
    before = server.log.read_text(errors="replace").count(CANCELLED)
    diary = Diary()
    endless = CONTEXT.model_copy(update={"max_tokens": 25_000})

    call = asyncio.create_task(execute_llm_call(endless, model, diary, terms=ENDLESS))
    await until(partial(count, diary.arrival), "the first tokens")
    begun = diary.arrival.find_answer()
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call

    assert isinstance(begun, ModelAnswer)
    assert begun.text.startswith("{")
    await asyncio.to_thread(
        wait_until,
        lambda: server.log.read_text(errors="replace").count(CANCELLED) > before,
        "the cancellation in the log",
    )


async def count(arrival: Arrival) -> bool:
    return arrival.tokens > 20


async def wait_for_timings(server: LocalModel, count: int) -> list[Timing]:
    return await asyncio.to_thread(server.wait_for_timings, count)


@pytest.mark.parametrize("model", MODELS)
async def test_server_that_has_no_such_format_or_ignores_it_is_asked_in_words(model: str) -> None:
    diary = Diary()

    result = await execute_llm_call(
        CONTEXT, model, diary, terms=CallTerms(CallSettings(output_mode="json_schema"))
    )

    assert [file.file_path for file in result.response.files] == [PATH]
    ignoring = model.startswith(("openai:", "anthropic:"))
    said = [line.partition("; asked again ")[2] for _, line, _ in diary.failures]
    assert said == (["for JSON by the prompt alone"] if ignoring else [])


@EVERY
async def test_prompt_that_is_too_long_is_refused_as_that(model: str) -> None:
    long = CONTEXT.model_copy(update={"user_prompt": "x" * 40_000})

    with pytest.raises(ModelFailure) as refused:
        await execute_llm_call(long, model)

    assert refused.value.kind == "context_too_long"

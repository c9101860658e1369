"""A call asks until an answer fits, and tells its observer of every request."""

import asyncio
import json
import threading
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from forge_core.llm.arrival import Arrival
from forge_core.llm.calls import (
    MAX_SAMPLES,
    Review,
    Send,
    execute_llm_call,
    execute_planner_call,
    request_model,
)
from forge_core.llm.errors import ModelFailure
from forge_core.llm.parse_answer import Reading
from forge_core.llm.request import ModelAnswer, ModelRequest, RequestLabels
from forge_core.models.call.context import AssembledContext, ContextEntry, ShownFile
from forge_core.models.call.llm import LLMCallResult, LLMResponse, PlanCallResult
from support.llm_server import Handler, LLMServer, Reply, error, in_order, text, tool
from support.llm_wires import Content, Usage

MODEL = "openai-chat:gpt-5.2"
FILES = {"files": [{"file_path": "a.py", "content": "x = 1\n"}], "explanation": "one"}
STEP = {"step_id": "a", "description": "write a"}
CONTEXT = AssembledContext(
    task_id="task",
    step_id="parser",
    workflow_id="forge-task-00000000",
    attempt=2,
    system_prompt="You write files.\n",
    user_prompt="Write a.\n",
    max_tokens=321,
)


@dataclass
class Diary:
    """An observer that writes down what it is told."""

    entries: list[tuple[str, int, ModelRequest, object]] = field(default_factory=list)
    kept: dict[tuple[int, str], ModelAnswer] = field(default_factory=dict)

    async def obtain(self, sample: int, request: ModelRequest, send: Send) -> ModelAnswer:
        key = (sample, request.user_prompt)
        if key not in self.kept:
            self.entries.append(("started", sample, request, None))
            self.kept[key] = await send(request)
        return self.kept[key]

    async def answered(
        self, sample: int, request: ModelRequest, answer: ModelAnswer, reading: Reading
    ) -> None:
        self.entries.append(("answered", sample, request, (answer, reading.output)))

    async def failed(self, sample: int, request: ModelRequest, failure: ModelFailure) -> None:
        self.entries.append(("failed", sample, request, failure))

    @property
    def events(self) -> list[tuple[str, int]]:
        return [(event, sample) for event, sample, _, _ in self.entries]

    @property
    def failures(self) -> list[ModelFailure]:
        return [told for _, _, _, told in self.entries if isinstance(told, ModelFailure)]


def serve(monkeypatch: pytest.MonkeyPatch, handler: Handler) -> LLMServer:
    server = LLMServer(handler)
    server.configure(monkeypatch)
    return server


def write_script(directory: Path, *entries: dict[str, object]) -> str:
    path = directory / "play.json"
    path.write_text(json.dumps({"answers": entries}), encoding="utf-8")
    return f"scripted:{path}"


async def test_a_fitting_answer_takes_one_request(monkeypatch: pytest.MonkeyPatch) -> None:
    diary = Diary()
    with serve(monkeypatch, in_order(tool(FILES, usage=Usage(90, 8, 50, 0, 3)))) as server:
        result = await execute_llm_call(CONTEXT, MODEL, diary)

    assert isinstance(result, LLMCallResult)
    assert result.response == LLMResponse.model_validate(FILES)
    assert (result.task_id, result.model_name) == ("task", "gpt-5.2-20260101")
    assert (result.input_tokens, result.output_tokens, result.cache_read_tokens) == (90, 8, 50)
    assert diary.events == [("started", 0), ("answered", 0)]
    assert server.exchanges[0].prompts.system == CONTEXT.system_prompt
    assert server.exchanges[0].prompts.user == CONTEXT.user_prompt


async def test_a_call_needs_no_observer(monkeypatch: pytest.MonkeyPatch) -> None:
    with serve(monkeypatch, in_order(tool(FILES))):
        result = await execute_llm_call(CONTEXT, MODEL)

    assert result.response.explanation == "one"


async def test_an_unfit_answer_is_asked_for_again_with_the_reason(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    diary = Diary()
    replies = in_order(tool({"files": "oops"}), text("Sorry."), tool(FILES))
    with serve(monkeypatch, replies) as server:
        await execute_llm_call(CONTEXT, MODEL, diary)

    first, second, third = (exchange.prompts.user for exchange in server.exchanges)
    assert first == CONTEXT.user_prompt
    assert second.startswith(first)
    assert second.endswith("- `files` must be a list of objects with file_path and content\n")
    assert third.startswith(first)
    assert third.endswith("- it is not valid JSON: it holds no JSON object\n")
    assert diary.events == [
        ("started", 0),
        ("failed", 0),
        ("started", 1),
        ("failed", 1),
        ("started", 2),
        ("answered", 2),
    ]


async def test_the_observer_sees_the_requests_that_go_out(monkeypatch: pytest.MonkeyPatch) -> None:
    diary = Diary()
    with serve(monkeypatch, in_order(text("no"), tool(FILES))) as server:
        await execute_llm_call(CONTEXT, MODEL, diary)

    started = [request for event, _, request, _ in diary.entries if event == "started"]
    sent = [(exchange.prompts.system, exchange.prompts.user) for exchange in server.exchanges]
    assert [(request.system_prompt, request.user_prompt) for request in started] == sent
    assert [request.labels.sample for request in started] == [0, 1]
    assert {request.max_tokens for request in started} == {321}


async def test_every_unfit_answer_is_handed_over_with_what_it_cost(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    diary = Diary()
    server = serve(monkeypatch, lambda _: text("no JSON", usage=Usage(70, 9)))
    with server, pytest.raises(ModelFailure) as caught:
        await execute_llm_call(CONTEXT, MODEL, diary)

    answers = [failure.answer for failure in diary.failures]
    assert caught.value.kind == "invalid_output"
    assert len(server.exchanges) == len(answers) == MAX_SAMPLES
    assert [(a.text, a.usage.input_tokens, a.usage.output_tokens) for a in answers if a] == [
        ("no JSON", 70, 9)
    ] * MAX_SAMPLES


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        (error(401, "authentication_error", "bad key"), "authentication"),
        (error(500, "api_error", "boom"), "server_error"),
        (tool('{"files": [', finish="length", usage=Usage(70, 321)), "truncated"),
        (text("I must not.", finish="content_filter", usage=Usage(70, 4)), "refused"),
    ],
    ids=["401", "500", "truncated", "refused"],
)
async def test_other_failures_are_not_asked_for_again(
    reply: Reply, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    diary = Diary()
    with serve(monkeypatch, in_order(reply)), pytest.raises(ModelFailure) as caught:
        await execute_llm_call(CONTEXT, MODEL, diary)

    assert caught.value.kind == kind
    assert diary.events == [("started", 0), ("failed", 0)]
    assert diary.failures == [caught.value]


@pytest.mark.parametrize(
    "model", ["openai:gpt-5.2", "openai-chat:gpt-5.2", "anthropic:claude-sonnet-5"]
)
async def test_a_truncated_answer_is_kept_with_its_tokens(
    model: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    reply = tool(FILES, finish="length", usage=Usage(70, 321))
    with serve(monkeypatch, in_order(reply)) as server, pytest.raises(ModelFailure) as caught:
        await execute_llm_call(CONTEXT, model)

    answer = caught.value.answer
    assert (caught.value.kind, caught.value.retryable) == ("truncated", False)
    assert answer is not None
    assert answer.text == server.exchanges[0].response_text
    assert (answer.usage.output_tokens, answer.usage.finish_reason) == (321, "length")


async def test_a_model_that_says_nothing_is_told_so(monkeypatch: pytest.MonkeyPatch) -> None:
    diary = Diary()
    with serve(monkeypatch, in_order(text(""), tool(FILES))) as server:
        await execute_llm_call(CONTEXT, MODEL, diary)

    assert diary.failures[0].problems == ("it is empty",)
    assert server.exchanges[1].prompts.user.endswith("- it is empty\n")


async def test_a_plan_carries_the_tasks_own_id(monkeypatch: pytest.MonkeyPatch) -> None:
    with serve(monkeypatch, in_order(tool({"task_id": "other", "steps": [STEP]}))) as server:
        result = await execute_planner_call(CONTEXT, "anthropic:claude-sonnet-5")

    assert isinstance(result, PlanCallResult)
    assert (result.plan.task_id, result.plan.steps[0].step_id) == ("task", "a")
    assert server.exchanges[0].prompts.tool == "plan"


@pytest.mark.parametrize(
    ("steps", "reason"),
    [([], "`steps` must be a list of at least one"), ([STEP, STEP], "step id 'a'")],
    ids=["empty", "duplicate-ids"],
)
async def test_a_plan_that_breaks_its_rules_is_asked_for_again(
    steps: list[object], reason: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    replies = in_order(tool({"steps": steps}), tool({"steps": [STEP]}))
    with serve(monkeypatch, replies) as server:
        result = await execute_planner_call(CONTEXT, MODEL)

    assert len(result.plan.steps) == 1
    assert f"\n- {reason}" in server.exchanges[1].prompts.user


async def test_cancelling_a_call_reports_no_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    diary = Diary()
    reply = replace(tool(FILES), gate=threading.Event())
    with serve(monkeypatch, in_order(reply)) as server:
        call = asyncio.create_task(execute_llm_call(CONTEXT, MODEL, diary))
        await asyncio.to_thread(server.wait_for_requests, 1)
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call

    assert diary.events == [("started", 0)]


async def test_a_scripted_model_answers_by_label_and_costs_nothing(tmp_path: Path) -> None:
    model = write_script(
        tmp_path,
        {"role": "llm", "step_id": "other", "answer": {"files": []}},
        {"role": "llm", "step_id": "parser", "attempt": 2, "answer": FILES},
    )

    result = await execute_llm_call(CONTEXT, model)

    assert result.response.explanation == "one"
    assert (result.model_name, result.origin) == ("scripted:play", "scripted")
    assert (result.input_tokens, result.output_tokens) == (0, 0)


async def test_a_script_may_simulate_figures_and_the_time_that_they_take(tmp_path: Path) -> None:
    figures = {"input_tokens": 4120, "output_tokens": 45, "latency_ms": 300, "cost_usd": 0.02}
    model = write_script(tmp_path, {"answer": FILES, "simulated": figures})
    request = ModelRequest(model, "", "", LLMResponse, 1000, RequestLabels("llm"))
    arrival = Arrival()

    answer = await request_model(request, arrival)

    assert 0 < arrival.pieces < figures["output_tokens"]  # the last look was before the end
    assert (answer.usage.origin, answer.usage.input_tokens) == ("scripted", 4120)
    assert answer.usage.latency_ms == 300
    assert answer.reported.usage[0]["simulated"] is True


async def test_a_script_may_hold_bad_answers(tmp_path: Path) -> None:
    diary = Diary()
    model = write_script(
        tmp_path, {"sample": 0, "text": "half an answer, {"}, {"sample": 1, "answer": FILES}
    )

    await execute_llm_call(CONTEXT, model, diary)

    assert diary.events[1] == ("failed", 0)
    assert diary.failures[0].answer is not None
    assert diary.failures[0].answer.text == "half an answer, {"


Call = Callable[[AssembledContext, str], Coroutine[Any, Any, object]]


@pytest.mark.parametrize(
    ("entry", "kind", "retry_after_s"),
    [
        ({"error": {"kind": "rate_limited", "retry_after_s": 3}}, "rate_limited", 3),
        ({"text": "{", "finish_reason": "length"}, "truncated", None),
    ],
    ids=["error", "truncated"],
)
@pytest.mark.parametrize("call", [execute_llm_call, execute_planner_call])
async def test_a_script_may_play_failures(
    call: Call, entry: dict[str, object], kind: str, retry_after_s: float | None, tmp_path: Path
) -> None:
    with pytest.raises(ModelFailure) as caught:
        await call(CONTEXT, write_script(tmp_path, entry))

    assert (caught.value.kind, caught.value.retry_after_s) == (kind, retry_after_s)


async def test_a_script_never_invents_an_answer(tmp_path: Path) -> None:
    diary = Diary()
    model = write_script(tmp_path, {"role": "planner", "answer": {}})

    with pytest.raises(ModelFailure, match="role=llm, step_id=parser, attempt=2") as caught:
        await execute_llm_call(CONTEXT, model, diary)

    assert (caught.value.kind, caught.value.retryable) == ("no_scripted_answer", False)
    assert [request.origin for _, _, request, _ in diary.entries] == ["scripted", "scripted"]


async def test_a_script_is_read_at_each_call(tmp_path: Path) -> None:
    model = write_script(tmp_path, {"answer": {"files": [], "explanation": "before"}})
    before = await execute_llm_call(CONTEXT, model)
    write_script(tmp_path, {"answer": {"files": [], "explanation": "after"}})

    after = await execute_llm_call(CONTEXT, model)

    assert (before.response.explanation, after.response.explanation) == ("before", "after")


@pytest.mark.parametrize("model", ["", "gpt-5.2", "mystery:model", "openai:"])
async def test_a_model_that_is_no_model_is_not_configured(model: str) -> None:
    with pytest.raises(ModelFailure, match="openai:") as caught:
        await execute_llm_call(CONTEXT, model)

    assert caught.value.kind == "not_configured"


async def test_answer_that_does_not_fit_the_files_is_asked_for_again_with_the_reason(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    diary = Diary()
    problem = "edits[0] (a.py): search does not stand in the file.\nThe nearest is line 1:"
    told = [Review((problem,), advice=("Nothing was written.",)), Review()]

    def review(response: LLMResponse, shown: Sequence[ShownFile]) -> Review:
        assert (response.files[0].file_path, shown) == ("a.py", ())
        return told.pop(0)

    with serve(monkeypatch, in_order(tool(FILES), tool(FILES))) as server:
        await execute_llm_call(CONTEXT, MODEL, diary, review)

    assert diary.events == [("started", 0), ("failed", 0), ("started", 1), ("answered", 1)]
    assert diary.failures[0].kind == "invalid_output"
    assert str(diary.failures[0]).endswith("search does not stand in the file")
    assert server.exchanges[1].prompts.user == (
        f"{CONTEXT.user_prompt}\n\n## Previous answer\n\nYour previous answer was not accepted:\n"
        f"\n{problem}\n\nNothing was written.\n"
    )


async def test_what_an_answer_had_not_seen_is_shown_behind_the_same_prompt(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    entry = ContextEntry(
        kind="target_file", name="a.py", path="a.py", form="full", tokens=1, reason=""
    )
    context = CONTEXT.model_copy(update={"manifest": (entry,)})
    told = [
        Review(("b.py was not shown",), (ShownFile(path="b.py"),), ("## Shown now: b.py",)),
        Review(("c.py was not shown",), (ShownFile(path="c.py"),), ("## Shown now: c.py",)),
        Review(),
    ]
    seen = []

    def review(_: LLMResponse, shown: Sequence[ShownFile]) -> Review:
        seen.append([file.path for file in shown])
        return told[len(seen) - 1]

    with serve(monkeypatch, in_order(tool(FILES), tool(FILES), tool(FILES))) as server:
        result = await execute_llm_call(context, MODEL, None, review)

    assert seen == [["a.py"], ["a.py", "b.py"], ["a.py", "b.py", "c.py"]]
    assert [file.path for file in result.shown or ()] == ["a.py", "b.py", "c.py"]
    last = server.exchanges[2].prompts.user
    assert last.startswith(f"{CONTEXT.user_prompt}\n\n## Shown now: b.py\n\n## Shown now: c.py\n\n")
    assert last.endswith("not accepted:\n- c.py was not shown\n")


CUT = '{"files": [{"file_path": "a.py", "content": "x = 1\\ny = '


async def test_answer_cut_off_amid_a_whole_file_is_asked_for_once_more_as_edits(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    entry = ContextEntry(
        kind="target_file", name="a.py", path="a.py", form="full", tokens=1, reason=""
    )
    context = CONTEXT.model_copy(update={"manifest": (entry,)})
    diary = Diary()
    with serve(monkeypatch, in_order(tool(CUT, finish="length"), tool(FILES))) as server:
        await execute_llm_call(context, MODEL, diary)

    assert [failure.kind for failure in diary.failures] == ["truncated"]
    assert (
        "- it was cut off at 321 tokens, because it repeats a.py as a whole: change that file by "
        "edits only\n"
    ) in server.exchanges[1].prompts.user

    always = serve(monkeypatch, lambda _: tool(CUT, finish="length"))
    with always as server, pytest.raises(ModelFailure) as again:
        await execute_llm_call(context, MODEL)

    assert (again.value.kind, len(server.exchanges)) == ("truncated", 2)


async def test_answer_cut_off_amid_a_new_file_is_final(monkeypatch: pytest.MonkeyPatch) -> None:
    once = serve(monkeypatch, in_order(tool(CUT, finish="length")))
    with once as server, pytest.raises(ModelFailure) as cut:
        await execute_llm_call(CONTEXT, MODEL)

    assert (cut.value.kind, len(server.exchanges)) == ("truncated", 1)


async def test_answer_cut_off_in_a_later_call_is_never_half_used(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    content = Content(json.dumps(FILES), more=('{"files": [{"file_path": "b.py", "content": "',))
    half = Reply(content=content, finish="length")
    diary = Diary()
    with serve(monkeypatch, in_order(half, tool(FILES))) as server:
        result = await execute_llm_call(CONTEXT, MODEL, diary)

    assert [failure.kind for failure in diary.failures] == ["truncated"]
    assert (
        "- it was cut off at 321 tokens in call 2 of the tool: answer by one call that says "
        "everything\n"
    ) in server.exchanges[1].prompts.user
    assert result.response.files

    with serve(monkeypatch, lambda _: half) as server, pytest.raises(ModelFailure) as again:
        await execute_llm_call(CONTEXT, MODEL)

    assert (again.value.kind, len(server.exchanges)) == ("truncated", 2)

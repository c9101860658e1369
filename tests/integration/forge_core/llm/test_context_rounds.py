"""A model asks for more context a few times before it answers, behind the same prompt."""

from collections.abc import Sequence

import pytest
from forge_core.llm.calls import CallTerms, Review, execute_llm_call, execute_planner_call
from forge_core.llm.context_rounds import NO_MORE, ContextRounds, Given
from forge_core.llm.errors import ModelFailure
from forge_core.models.call.context import AssembledContext, ShownFile
from forge_core.models.call.context_request import ContextRequest
from forge_core.models.call.llm import LLMResponse
from forge_core.models.plan import Plan
from support.llm_server import LLMServer, Reply, in_order, text, tool

MODEL = "openai-chat:gpt-5.2"
CONTEXT = AssembledContext(
    task_id="task", workflow_id="forge-task-0", system_prompt="system", user_prompt="Write a.\n"
)
FILES = {"files": [{"file_path": "a.py", "content": "x = 1\n"}], "explanation": ""}
PLAN = {"steps": [{"step_id": "one", "description": "Do it."}]}
ASK = {"context_request": {"files": ["b.py"], "searches": ["word"]}}


class Giver:
    """Gives what is asked for, and keeps what was asked and known."""

    def __init__(self) -> None:
        self.asked: list[tuple[ContextRequest, list[str]]] = []

    def give(self, request: ContextRequest, shown: Sequence[ShownFile]) -> Given:
        self.asked.append((request, [file.path for file in shown]))
        number = len(self.asked)
        parts = (ShownFile(path=f"b{number}.py"),)
        return Given((f"## Asked for: b{number}.py\n\nB = 1\n",), parts, "b.py; shown: b.py")

    @property
    def terms(self) -> CallTerms:
        return CallTerms(rounds=ContextRounds(2, self.give))


def serve(monkeypatch: pytest.MonkeyPatch, *replies: Reply) -> LLMServer:
    server = LLMServer(in_order(*replies))
    server.configure(monkeypatch)
    return server


async def test_what_is_asked_for_stands_behind_the_same_prompt(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    giver = Giver()
    with serve(monkeypatch, tool(ASK), tool(ASK), tool(FILES)) as server:
        result = await execute_llm_call(CONTEXT, MODEL, None, lambda _, __: Review(), giver.terms)

    assert result.response == LLMResponse.model_validate(FILES)
    assert [known for _, known in giver.asked] == [[], ["b1.py"]]
    assert [file.path for file in result.shown or ()] == ["b1.py", "b2.py"]
    users = [exchange.prompts.user for exchange in server.exchanges]
    assert users[1].startswith(f"{users[0]}\n\n## Asked for: b1.py\n")
    assert users[1].endswith("You may ask once more.\n")
    assert users[2].startswith(users[1].partition("## Your request")[0].rstrip("\n"))
    assert users[2].endswith("Nothing more can be shown: answer now.\n")
    schemas = [exchange.request["tools"] for exchange in server.exchanges]
    assert schemas[0] == schemas[1] == schemas[2]
    assert "context_request" in str(schemas[0])


async def test_who_asks_too_often_is_asked_for_an_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    with serve(monkeypatch, *[tool(ASK)] * 4, tool(FILES)) as server:
        result = await execute_llm_call(CONTEXT, MODEL, None, None, Giver().terms)

    assert result.response.files[0].file_path == "a.py"
    assert f"- {NO_MORE}" in server.exchanges[3].prompts.user

    with serve(monkeypatch, *[tool(ASK)] * 5), pytest.raises(ModelFailure, match="nothing more"):
        await execute_llm_call(CONTEXT, MODEL, None, None, Giver().terms)


async def test_rounds_are_no_failed_samples(monkeypatch: pytest.MonkeyPatch) -> None:
    replies = [tool(ASK), text("no JSON"), tool(ASK), text("no JSON"), tool(FILES)]
    with serve(monkeypatch, *replies) as server:
        await execute_llm_call(CONTEXT, MODEL, None, None, Giver().terms)

    last = server.exchanges[4].prompts.user
    assert "## Asked for: b1.py" in last
    assert "## Asked for: b2.py" in last
    assert last.endswith("it holds no JSON object\n")


async def test_answer_that_changes_files_is_taken_whatever_it_asks_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    giver = Giver()
    with serve(monkeypatch, tool({**FILES, **ASK})):
        result = await execute_llm_call(CONTEXT, MODEL, None, None, giver.terms)

    assert (giver.asked, type(result.response)) == ([], LLMResponse)


async def test_request_is_read_in_any_form_and_an_empty_one_is_none(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    giver = Giver()
    said = '```json\n{"context_request": {"files": "./b.py", "searches": null}}\n```'
    empty = tool({"files": [], "context_request": {"files": [], "searches": [" "]}})
    with serve(monkeypatch, text(said), empty):
        result = await execute_llm_call(CONTEXT, MODEL, None, None, giver.terms)

    assert [request.files for request, _ in giver.asked] == [("b.py",)]
    assert result.response == LLMResponse(files=())


async def test_planner_asks_too_and_a_plan_still_needs_steps(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with serve(monkeypatch, tool(ASK), tool({"steps": []}), tool(PLAN)) as server:
        result = await execute_planner_call(CONTEXT, MODEL, None, None, Giver().terms)

    assert type(result.plan) is Plan
    assert "`steps` must be a list of at least one object" in server.exchanges[2].prompts.user


async def test_without_rounds_nothing_can_be_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    with serve(monkeypatch, tool(ASK), tool(FILES)) as server:
        await execute_llm_call(CONTEXT, MODEL)

    assert "context_request" not in str(server.exchanges[0].request)
    assert "`files[0]` must be an object" in server.exchanges[1].prompts.user

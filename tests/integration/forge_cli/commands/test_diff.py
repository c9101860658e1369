"""``forge diff``: two calls, two runs, or what was repaired in one."""

import json
from typing import Any

import pytest
from forge_cli.app import call
from forge_core.context.assemble import Coverage, build_prompt
from forge_core.context.sections import Section
from forge_core.models.task import ContextConfig
from forge_obs import flush, record
from support.forge import Outcome
from support.records import WORKFLOW_ID, record_call, record_run

OTHER = "forge-other-task-7f3a"


def record_attempt(number: int, content: str, *more: Section, **fields: Any) -> None:
    sections = [
        Section("instructions", "", "You write.\n", ""),
        Section("task", "", "Do it.", ""),
        *more,
    ]
    prompt = build_prompt(sections, ContextConfig(), Coverage())
    given: dict[str, Any] = {
        "entry_id": f"{number:x}" * 32,
        "attempt": number,
        "system_prompt": prompt.system_prompt,
        "user_prompt": prompt.user_prompt,
        "context_manifest": [entry.model_dump() for entry in prompt.manifest],
        "response": json.dumps({"files": [{"file_path": "a.py", "content": content}]}),
    }
    record_call(**{**given, **fields})


@pytest.fixture
def repaired() -> None:
    """Record a run whose step was repaired, and one of another task that differs at once."""
    record_run()
    record_attempt(1, "x = y\n")
    assert record("outcome", entry_id="1" * 32, outcome="refused", reason="ruff_lint: F821")
    record_attempt(2, "x = 1\n", Section("failure", "", "F821", ""))
    assert record("outcome", entry_id="2" * 32, outcome="accepted")
    record_run(OTHER, task_id="other-task", request={"model": "b"})
    record_attempt(3, "x = 2\n", workflow_id=OTHER, attempt=1)
    assert record("outcome", entry_id="3" * 32, outcome="accepted")
    flush()


def run(capsys: pytest.CaptureFixture[str], *args: str) -> Outcome:
    code = call(["diff", *args])
    return Outcome(code, *capsys.readouterr())


@pytest.mark.usefixtures("repaired")
def test_one_run_is_compared_by_what_was_repaired(capsys: pytest.CaptureFixture[str]) -> None:
    text = run(capsys, "add-parser").stdout

    assert text.startswith(
        "A  11111111  llm, step a, attempt 1  refused: ruff_lint: F821\n"
        "B  22222222  llm, step a, attempt 2  accepted\n"
    )
    assert "\nprompts: 2 same, 1 new; " in text
    assert "\n+F821\n" in text
    assert "\n-x = y\n+x = 1\n" in text


@pytest.mark.usefixtures("repaired")
@pytest.mark.parametrize(
    "args", [["11111111", "22222222"], ["2222"], [WORKFLOW_ID, "--step", "a"]], ids=str
)
def test_calls_are_named_by_their_ids_or_by_one_of_them_or_by_step(
    capsys: pytest.CaptureFixture[str], args: list[str]
) -> None:
    assert run(capsys, *args).stdout == run(capsys, "add-parser").stdout


@pytest.mark.usefixtures("repaired")
def test_two_runs_are_compared_up_to_the_first_call_that_differs(
    capsys: pytest.CaptureFixture[str],
) -> None:
    text = run(capsys, WORKFLOW_ID, OTHER).stdout

    assert "\na attempt 1  refused → accepted  " in text
    assert "first difference: a attempt 1: the same prompt has another answer" in text
    assert "forge diff 11111111 33333333" in text
    first = run(capsys, WORKFLOW_ID, OTHER, "--json").document["work"][0]
    reasons = [first[side]["outcome"]["reason"] for side in ("a", "b")]
    assert reasons == ["ruff_lint: F821", None]
    compared = run(capsys, WORKFLOW_ID, OTHER, "--step", "a").stdout
    assert compared.startswith("A  22222222")
    assert "\nB  33333333" in compared


@pytest.mark.parametrize(
    ("attempt", "extra"), [(1, "its request 2"), (2, "it")], ids=["request", "attempt"]
)
def test_request_that_only_one_of_two_runs_has_is_the_first_difference(
    capsys: pytest.CaptureFixture[str], attempt: int, extra: str
) -> None:
    for name, number in (("forge-short-1", 4), ("forge-long-1", 5)):
        record_run(name, task_id=name)
        record_attempt(number, "x = 1\n", workflow_id=name, attempt=1)
    record_attempt(6, "x = 1\n", workflow_id="forge-long-1", attempt=attempt)

    for runs, side in (
        (("forge-short-1", "forge-long-1"), "B"),
        (("forge-long-1", "forge-short-1"), "A"),
    ):
        text = run(capsys, *runs).stdout
        assert f"first difference: a attempt {attempt}: only {side} has {extra}\n" in text
        first = run(capsys, *runs, "--json").document["first_difference"]
        assert (first["a"], first["b"]) == ((None, "6" * 32) if side == "B" else ("6" * 32, None))


@pytest.mark.usefixtures("repaired")
def test_exit_code_tells_what_differs_only_where_it_is_asked_for(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert run(capsys, "1111", "2222").code == 0
    assert run(capsys, "1111", "2222", "--exit-code").code == 1
    assert run(capsys, "1111", "1111", "--exit-code").code == 0
    assert run(capsys, OTHER, OTHER, "--exit-code").code == 0


@pytest.mark.usefixtures("repaired")
@pytest.mark.parametrize(
    ("args", "code", "reason"),
    [
        ([WORKFLOW_ID, "1111"], 2, "are a run and a call"),
        (["1111", "2222", "--step", "a"], 2, "choose calls of a run"),
        (["1111"], 1, "is the first of its work"),
        ([OTHER], 1, "nothing was repaired"),
        ([WORKFLOW_ID, "--step", "b"], 1, "the run has no step 'b': it has a"),
        (["nothing-like-it"], 1, "no run 'nothing-like-it' is on record"),
    ],
    ids=str,
)
def test_what_cannot_be_compared_is_one_line(
    capsys: pytest.CaptureFixture[str], args: list[str], code: int, reason: str
) -> None:
    outcome = run(capsys, *args)

    assert (outcome.code, outcome.stdout) == (code, "")
    assert reason in outcome.error

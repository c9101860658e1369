"""Rows are read without their secrets; the program's own hook goes first."""

import pytest
from forge_obs import Interaction, Redactor, Run, set_redact

TOKEN = "ghp_" + "0" * 36


def test_secrets_of_a_call_and_its_run_have_the_same_name() -> None:
    call = Interaction(
        task_id="t",
        system_prompt=f"use {TOKEN}",
        user_prompt=f"not {TOKEN}",
        messages_json=f'{{"output": ["{TOKEN}"]}}',
        outcome_reason=f"{TOKEN} is refused",
    )
    run = Run(task_id="t", workflow_id="w", result_json=f'{{"error": "{TOKEN}"}}')
    redactor = Redactor()

    shown, shown_run = redactor.redact(call), redactor.redact(run)

    assert shown.system_prompt == "use [github-token 1]"
    assert shown.user_prompt == "not [github-token 1]"
    assert shown.messages_json == '{"output":["[github-token 1]"]}'
    assert shown.outcome_reason == "[github-token 1] is refused"
    assert shown_run.result_json == '{"error":"[github-token 1]"}'
    assert (shown.task_id, shown_run.workflow_id) == ("t", "w")
    assert [r.places for r in redactor.list_removals()] == [5]
    assert call.system_prompt == f"use {TOKEN}"


def test_secret_that_one_text_shows_is_replaced_in_every_text_of_the_row_and_later_ones() -> None:
    run = Run(
        reason="tests: password=hunter2x9, as before", result_json='{"o": "password=hunter2x9"}'
    )
    redactor = Redactor()

    shown = redactor.redact(run)
    call = redactor.redact(Interaction(outcome_reason="hunter2x9, as before"))

    assert (shown.reason, call.outcome_reason) == (
        "tests: password=[value 1], as before",
        "[value 1], as before",
    )
    assert [removal.places for removal in redactor.list_removals()] == [3]


def test_paths_of_a_run_and_its_calls_do_not_tell_whose_they_are(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("HOME", "/srv/ann")
    request = f'{{"test_command":"TOKEN={TOKEN} /srv/ann/bin/tests --root /home/ann/pantry"}}'
    run = Run(
        owner_host="anns-laptop",
        owner_pid=7,
        repo_root="/home/ann/pantry",
        request_json=request,
        result_json='{"worktree_path":"/home/ann/pantry/.forge-worktrees/t"}',
    )
    redactor = Redactor()

    shown = redactor.redact(run)
    call = redactor.redact(Interaction(user_prompt='File "/home/ann/pantry/a.py", line 1'))

    assert (shown.repo_root, shown.owner_host, shown.owner_pid) == ("pantry", None, None)
    assert shown.request_json == (
        '{"test_command":"TOKEN=[github-token 1] ~/bin/tests --root pantry"}'
    )
    assert shown.result_json == '{"worktree_path":"pantry/.forge-worktrees/t"}'
    assert call.user_prompt == 'File "pantry/a.py", line 1'


def test_hook_goes_first_and_what_it_raises_on_is_left_out() -> None:
    def hook(text: str) -> str:
        if "raise" in text:
            raise ValueError
        return text.replace("Alice", "A.")

    set_redact(hook)
    try:
        redactor = Redactor()
        shown = redactor.redact(
            Interaction(system_prompt="raise", user_prompt=f"Alice has {TOKEN}")
        )
    finally:
        set_redact(None)

    assert (shown.system_prompt, shown.user_prompt) == ("", "A. has [github-token 1]")
    assert redactor.failure == "the redaction hook raised ValueError"


def test_hook_of_the_environment_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORGE_REDACT", "no_such_module:hook")
    redactor = Redactor()

    assert redactor.redact(Interaction(user_prompt="u")).user_prompt == ""
    assert redactor.failure is not None

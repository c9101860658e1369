"""A run on a terminal that is stopped while an answer comes: nothing that came is lost."""

import os
import sys
from pathlib import Path
from threading import Event

import pytest
from support.forge import run_forge
from support.live import ON_WIRE, follow_plan, read_calls, read_run, run_options
from support.llm_server import Exchange, LLMServer, Reply, stream
from support.llm_wires import render_answer, render_stream
from support.terminal import on_terminal


def answer_half(exchange: Exchange) -> Reply:
    """Send half of an answer, and then nothing more."""
    content = follow_plan(exchange).content
    assert content is not None
    pieces = render_stream("chat", render_answer("chat", exchange.prompts, content, "stop", None))
    return stream(*pieces[: len(pieces) // 2], Event())


@pytest.mark.usefixtures("shared_server")
def test_answer_that_was_coming_is_kept_and_the_view_stays(
    repo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    command = [sys.executable, "-m", "forge_cli", *run_options(repo, *ON_WIRE)]
    with LLMServer(answer_half) as server:
        server.configure(monkeypatch)
        with on_terminal(command, {**os.environ, "TERM": "xterm", "COLUMNS": "80"}) as terminal:
            terminal.wait_for(" out")  # tokens are counted as they come
            terminal.type("typed\r\x03")
            shown = terminal.read_to_end()
            code = terminal.wait()
        run, [call] = read_run(), read_calls()

    end = shown[shown.rindex("stopping:") :].replace("\r", "")
    before = shown[: shown.rindex("stopping:")]
    assert code == 130
    assert server.exchanges[0].disconnected.wait(10)
    assert "asking" in before
    assert "typed" not in shown  # it would break the frame
    assert "paused" in before[before.rindex("Do it.") :]
    assert f"run {run.workflow_id}: paused\n  resume  python -m forge_cli resume" in end
    assert (call.status, call.error_type) == ("error", "cancelled")
    assert call.response
    assert call.response in run_forge("show", call.entry_id or "", "--response").stdout
    assert "characters had arrived" in run_forge("show", call.entry_id or "").stdout
    assert run_forge("status", run.workflow_id, "--json").document["run"]["status"] == "interrupted"

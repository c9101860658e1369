"""``forge show``: one call of a model, whole or one of its texts."""

import os
import sqlite3
import subprocess
import sys
from contextlib import closing

import pytest
from forge_cli.app import call
from support.forge import Outcome, run_forge
from support.records import record_call, record_run

THOUGHT = "First the parser.\x1b[2J\n\tThen its tests."
TEXT = 'no newline at the end, a tab\t, \r\n, é ☃ and "quotes"\x1b[31m'


@pytest.fixture
def entry_id() -> str:
    thought = {"type": "reasoning", "content": THOUGHT}
    record_call(
        user_prompt=TEXT,
        context_manifest=[{"path": "a.py"}],
        params={"max_tokens": 16_000, "temperature": 0.5, "not_sent": ["strict"]},
        messages={"output": [{"role": "assistant", "parts": [thought]}]},
    )
    with closing(sqlite3.connect(os.environ["FORGE_DB_PATH"])) as connection:
        return str(connection.execute("SELECT entry_id FROM interactions").fetchone()[0])


def run(capsys: pytest.CaptureFixture[str], *args: str) -> Outcome:
    code = call(list(args))
    return Outcome(code, *capsys.readouterr())


def test_short_id_of_a_verbose_status_shows_the_whole_call(
    capsys: pytest.CaptureFixture[str], entry_id: str
) -> None:
    record_run()

    outcome = run(capsys, "show", entry_id[:8])

    assert outcome.code == 0
    first = f"call {entry_id[:8]}  llm, step a, attempt 1  accepted\nid         {entry_id}\n"
    assert outcome.stdout.startswith(first)
    assert "\nno newline at the end, a tab\t" in outcome.stdout
    assert "\nFirst the parser.\\x1b[2J\n\tThen its tests.\n" in outcome.stdout
    assert "\n── answer ─" in outcome.stdout
    asked = "asked      temperature 0.5, without strict, which the server refused\n"
    assert asked in outcome.stdout
    assert "\x1b" not in outcome.stdout


@pytest.mark.parametrize(
    ("option", "expected"),
    [
        ("--prompt", TEXT.encode()),
        ("--system", b"You write."),
        ("--response", b'{"files": []}'),
        ("--context", b'[{"path":"a.py"}]'),
        ("--reasoning", THOUGHT.encode()),
        (
            "--raw",
            b"--- system prompt: 10 characters\nYou write.\n--- user prompt: 56 characters\n"
            + TEXT.encode()
            + b'\n--- answer: 13 characters\n{"files": []}\n',
        ),
    ],
)
def test_chosen_text_is_written_byte_for_byte(entry_id: str, option: str, expected: bytes) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "forge_cli", "show", entry_id[:8], option],
        capture_output=True,
        env={**os.environ, "PYTHONIOENCODING": "latin-1"},
        check=True,
    )

    assert done.stdout == expected


def test_document_has_the_texts(capsys: pytest.CaptureFixture[str], entry_id: str) -> None:
    document = run(capsys, "show", entry_id, "--json").document

    assert document["schema_version"] == 1
    assert document["interaction"]["user_prompt"] == TEXT
    assert document["interaction"]["entry_id"] == entry_id


@pytest.mark.parametrize("wanted", ["0000", "nonsense", "\udcff\x1b[2J"], ids=repr)
def test_unknown_call_is_one_line_and_exit_code_1(wanted: str) -> None:
    record_call()

    outcome = run_forge("show", wanted)

    assert outcome.code == 1
    assert "is on record" in outcome.error
    assert "\x1b" not in outcome.stderr


def test_missing_text_is_one_line_and_exit_code_1(capsys: pytest.CaptureFixture[str]) -> None:
    record_call(response=None)

    outcome = run(capsys, "show", "1", "--response")

    assert (outcome.code, outcome.stdout) == (1, "")
    assert outcome.error == "error: no response of this call is on record"


def test_digits_of_several_calls_name_them(capsys: pytest.CaptureFixture[str]) -> None:
    record_call()
    record_call()
    with closing(sqlite3.connect(os.environ["FORGE_DB_PATH"])) as connection, connection:
        connection.execute("UPDATE interactions SET entry_id = 'abcd' || id")

    outcome = run(capsys, "show", "abcd")

    assert outcome.code == 1
    assert "abcd1, abcd2" in outcome.error


def test_texts_exclude_each_other(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(capsys, "show", "abcd", "--prompt", "--json").code == 2


def show_response(capsys: pytest.CaptureFixture[str], name: str) -> str:
    return run(capsys, "show", name, "--response").stdout


def test_digits_name_an_id_before_a_row(capsys: pytest.CaptureFixture[str]) -> None:
    record_call(entry_id="0" * 32, response="first row")
    record_call(entry_id="0001" + "f" * 28, response="by its digits")
    record_call(entry_id="e" * 32, response="third row")

    assert show_response(capsys, "0001") == "by its digits"
    assert show_response(capsys, "1") == "first row"
    assert show_response(capsys, "0003") == "third row"


def test_id_is_found_with_the_dashes_of_a_uuid(capsys: pytest.CaptureFixture[str]) -> None:
    record_call(entry_id="0c8d0a52e3f15c4e9c2bd0f0a1f64f6e", response="mine")

    assert show_response(capsys, "0C8D0A52-E3F1-5C4E-9C2B-D0F0A1F64F6E") == "mine"
    assert show_response(capsys, "0c8d0a52-e3f1") == "mine"


def test_id_of_another_program_is_found_by_its_beginning(
    capsys: pytest.CaptureFixture[str],
) -> None:
    for letter in "AB":
        record_call(entry_id=f"chatcmpl-{letter * 4}", response=letter)

    assert show_response(capsys, "chatcmpl-A") == "A"
    assert "chatcmpl-AAAA, chatcmpl-BBBB" in run(capsys, "show", "chatcmpl").stderr
    listed = run(capsys, "status", "--workflow-id", "forge-add-parser-0a1b2c3d").stdout
    assert "chatcmpl-BBBB" in listed


def test_last_call_of_a_step_is_shown_without_its_id(capsys: pytest.CaptureFixture[str]) -> None:
    record_run()
    for attempt in (1, 2):
        record_call(attempt=attempt, user_prompt=f"attempt {attempt}")
    record_call(step_id="b", user_prompt="another step")

    assert run(capsys, "show", "@last", "--step", "a", "--prompt").stdout == "attempt 2"
    first = run(capsys, "show", "@last", "--step", "a", "--attempt", "1", "--prompt")
    assert first.stdout == "attempt 1"
    assert "the run has no step 'z'" in run(capsys, "show", "@last", "--step", "z").stderr
    assert run(capsys, "show", "@last", "1", "--step", "a").code == 2

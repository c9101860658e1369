"""``forge report``: one file of a run."""

import json
import re
import secrets
from html.parser import HTMLParser
from pathlib import Path

import pytest
from forge_obs import LLMStats
from support.disks import files_up_to
from support.documents import validate
from support.forge import Forge
from support.hostile import HOSTILE
from support.records import WORKFLOW_ID, record_call, record_run

TOKEN = "ghp_" + "7" * 36
MARKUP = "</pre></script><script>alert(1)</script><img src=x onerror=alert(1)>'\"&lt;"


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


class Elements(HTMLParser):
    """Counts the elements of a page and keeps what could be executed or loaded."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs


def test_page_is_named_by_the_task_and_may_be_made_again(forge: Forge, here: Path) -> None:
    record_run(description="Add a parser.\nFor dates.")
    record_call()

    first, again = forge("report", "@last"), forge("report", "add-parser")

    page = (here / "forge-report-add-parser.html").read_text(encoding="utf-8")
    assert (first.code, again.code) == (0, 0)
    assert first.stdout.startswith("forge-report-add-parser.html: ")
    assert "<h1>Add a parser.</h1>" in page
    assert WORKFLOW_ID in page
    assert "writer-1, 4.12k in (3.00k cached), 45 out" in page


def test_page_of_a_task_whose_id_fits_no_file_has_a_name_all_the_same(
    forge: Forge, here: Path
) -> None:
    record_run(task_id="a/../b\0" + "c" * 300)

    outcome = forge("report", "@last")

    assert outcome.code == 0, outcome.stderr
    assert [file.name for file in here.glob("*.html")] == [f"forge-report-a-..-b-{'c' * 57}.html"]


def test_file_that_is_no_report_is_left_as_it_is(forge: Forge, here: Path) -> None:
    record_run()
    (here / "mine.html").write_text("<p>mine</p>")

    outcome = forge("report", "@last", "-o", "mine.html")

    assert outcome.code == 2
    assert outcome.stderr == (
        "error: mine.html exists and is no report: name another file with -o\n"
    )
    assert (here / "mine.html").read_text() == "<p>mine</p>"


@pytest.mark.parametrize(
    ("target", "reason"),
    [
        ("nowhere/run.html", "cannot create nowhere/run.html: No such file or directory: choose"),
        ("file/run.html", "cannot create file/run.html: Not a directory: choose"),
        (".", ". exists and is no report: name"),
        ("/dev/full", "/dev/full exists and is no report: name"),
    ],
)
def test_place_that_cannot_be_written_is_one_line(
    forge: Forge, here: Path, target: str, reason: str
) -> None:
    record_run()
    (here / "file").touch()

    outcome = forge("report", "@last", "-o", target)

    assert outcome.code == 2
    assert outcome.stderr.startswith(f"error: {reason} another file")
    assert [path.name for path in here.iterdir() if path.suffix == ".html"] == []


def test_full_disk_leaves_the_page_that_was_there(forge: Forge, here: Path) -> None:
    record_run()
    record_call(user_prompt=secrets.token_hex(100_000))
    forge("report", "@last", "-o", "run.html")
    before = (here / "run.html").read_bytes()

    with files_up_to(40_000):
        outcome = forge("report", "@last", "-o", "run.html")

    assert outcome.code == 3
    assert outcome.error == "error: cannot write run.html: File too large"
    assert (here / "run.html").read_bytes() == before
    assert not list(here.glob(".run.html*"))


def test_unknown_run_is_refused_as_everywhere(forge: Forge, here: Path) -> None:
    record_run()

    outcome = forge("report", "forge-add-parsex")

    assert outcome.code == 1
    assert WORKFLOW_ID in outcome.stderr
    assert not list(here.glob("*.html"))


def test_page_goes_to_stdout_and_nothing_else_does(forge: Forge, here: Path) -> None:
    record_run()

    outcome = forge("report", "@last", "-o", "-")

    assert outcome.stdout.startswith("<!DOCTYPE html>")
    assert outcome.stdout.rstrip().endswith("</html>")
    assert not list(here.glob("*.html"))


def test_simulated_figures_are_shown_as_what_they_are(forge: Forge) -> None:
    record_run()
    stats = LLMStats(model_name="m", input_tokens=4120, output_tokens=245, latency_ms=300)
    usage = {"simulated": True}
    record_call(origin="scripted", stats=stats, usage=usage, stated_cost_usd=0.0161)

    page = forge("report", "@last", "-o", "-").stdout

    assert "<b>4.12k</b> simulated tokens in" in page
    assert "<b>$0.0161</b> simulated cost" in page
    assert "scripted, 4.12k in, 245 out, 300 ms, sim $0.0161" in page


def test_document_says_what_was_written_and_what_was_taken_out(forge: Forge, here: Path) -> None:
    record_run(description=f"Use {TOKEN}.")
    record_call(user_prompt=f"The token is {TOKEN}.", response=f'{{"token": "{TOKEN}"}}')

    outcome = forge("report", "@last", "-o", "run.html", "--redact", "--json")

    page = (here / "run.html").read_text(encoding="utf-8")
    document = json.loads(outcome.stdout)
    validate("report", document)
    assert document["path"] == str(here / "run.html")
    assert document["size_bytes"] == len(page.encode())
    assert document["removals"] == [
        {"pseudonym": "[github-token 1]", "kind": "github-token", "places": 3}
    ]
    assert "<h1>Use [github-token 1].</h1>" in page
    assert TOKEN not in page


def test_shared_page_tells_neither_whose_the_repository_is_nor_a_secret_of_its_tests(
    forge: Forge,
) -> None:
    command = f"TOKEN={TOKEN} /home/ann/bin/check"
    record_run(
        repo_root="/home/ann/src/pantry",
        request={"task": {"validation": {"run_tests": True, "test_command": command}}},
        result={"worktree_path": "/home/ann/src/pantry/.forge-worktrees/add-parser"},
    )
    record_call(user_prompt="File /home/ann/src/pantry/db.py", error="no /home/ann/.netrc")

    page = forge("report", "@last", "-o", "-", "--redact").stdout

    assert "/home/ann" not in page
    assert re.search(r"Repository</dt>\s*<dd>pantry</dd>", page)
    assert "TOKEN=[github-token 1] ~/bin/check" in page


@pytest.mark.parametrize("text", [MARKUP, *HOSTILE.values()], ids=["markup", *HOSTILE])
def test_hostile_text_adds_no_element_and_is_visible(forge: Forge, text: str) -> None:
    record_run("forge-tame-00000000", description="d", reason="r", status="failure_terminal")
    record_call("forge-tame-00000000", error="e", status="error", error_type="t")
    check = {"check_name": text, "passed": False, "summary": text, "details": text}
    attempt = {"attempt": 1, "signal": "failure_terminal", "validation_results": [check]}
    result = {"attempts": [attempt], "worktree_branch": text}
    record_run(description=text, reason=text, status="failure_terminal", result=result)
    record_call(
        user_prompt=text, response=text, error=text, status="error", error_type="t", step_id=None
    )

    tame = Elements(forge("report", "forge-tame-00000000", "-o", "-").stdout)
    page = forge("report", WORKFLOW_ID, "-o", "-").stdout

    hostile = Elements(page)
    assert hostile.tags.count("script") == tame.tags.count("script")
    assert "img" not in hostile.tags
    names = {name for name, _ in hostile.attributes}
    assert not {name for name in names if name.startswith("on") or name in {"src", "style"}}
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", page)


def test_run_without_any_call_has_a_page(forge: Forge) -> None:
    record_run(result={}, status="error", reason="it could not begin")

    page = forge("report", "@last", "-o", "-").stdout

    assert "No call of a model is on record." in page
    assert '<p class="reason">it could not begin</p>' in page

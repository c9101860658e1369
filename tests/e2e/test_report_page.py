"""A report in a real browser: what is packed opens, nothing in it runs or is loaded."""

import os
import shutil
import subprocess
import threading
from collections.abc import Iterator
from html.parser import HTMLParser
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from support.forge import run_forge
from support.hostile import HOSTILE, show_escaped
from support.records import record_call, record_run

BROWSER = shutil.which("chromium") or shutil.which("google-chrome")
OPTIONS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--enable-logging=stderr",
    "--virtual-time-budget=10000",
)

pytestmark = pytest.mark.skipif(BROWSER is None, reason="no Chromium on the path")


class Listener(ThreadingHTTPServer):
    """Notes every request, of which there should be none."""

    def __init__(self) -> None:
        self.paths: list[str] = []
        super().__init__(("127.0.0.1", 0), Handler)


class Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        assert isinstance(self.server, Listener)
        self.server.paths.append(self.path)
        self.send_error(404)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def listener() -> Iterator[Listener]:
    server = Listener()
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


class Page(HTMLParser):
    """The text of a page, and the tags that it is made of."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self.text = ""
        self.tags: list[str] = []
        self._raw = False
        self.feed(source)

    def handle_starttag(self, tag: str, _: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self._raw = tag in {"script", "style"}

    def handle_endtag(self, _: str) -> None:
        self._raw = False

    def handle_data(self, data: str) -> None:
        self.text += "" if self._raw else data


def show(path: Path, fragment: str, profile: Path) -> tuple[Page, str]:
    """Open a page as a browser does; returns what it shows in the end, and the browser's log."""
    assert BROWSER is not None
    profile.mkdir()
    address = f"{path.as_uri()}#{fragment}"
    done = subprocess.run(
        [BROWSER, *OPTIONS, f"--user-data-dir={profile}", "--dump-dom", address],
        # The socket in its temporary directory needs a short name.
        env={"PATH": os.defpath, "HOME": str(profile)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return Page(done.stdout), done.stderr


def test_hostile_texts_are_shown_and_neither_run_nor_loaded(
    tmp_path: Path, listener: Listener
) -> None:
    address = f"http://127.0.0.1:{listener.server_port}"
    texts = {
        **HOSTILE,
        "script": f"<script src={address}/s></script><script>document.title='owned'</script>",
        "image": f"<img src={address}/i onerror=\"document.title='owned'\">",
        "ends": "</pre></details></script></style><svg onload=document.title='owned'>",
        "style": f"<style>@import '{address}/c'</style><link rel=stylesheet href={address}/l>",
        "frame": f"<iframe src={address}/f></iframe>",
        "refresh": f"<meta http-equiv=refresh content='0;{address}/r'>",
    }
    record_run(description="\n".join(texts.values()), status="failure_terminal", result={})
    for number, text in enumerate(texts.values()):
        prompt = f"needle {text} needle"
        record_call(step_id=None, attempt=number + 1, user_prompt=prompt, response=prompt)
    path = tmp_path / "run.html"
    assert run_forge("report", "@last", "-o", str(path)).code == 0

    page, log = show(path, "find=needle", tmp_path / "profile")

    assert "CONSOLE" not in log
    assert f"1 of {2 * len(texts)} texts" in page.text
    assert "owned</title>" not in page.text
    assert page.tags.count("mark") == 2  # the first hit stands open, with both of its words
    assert not {"img", "iframe", "link"} & set(page.tags)
    assert page.tags.count("style") == 1
    shown = show_escaped(texts["csi"])
    assert f"needle {shown} needle" in page.text
    assert listener.paths == []


def test_every_text_of_a_long_run_is_found(tmp_path: Path) -> None:
    lines = [f"line {number} of a file that all steps are shown\n" for number in range(5_000)]
    record_run(result={})
    for attempt in range(1, 8):
        lines[attempt * 600] = f"here it was changed, the {attempt}th time\n"
        record_call(step_id=None, attempt=attempt, user_prompt="".join(lines))
    path = tmp_path / "run.html"
    assert run_forge("report", "@last", "-o", str(path)).code == 0

    page, log = show(path, "find=the 5th time", tmp_path / "profile")

    assert "CONSOLE" not in log
    assert "1 of 3 texts" in page.text
    assert "line 4999 of a file that all steps are shown" in page.text
    assert path.stat().st_size < sum(map(len, lines))

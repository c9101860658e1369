"""The view of a run on a real terminal, a pseudo-terminal's slave."""

import io
import logging
import os
import pty
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from forge_cli.escape import escape
from forge_cli.terminal.console import print_text, print_warning
from forge_cli.terminal.live_screen import Screen, is_live
from forge_cli.terminal.logs import logging_to_stderr
from rich.console import ConsoleDimensions
from rich.text import Text
from support.hostile import HOSTILE, show_escaped
from support.waiting import wait_until

SHOW_CURSOR, HIDE_CURSOR = b"\x1b[?25h", b"\x1b[?25l"


@dataclass
class Terminal:
    """Both ends of a terminal."""

    stream: io.TextIOWrapper
    master: int
    received: bytes = b""

    def read(self) -> bytes:
        os.set_blocking(self.master, False)
        while True:
            try:
                self.received += os.read(self.master, 65536)
            except BlockingIOError:
                return self.received


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Iterator[Terminal]:
    monkeypatch.setenv("TERM", "xterm-256color")
    master, slave = pty.openpty()
    with io.TextIOWrapper(io.FileIO(slave, "w"), encoding="utf-8") as stream:
        yield Terminal(stream, master)
    os.close(master)


def test_view_is_updated_in_place_and_its_last_frame_stays(terminal: Terminal) -> None:
    frames = iter(range(10_000))
    screen = Screen(terminal.stream, lambda width, _: Text(f"frame {next(frames)} {width}"))

    screen.open()
    wait_until(lambda: b"frame 2 " in terminal.read(), "the third frame")
    screen.close()

    received = terminal.read()
    assert received.index(HIDE_CURSOR) < received.rindex(SHOW_CURSOR)
    assert b"\x1b[2K" in received  # the line is rewritten, not added to
    assert received.count(b"\n") <= 2
    last = received.rindex(b"frame ")
    assert b"\x1b[2K" not in received[last:]


def test_lines_that_a_narrower_terminal_broke_are_erased(terminal: Terminal) -> None:
    screen = Screen(terminal.stream, lambda width, _: Text(f"{'x' * (width - 2)}\nend {width}"))
    screen._console.size = ConsoleDimensions(100, 24)

    screen.open()
    try:
        wait_until(lambda: b"end 100" in terminal.read(), "the first frame")
        screen._console.size = ConsoleDimensions(40, 24)
        wait_until(lambda: b"end 40" in terminal.read(), "the narrow frame")
    finally:
        screen.close()

    received = terminal.read()
    between = received[: received.index(b"end 40")].rpartition(b"end 100")[2]
    assert between.count(b"\x1b[1A") == 3  # 98 columns take three lines of 40, the end one


def test_warnings_stay_above_the_view(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", terminal.stream)
    screen = Screen(terminal.stream, lambda *_: Text("the view"))

    screen.open()
    print_warning("[bold]a[/b]c :bomb: \x1b[2J")
    screen.close()

    assert rb"warning: [bold]a[/b]c :bomb: \x1b[2J" in terminal.read()


def test_log_lines_stay_above_the_view_too(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stderr", terminal.stream)
    with logging_to_stderr(0):
        screen = Screen(terminal.stream, lambda *_: Text("the view"))
        screen.open()
        printed = sys.stderr
        logging.getLogger("forge").warning("the store is slow")
        screen.close()

    assert printed is not terminal.stream
    lines = terminal.read().replace(b"\x1b[2K", b"").split(b"\r")
    assert any(line.startswith(b"warning: the store is slow") for line in lines), lines


@pytest.mark.parametrize(
    ("term", "live"), [("xterm", True), ("dumb", False), ("", False)], ids=["xterm", "dumb", "none"]
)
def test_terminal_that_cannot_move_its_cursor_gets_lines(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch, term: str, live: bool
) -> None:
    monkeypatch.setenv("TERM", term)

    assert is_live(terminal.stream) == live
    assert not is_live(io.StringIO())


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE.keys())
def test_styled_text_brings_a_terminal_nothing_but_colours(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    monkeypatch.setattr(sys, "stdout", terminal.stream)

    print_text(Text(escape(text), style="red"))

    shown = re.sub("\x1b\\[[0-9;]*m|\r(?=\n)", "", terminal.read().decode())
    assert shown == show_escaped(text).expandtabs() + "\n"


def test_no_color_leaves_the_text_without_colours(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdout", terminal.stream)
    monkeypatch.setenv("NO_COLOR", "1")

    print_text(Text("red", style="red"))

    assert terminal.read() == b"red\r\n"

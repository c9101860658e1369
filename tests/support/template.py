"""The process that has imported Forge already, and forks a command whenever it is asked to.

``python -P template.py FD`` serves the socket with that number until its other end is closed. Each
request is a byte with descriptors: a file with the request, a socket for the answers, the streams.
"""

import gc
import json
import os
import signal
import socket
import sys
from datetime import timedelta
from importlib import import_module

IMPORTED = (
    "alembic.migration",
    "alembic.operations",
    "forge_cli.app",
    "forge_cli.commands.look.status",
    "forge_cli.actions.run.run",
    "forge_cli.actions.look.status",
    "forge_cli.actions.run.worker",
    "forge_core.llm.network.client",
    "forge_obs.database.migrate",
    "forge_obs.database.orm",
    "forge_obs.database.writer",
    "pydantic_ai.models.openai",
)
"""What most commands import."""

DESCRIPTORS = 5


def serve(control: socket.socket) -> None:
    """Fork a command for each request."""
    while True:
        message, descriptors, _, _ = socket.recv_fds(control, 1, DESCRIPTORS)
        if not message:
            return
        if os.fork() == 0:
            control.close()
            _keep(*descriptors)
        for descriptor in descriptors:
            os.close(descriptor)


def _keep(request: int, answers: int, *streams: int) -> None:
    """Fork the command, tell its pid, and its status when it has ended."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    pid = os.fork()
    if pid == 0:
        os.close(answers)
        _become_forge(request, streams)
    for descriptor in (request, *streams):
        os.close(descriptor)
    os.write(answers, pid.to_bytes(4, "big"))
    _, status = os.waitpid(pid, 0)
    os.write(answers, os.waitstatus_to_exitcode(status).to_bytes(4, "big", signed=True))
    os._exit(0)


def _become_forge(request: int, streams: tuple[int, ...]) -> None:
    with open(request, encoding="utf-8") as file:
        asked = json.load(file)
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
        os.close(stream)
    sys.stdin, sys.stdout = os.fdopen(0), os.fdopen(1, "w")
    sys.stderr = os.fdopen(2, "w", buffering=1, errors="backslashreplace")
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGHUP, signal.SIG_DFL)
    for number in asked["ignored"]:
        signal.signal(number, signal.SIG_IGN)
    os.chdir(asked["cwd"])
    os.environ.clear()
    os.environ.update(asked["env"])
    for name, value in asked["seams"].items():
        _replace(name, value)
    sys.argv = ["forge", *asked["args"]]
    try:
        import_module("forge_cli.__main__").main()
    except BaseException:
        sys.excepthook(*sys.exc_info())
    finally:
        os._exit(1)


def _replace(name: str, value: float) -> None:
    """Give a constant of a module another value; a time is told in seconds."""
    module_name, _, constant = name.rpartition(".")
    module = import_module(module_name)
    before = getattr(module, constant)
    setattr(module, constant, timedelta(seconds=value) if isinstance(before, timedelta) else value)


def main() -> None:
    """Import, then serve."""
    for name in IMPORTED:
        import_module(name)
    gc.freeze()  # a command need not look through what it only got from here
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for those that keep a command
    serve(socket.socket(fileno=int(sys.argv[1])))


if __name__ == "__main__":
    main()

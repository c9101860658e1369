"""Which process of this machine executes a run of the embedded server."""

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from forge_core.errors import InfrastructureError, RunOwned
from forge_core.files.create import make_private
from forge_core.temporal.locks import Held, held_file, read_held
from forge_core.temporal.state import StateFiles


@contextmanager
def owned_run(files: StateFiles, workflow_id: str) -> Iterator[None]:
    """Be the one process that executes a run, until the block ends or we die.

    Raises:
        RunOwned: Another living process executes it.
        InfrastructureError: The state directory cannot be written.
    """
    with ExitStack() as stack:
        try:
            make_private(files.runs)
            stack.enter_context(held_file(files.owner(workflow_id), str(os.getpid())))
        except Held as held:
            raise RunOwned(f"run {workflow_id} is executed by process {held}") from held
        except OSError as error:
            raise InfrastructureError(f"cannot write {files.runs}: {error.strerror}") from error
        yield


def find_owner(files: StateFiles, workflow_id: str) -> int | None:
    """Return the id of the process that executes a run; None if none does."""
    text = read_held(files.owner(workflow_id))
    return int(text) if text is not None and text.isascii() and text.isdigit() else None

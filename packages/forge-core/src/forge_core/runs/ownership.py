"""Which process of this machine executes a run of the embedded server, and which run it is."""

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress

from forge_core.errors import InfrastructureError, RunOwned, RunRepeated
from forge_core.files.private import create_private, make_private
from forge_core.locks.held_file import Held, held_file, read_held
from forge_core.state_dir.files import StateFiles


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


def confirm_run(files: StateFiles, workflow_id: str, run_id: str) -> None:
    """Check that this is the one run that was ever executed here under a workflow id.

    Forge starts none twice, but the server lets everybody who has read how a run was started do so.

    Raises:
        RunRepeated: It is another one.
        InfrastructureError: The state directory cannot be written or read.
    """
    path = files.run_id(workflow_id)
    try:
        with suppress(FileExistsError):
            create_private(path, run_id)
        first = path.read_text()
    except OSError as error:
        raise InfrastructureError(f"cannot write {path}: {error.strerror}") from error
    if first != run_id:
        raise RunRepeated(
            f"run {workflow_id} was executed as {first}, and somebody started it again in Temporal "
            f"as {run_id}: forge cancel {workflow_id} ends that"
        )

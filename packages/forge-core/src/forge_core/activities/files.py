"""Activities that write an answer's files and check them."""

from collections.abc import Sequence
from pathlib import Path

from temporalio import activity
from temporalio.exceptions import CancelledError

from forge_core.errors import RefusedPath
from forge_core.files.protection import WritePolicy
from forge_core.files.write import write_files
from forge_core.git.claim import claimed_worktree
from forge_core.git.submodules import refuse_submodules
from forge_core.git.worktree import describe_mishap
from forge_core.models.activity import (
    ValidateInput,
    ValidateResult,
    WriteFilesInput,
    WriteFilesResult,
)
from forge_core.models.task import ValidationConfig
from forge_core.tracing.attributes import validation_attributes
from forge_core.tracing.setup import activity_span
from forge_core.validation.checks import validate_files
from forge_core.validation.verdicts import build_astray_verdict


def build_policy(target_files: Sequence[str], validation: ValidationConfig) -> WritePolicy:
    """Build what a model may write under the rules of a task; pure."""
    return WritePolicy(target_files, validation.allow_protected_files, validation.test_command)


@activity.defn(no_thread_cancel_exception=True)
def write_output(work: WriteFilesInput) -> WriteFilesResult:
    """Write an answer's files; a path that may not be written refuses them all."""
    policy = build_policy(work.target_files, work.validation)
    worktree = Path(work.worktree)
    try:
        with claimed_worktree(worktree, work.workflow_id):
            refuse_submodules(worktree, [file.file_path for file in work.files])
            return WriteFilesResult(paths=tuple(write_files(worktree, work.files, policy)))
    except RefusedPath as error:
        return WriteFilesResult(error=str(error))


@activity.defn(no_thread_cancel_exception=True)
def validate_output(work: ValidateInput) -> ValidateResult:
    """Run the configured checks on the files of an attempt."""
    with activity_span("forge.validate_output", validation_attributes(work)) as span:
        worktree = Path(work.worktree)
        with claimed_worktree(worktree, work.workflow_id):
            results = validate_files(worktree, work.paths, work.config, _stop_if_cancelled)
            if work.config.run_tests and (mishap := describe_mishap(worktree)):
                results.append(build_astray_verdict(mishap))
        span.set_attributes(validation_attributes(work, results))
        return ValidateResult(results=tuple(results))


def _stop_if_cancelled() -> None:
    if activity.is_cancelled():
        raise CancelledError("validation was cancelled")

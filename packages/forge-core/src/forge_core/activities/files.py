"""Activities that write an answer's files and check them."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

from temporalio import activity
from temporalio.exceptions import CancelledError

from forge_core.edits.change_set import (
    ChangeSet,
    UnfitChanges,
    build_change_set,
    list_paths,
)
from forge_core.edits.sight import build_sight
from forge_core.errors import RefusedPath
from forge_core.files.protection import WritePolicy
from forge_core.files.write import write_changes
from forge_core.git.claim import claimed_worktree
from forge_core.git.commits.receipt import digest_files, leave_receipt, note_checks, was_checked
from forge_core.git.contents.base_files import read_base_files
from forge_core.git.repository import find_ignored
from forge_core.git.submodules import refuse_submodules
from forge_core.git.touched_paths import find_missing, find_touched
from forge_core.git.worktree import describe_mishap
from forge_core.models.activity import (
    ValidateInput,
    ValidateResult,
    WriteFilesInput,
    WriteFilesResult,
)
from forge_core.models.call.context import ShownFile
from forge_core.models.call.llm import LLMResponse
from forge_core.models.result import ValidationResult
from forge_core.models.task import ValidationConfig
from forge_core.records.outcomes import Verdict, judge_checks, record_outcome
from forge_core.tracing.attributes import validation_attributes
from forge_core.tracing.setup import activity_span
from forge_core.validation.changed_files import ChangedFiles
from forge_core.validation.checks import validate_files
from forge_core.validation.commands.base_view import bring_back, discard
from forge_core.validation.targets import NOTHING_LEFT, judge_targets, normalize_targets
from forge_core.validation.verdicts import build_astray_verdict

IGNORED = (
    "git ignores {}: such a file may be the user's own, and is written only if the user names it "
    "with --target-file. Leave it out"
)
"""Why a file is refused that only a checkout has."""


def build_policy(target_files: Sequence[str], validation: ValidationConfig) -> WritePolicy:
    """Build what a model may write under the rules of a task; pure."""
    return WritePolicy(target_files, validation.allow_protected_files, validation.commands)


@activity.defn(no_thread_cancel_exception=True)
def write_output(work: WriteFilesInput) -> WriteFilesResult:
    """Bring what an answer changes into the worktree, all of it or, where that may not be, nothing.

    The result is computed from the commit, so that it is the same however often it is asked for.
    """
    response = LLMResponse(
        files=work.files, edits=work.edits, deletions=work.deletions, renames=work.renames
    )
    policy = build_policy(work.target_files, work.validation)
    worktree = Path(work.worktree)
    try:
        with claimed_worktree(worktree, work.workflow_id):
            refuse_submodules(worktree, list_paths(response))
            origin = ChangeOrigin(worktree, work.head, work.target_files)
            changes = plan_changes(origin, response, work.shown)
            digest = digest_files(changes.files)
            is_rerun = was_checked(worktree, digest)
            discard(worktree)
            paths = write_changes(worktree, changes.files, policy, was_checked=is_rerun)
            leave_receipt(worktree, digest)
    except (RefusedPath, UnfitChanges) as error:
        record_outcome(work.entry_ids, Verdict("refused", str(error)))
        return WriteFilesResult(error=str(error))
    return WriteFilesResult(paths=tuple(paths), changes=changes.changes)


@dataclass(frozen=True, slots=True)
class ChangeOrigin:
    """What changes are made on."""

    worktree: Path
    head: str
    """Hash of the commit that the attempt starts from."""
    target_files: Sequence[str] = ()
    """Files that the user named, which may be ignored ones."""


def plan_changes(
    origin: ChangeOrigin, response: LLMResponse, shown: Sequence[ShownFile] | None
) -> ChangeSet:
    """Build what an answer makes of the files of a commit, as far as the model has seen them.

    Raises:
        UnfitChanges: It does not fit them, or adds files that git ignores.
    """
    paths = list_paths(response)
    base = read_base_files(origin.worktree, origin.head, paths)
    added = [path for path in paths if path not in base and path not in origin.target_files]
    ignored = find_ignored(origin.worktree, added)
    if ignored:
        raise UnfitChanges([IGNORED.format(", ".join(map(repr, ignored)))])
    return build_change_set(response, base, None if shown is None else build_sight(shown))


@activity.defn(no_thread_cancel_exception=True)
def validate_output(work: ValidateInput) -> ValidateResult:
    """Run the configured checks on the files of an attempt."""
    with activity_span("forge.validate_output", validation_attributes(work)) as span:
        worktree = Path(work.worktree)
        with claimed_worktree(worktree, work.workflow_id):
            bring_back(worktree)
            touched = find_touched(worktree, work.head, work.paths)
            verdict = _judge_targets(worktree, work, touched)
            written = _read_files(worktree, touched)
            note_checks(worktree)
            changed = ChangedFiles(
                work.paths, _read_bases(work), work.head, work.task, work.target_files or ()
            )
            results = validate_files(worktree, changed, work.config, _stop_if_cancelled)
            mishap = describe_mishap(worktree) if work.config.runs_commands else None
            if mishap is None and _read_files(worktree, touched) != written:
                verdict = _judge_rest(worktree, work) or verdict
            results += [verdict] if verdict is not None else []
            results += [build_astray_verdict(mishap)] if mishap is not None else []
        span.set_attributes(validation_attributes(work, results))
        record_outcome(work.entry_ids, judge_checks(results))
        return ValidateResult(results=tuple(results))


def _read_bases(work: ValidateInput) -> dict[str, bytes]:
    """Read what stood in the place of the files before the attempt."""
    old_paths = {change.path: change.old_path for change in work.changes if change.old_path}
    sources = {path: old_paths.get(path, path) for path in work.paths}
    files = read_base_files(Path(work.worktree), work.head, list(dict.fromkeys(sources.values())))
    return {path: files[old].content for path, old in sources.items() if old in files}


def _judge_targets(
    worktree: Path, work: ValidateInput, touched: Collection[str]
) -> ValidationResult | None:
    """Judge what the answer did to the named files, before checks repair others."""
    if work.target_files is None:
        return None
    targets = normalize_targets(work.target_files)
    return judge_targets(
        targets,
        work.untouched,
        touched=touched,
        missing=find_missing(worktree, work.head, targets),
    )


def _judge_rest(worktree: Path, work: ValidateInput) -> ValidationResult | None:
    """Judge what repairs left of the change; None unless that is nothing."""
    if work.target_files is None or find_touched(worktree, work.head, work.paths):
        return None
    return NOTHING_LEFT


def _read_files(worktree: Path, paths: Collection[str]) -> dict[str, bytes]:
    files = {path: worktree / path for path in paths}
    return {path: file.read_bytes() for path, file in files.items() if file.is_file()}


def _stop_if_cancelled() -> None:
    if activity.is_cancelled():
        raise CancelledError("validation was cancelled")

"""Inputs and outputs of the activities, one input model for each."""

from forge_core.models.budget import Allowance, CallStop, PriceTerms
from forge_core.models.call.context import AssembledContext, ShownFile
from forge_core.models.call.llm import FileEdit, FileOutput, FileRename, Untouched
from forge_core.models.call.settings import UNSET, CallSettings
from forge_core.models.changes import FileChange
from forge_core.models.frozen import FrozenModel
from forge_core.models.result import RunStatus, TaskResult, ValidationResult
from forge_core.models.task import ForgeTaskInput, TaskDefinition, ValidationConfig
from forge_core.models.unit import AttemptFailure, WorkUnit


class Workspace(FrozenModel):
    """A worktree of ours and the commit that its branch stood at when it was made."""

    path: str
    branch: str | None = None
    """None for a detached worktree."""
    head: str


class RunOwner(FrozenModel):
    """Who executes a run from its first activity to its last."""

    task_queue: str
    """The queue that only this worker polls."""
    sole: bool = False
    """No other worker takes the run's workflow tasks, so that short activities can be local."""


class WorktreeInput(FrozenModel):
    """A change in a worktree, made only while the run holds the claim on the worktree's task."""

    workflow_id: str | None = None
    """The run's, not a sub-task's; None, which is not checked, in what an older Forge scheduled."""


class RecordRunInput(FrozenModel):
    """A run as it stands, to be put on record."""

    work: ForgeTaskInput
    workflow_id: str
    run_id: str
    status: RunStatus
    result: TaskResult


class SubTaskInput(FrozenModel):
    """The argument of `ForgeSubTaskWorkflow`."""

    unit: WorkUnit
    repo_root: str
    commit: str
    """Where the sub-task starts: the head of the task's branch."""
    owner: RunOwner
    failure: AttemptFailure | None = None
    """What failed in the step's last attempt."""
    is_limited: bool = False
    """Whether the run has a limit, so that it is asked before each call."""


class CreateWorktreeInput(FrozenModel):
    """The task whose id is claimed and whose branch and worktree are made."""

    repo_root: str
    task_id: str
    workflow_id: str
    base_commit: str
    submodules: bool = False
    """Whether commands are run, which may need the files of submodules."""


class CreateSubWorktreeInput(WorktreeInput):
    """The sub-task that gets a detached worktree."""

    repo_root: str
    task_id: str
    step_id: str
    sub_task_id: str
    commit: str


class RemoveSubWorktreesInput(FrozenModel):
    """The step whose sub-task worktrees and refs are no longer needed."""

    repo_root: str
    task_id: str
    workflow_id: str
    step_id: str


class ResetWorktreeInput(WorktreeInput):
    """The worktree to bring back to a commit."""

    path: str
    commit: str


class AssemblePlannerInput(FrozenModel):
    """The task to plan, in its worktree."""

    task: TaskDefinition
    workflow_id: str
    worktree: str
    base_commit: str = ""
    chars_per_token: float | None = None
    """Of the planner's model; None for what the task says."""
    max_output_tokens: int | None = None
    """Largest plan, in tokens; None for what the task reserves for an answer."""


class AssembleContextInput(FrozenModel):
    """The unit to write for, in its worktree, and what failed before."""

    unit: WorkUnit
    worktree: str
    attempt: int
    failure: AttemptFailure | None = None


class CallInput(FrozenModel):
    """What every call of a model is paid from."""

    terms: PriceTerms = PriceTerms()
    allowance: Allowance | None = None
    """What is left of the run's budget; None where there is no limit."""
    stop: CallStop | None = None
    """Where the call stopped that this one continues; None for one that begins."""


class CallLLMInput(CallInput):
    """The prompts of a request for files."""

    context: AssembledContext
    model: str
    settings: CallSettings = UNSET
    worktree: str | None = None
    """Where the answer is to be written; None, for which nothing of it is checked against the
    files, in what an older Forge scheduled."""
    head: str = "HEAD"
    """Hash of the commit that the attempt starts from."""
    target_files: tuple[str, ...] = ()
    """Files that the user named, which may be ignored or protected ones."""
    validation: ValidationConfig | None = None
    """None, with which no file is protected before it is written, in what an older Forge
    scheduled."""
    context_rounds: int = 0
    """Times that the model may ask for more context."""


class CallPlannerInput(CallInput):
    """The prompts of a request for a plan."""

    context: AssembledContext
    planner_model: str
    settings: CallSettings = UNSET
    target_files: tuple[str, ...] = ()
    """Files that the user named, which may be protected ones."""
    validation: ValidationConfig | None = None
    """None, with which no file is protected from a plan, in what an older Forge scheduled."""
    worktree: str | None = None
    """Where more context is read; None, with which none is, in what an older Forge scheduled."""
    head: str = "HEAD"
    """Hash of the commit of which it is read."""
    context_rounds: int = 0
    """Times that the planner may ask for more context."""


class WriteFilesInput(WorktreeInput):
    """What an answer changes, to be written into a worktree."""

    worktree: str
    head: str = "HEAD"
    """Hash of the commit that the attempt starts from, on whose files the changes are made."""
    files: tuple[FileOutput, ...] = ()
    edits: tuple[FileEdit, ...] = ()
    deletions: tuple[str, ...] = ()
    renames: tuple[FileRename, ...] = ()
    target_files: tuple[str, ...] = ()
    """Files that the user named, which may be protected ones."""
    validation: ValidationConfig = ValidationConfig()
    shown: tuple[ShownFile, ...] | None = None
    """What the model had seen, beyond which nothing is changed; None, for which that is not
    checked, in what an older Forge scheduled."""
    entry_ids: tuple[str, ...] = ()
    """Requests whose answers these are."""


class WriteFilesResult(FrozenModel):
    """The paths that were written or are gone, or why nothing was done."""

    paths: tuple[str, ...] = ()
    changes: tuple[FileChange, ...] = ()
    error: str | None = None


class ValidateInput(WorktreeInput):
    """Files of a worktree and the checks that they must pass."""

    worktree: str
    head: str = "HEAD"
    """Hash of the commit that the attempt starts from: what stands there is not judged."""
    paths: tuple[str, ...]
    changes: tuple[FileChange, ...] = ()
    """What the answer made of the files; of those that it renamed, the old paths count."""
    config: ValidationConfig
    task_id: str
    step_id: str | None = None
    sub_task_id: str | None = None
    attempt: int
    target_files: tuple[str, ...] | None = None
    """Files that the unit was to change; None, for which nothing is asked of them, in what an
    older Forge scheduled."""
    untouched: tuple[Untouched, ...] = ()
    """Files that the answer leaves as they are, and why."""
    entry_ids: tuple[str, ...] = ()
    """Requests whose answers the files are of."""
    task: str = ""
    """What was to be done, in words; nothing of it in what an older Forge scheduled."""


class ValidateResult(FrozenModel):
    """The verdicts, in the order of the checks."""

    results: tuple[ValidationResult, ...]


class KeptCommit(FrozenModel):
    """The ref that keeps a sub-task's commit alive until its step is done."""

    repo_root: str
    step_attempt: int
    sub_task_id: str


class CommitInput(FrozenModel):
    """The files of an attempt, to be committed on top of `parent`."""

    worktree: str
    paths: tuple[str, ...]
    parent: str
    subject: str
    workflow_id: str
    step_id: str | None = None
    attempt: int
    kept: KeptCommit | None = None
    failed: bool = False
    """Whether the attempt failed, so that only what can be committed is."""
    entry_ids: tuple[str, ...] = ()
    """Requests whose answers the files are of, which the commit names."""


class CommitResult(FrozenModel):
    """The commit, if the files differed from what stood, and the files' blobs."""

    commit_sha: str | None
    """None where nothing changed."""
    head: str
    """Where the branch stands now."""
    output_files: dict[str, str]
    """Path to git blob id."""


class GatherInput(WorktreeInput):
    """The commits of a step's sub-tasks, to be brought together in its worktree."""

    worktree: str
    base: str
    commits: dict[str, str]
    """Sub-task id to commit."""


class GatherResult(FrozenModel):
    """The paths that the sub-tasks changed, or why they do not go together."""

    paths: tuple[str, ...] = ()
    error: str | None = None

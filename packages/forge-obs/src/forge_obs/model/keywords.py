"""The keywords of `record()`."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Final, Literal, Protocol, Required, TypeAlias, TypedDict


class ModelLike(Protocol):
    """A pydantic model, or whatever dumps itself alike."""

    def model_dump(self) -> dict[str, object]:
        """Give the fields as a dictionary."""
        ...


class StatsLike(Protocol):
    """Figures of a call, such as `LLMStats`."""

    @property
    def model_name(self) -> str:
        """The model that answered."""
        ...

    @property
    def input_tokens(self) -> int:
        """Tokens of the request, cached ones included."""
        ...

    @property
    def output_tokens(self) -> int:
        """Tokens of the answer, reasoning included."""
        ...

    @property
    def latency_ms(self) -> float:
        """Wall time of the request in milliseconds."""
        ...


Document: TypeAlias = ModelLike | Mapping[str, object] | str | bytes
"""What becomes a JSON column: a model, a mapping, or JSON text as it is."""

InteractionStatus: TypeAlias = Literal["started", "ok", "error"]
"""`started` before the request goes out, then what came of it."""

RunStatus: TypeAlias = Literal[
    "running", "budget", "success", "failure_terminal", "cancelled", "error"
]
"""All but `running` and `budget` are final."""


CallOutcome: TypeAlias = Literal["accepted", "refused", "unusable", "asked"]
"""What became of an answer: taken, turned back by checks, nothing that could be tried, or no answer
but a request for more context."""


class CallKeywords(TypedDict, total=False):
    """Keywords of `record("interaction", ...)` and `observe()`: what stands before the request."""

    task_id: Required[str]
    messages: Document | Sequence[object] | None
    """The conversation, as any client takes it: a list of messages, or `input` (or `messages`),
    `output` and `tools`. Prompts and response are taken from it where they are not given."""
    keep_media: bool
    """Whether the bytes of images and sound are kept, not their hash, type and size alone."""
    params: Document | None
    context_stats: Document | None
    context_manifest: Document | Sequence[object] | None
    step_id: str | None
    sub_task_id: str | None
    workflow_id: str | None
    run_id: str | None
    activity_id: str | None
    activity_attempt: int | None
    seq: int
    attempt: int | None
    step_attempt: int | None
    origin: str
    trace_id: str | None
    span_id: str | None
    parent_span_id: str | None
    session_id: str | None
    root_run_id: str | None
    """The run that the call belongs to, also in a sub-task."""
    entry_id: str | None
    created_at: datetime | str | None
    """When the call began, for what is imported; now, if it is left out."""


class ReportKeywords(TypedDict, total=False):
    """Keywords of `record("interaction", ...)` and of a block's `answer`: what an answer brings."""

    stats: StatsLike | Mapping[str, object] | None
    usage: object
    """Usage as the provider reported it, in anybody's words: an SDK's object or a mapping, or a
    list of those that a stream brought."""
    explanation: str
    finish_reason: str | None
    service_tier: str | None
    stated_cost_usd: float | None
    """What the answer itself says that it cost, in US dollars."""
    response_id: str | None
    request_id: str | None
    first_token_ms: float | None
    """From sending the request to the first token of the answer, in milliseconds."""
    latency_ms: float | None
    """Wall time of the request in milliseconds."""
    status: InteractionStatus
    error_type: str | None
    error: str | None


class InteractionKeywords(CallKeywords, ReportKeywords, total=False):
    """Keywords of `record("interaction", ...)`."""

    role: Required[str]
    system_prompt: Required[str]
    user_prompt: Required[str]
    response: str | None
    answer: object
    """What a client returned, whole; its text and figures count where they are not given."""
    model_name: str | None
    """The model that answered."""
    request_model: str | None
    notes: str | None
    """What the caller notes of the call; what the store had to clean is added."""
    extra: Mapping[str, object] | None
    """What has no keyword, kept in `extra_json`."""


class ObserveKeywords(CallKeywords, total=False):
    """Keywords of `observe()`."""

    model: str | None
    """The requested model."""
    role: str
    system_prompt: str
    user_prompt: str


class AnswerKeywords(ReportKeywords, total=False):
    """Keywords of what `observe()` is told of an answer."""

    model: str | None
    """The model that answered."""


class OutcomeKeywords(TypedDict, total=False):
    """Keywords of `record("outcome", ...)`."""

    entry_id: Required[str]
    """The call that it is about, as its own `entry_id` names it."""
    outcome: Required[CallOutcome | None]
    """None leaves what is known."""
    reason: str | None
    """Why, in one line."""
    failed_checks: Document | Sequence[object] | None
    commit_sha: str | None
    """The commit that holds what the answer changed."""


class RunKeywords(TypedDict, total=False):
    """Keywords of `record("run", ...)`."""

    task_id: Required[str]
    workflow_id: Required[str]
    status: Required[RunStatus]
    result: Document | None
    run_id: str | None
    repo_root: str | None
    model_name: str | None
    planned: bool | None
    created_at: datetime | str | None
    finished_at: datetime | str | None
    description: str | None
    base_commit: str | None
    branch: str | None
    request: Document | None
    """What the run was started with, all options included."""
    reason: str | None
    """Why it ended as it did, in one line."""


_LONGEST_NAME: Final = 40


def name_keywords(names: Iterable[str]) -> str:
    """Name keywords in a log line; what is no name may be a prompt."""
    shown = (n if n.isidentifier() and len(n) <= _LONGEST_NAME else "something" for n in names)
    return ", ".join(ascii(name) for name in shown)

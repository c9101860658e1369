"""Answers on disk from their arrival to the end of the run, so that none is paid for twice.

Between an answer's last byte and the completion of its activity lie its record, its checks and the
way to the server. A process that dies there leaves the answer here, and the activity's next attempt
takes it from here instead of asking again. Where the disk takes none, it is kept in memory, for as
long as the process lives.

See D56.
"""

import hashlib
import json
import logging
import shutil
from contextlib import suppress
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path

from pydantic import ValidationError

from forge_core.files.private import create_private
from forge_core.llm.request import ModelAnswer, ModelRequest, Reported
from forge_core.models.call.llm import CallUsage
from forge_core.models.call.settings import CallSettings
from forge_core.state_dir.files import StateFiles, run_directory
from forge_core.state_dir.locate import get_state_dir

WAITING = frozenset({"timeout_s", "stall_timeout_s", "service_tier", "stream"})
"""Settings that decide when an answer comes, and not what it is."""

LOGGER = logging.getLogger("forge.journal")


@dataclass(frozen=True, slots=True)
class AnswerKey:
    """Which request of which activity an answer belongs to, whatever attempt sent it."""

    workflow_id: str
    """Of the root workflow."""
    run_id: str
    """Of the workflow that made the call."""
    activity_id: str
    seq: int
    """Number of the answer within the activity, from 0."""
    request_digest: str


@dataclass(frozen=True, slots=True)
class KeptAnswer:
    """An answer as it arrived, and the row of the record that is its own."""

    answer: ModelAnswer
    activity_attempt: int
    trace_id: str | None = None
    span_id: str | None = None
    seq: int | None = None
    """Number of the request; None, in what an older Forge kept, for that of the answer."""


class AnswerJournal:
    """The kept answers of a state directory; files and directories are their owner's alone.

    Threads may use it at the same time: each step on what is in memory is one that Python does
    whole, and a file is made under a name of its own first.
    """

    def __init__(self, directory: Path) -> None:
        """Keep them below a directory, which is made with the first."""
        self._directory = directory
        self._unwritten: dict[Path, KeptAnswer] = {}

    def keep(self, key: AnswerKey, kept: KeptAnswer) -> None:
        """Put an answer on disk; where that fails, into memory, with a warning."""
        self._keep(self._path(key), kept)

    def _keep(self, path: Path, kept: KeptAnswer) -> None:
        self._unwritten[path] = kept
        try:
            with suppress(FileExistsError):
                create_private(path, _dump(kept))
        except OSError as error:
            LOGGER.warning(
                "an answer could not be kept in %s (%s): a crash now would pay for it again",
                path.parent,
                error.strerror,
            )
        else:
            # Another attempt that found it meanwhile may have written it first.
            self._unwritten.pop(path, None)

    def find(self, key: AnswerKey) -> KeptAnswer | None:
        """Read the answer to a request; None if none is kept."""
        path = self._path(key)
        unwritten = self._unwritten.get(path)
        if unwritten is not None:
            self._keep(path, unwritten)
            return unwritten
        try:
            return _parse(path.read_text(encoding="ascii"))
        except (OSError, ValueError, TypeError, KeyError, ValidationError):
            return None

    def forget(self, workflow_id: str) -> None:
        """Remove the answers of a run that has ended."""
        directory = self._directory / run_directory(workflow_id)
        for path in tuple(self._unwritten):
            if path.parent == directory:
                self._unwritten.pop(path, None)
        shutil.rmtree(directory, ignore_errors=True)

    def _path(self, key: AnswerKey) -> Path:
        parts = (key.run_id, key.activity_id, str(key.seq), key.request_digest)
        name = hashlib.sha256("\0".join(parts).encode()).hexdigest()
        return self._directory / run_directory(key.workflow_id) / f"{name}.json"


def open_journal() -> AnswerJournal:
    """Open the journal of this process's state directory."""
    return _open(StateFiles(get_state_dir()).answers)


@cache
def _open(directory: Path) -> AnswerJournal:
    return AnswerJournal(directory)


def digest_request(request: ModelRequest) -> str:
    """Hash what decides on an answer: the model, the prompts and what is asked for; pure.

    In which words a form is asked for is left out: another version of Forge has others, and would
    pay again for what this one was answered.
    """
    parts = (
        request.model,
        request.system_prompt.removesuffix(request.form_words),
        request.user_prompt,
        request.tool_name,
        str(request.max_tokens),
        *_list_settings(request.settings),
    )
    texts = (part.encode("utf-8", "surrogatepass") for part in parts)
    return hashlib.sha256(b"".join(b"%d:%s" % (len(text), text) for text in texts)).hexdigest()


def _list_settings(settings: CallSettings) -> tuple[str, ...]:
    """Return what is set that decides on an answer; nothing, as it was before, if nothing is."""
    values = {name: value for name, value in settings.list_set().items() if name not in WAITING}
    return (json.dumps(values, sort_keys=True),) if values else ()


def _dump(kept: KeptAnswer) -> str:
    # In ASCII, which has an escape for every character that a broken answer may hold.
    return json.dumps(
        {
            "text": kept.answer.text,
            "is_empty": kept.answer.is_empty,
            "reasoning": kept.answer.reasoning,
            "is_cut_repeat": kept.answer.is_cut_repeat,
            "cut_call": kept.answer.cut_call,
            "usage": kept.answer.usage.model_dump(),
            "reported": asdict(kept.answer.reported),
            "activity_attempt": kept.activity_attempt,
            "trace_id": kept.trace_id,
            "span_id": kept.span_id,
            "seq": kept.seq,
        }
    )


def _parse(text: str) -> KeptAnswer:
    document = json.loads(text)
    usage = CallUsage.model_validate(document["usage"])
    return KeptAnswer(
        answer=ModelAnswer(
            str(document["text"]),
            usage,
            is_empty=bool(document["is_empty"]),
            reasoning=str(document.get("reasoning", "")),
            is_cut_repeat=bool(document.get("is_cut_repeat")),
            cut_call=int(document.get("cut_call", 0)),
            reported=Reported(**document.get("reported", {})),
        ),
        activity_attempt=int(document["activity_attempt"]),
        trace_id=document["trace_id"],
        span_id=document["span_id"],
        seq=document.get("seq"),
    )

"""Reading answers: whether one is whole and fits, and what to say when not; pure.

Where an answer stands and what it says is for `forge_core.llm.answers`. It is read where only one
reading is possible, with a note of what had to be overlooked; else it is asked for again.

See D82.
"""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from pydantic import BaseModel, ValidationError
from pydantic_core import PydanticSerializationError

from forge_core.llm.answers.candidates import EMPTY, Candidate, find_candidates
from forge_core.llm.answers.fields import list_keys
from forge_core.llm.answers.lenient_json import NotJSON, RepeatedKey
from forge_core.llm.answers.sentences import describe_answer, describe_errors, shorten
from forge_core.llm.answers.shape import Shaper, TwoReadings
from forge_core.llm.answers.wrappers import Wrapped, find_answers
from forge_core.llm.errors import FailureKind, ModelFailure
from forge_core.llm.merge_calls import merge_answers
from forge_core.llm.request import ModelAnswer, ModelRequest

WHOLE_FILE = re.compile(r'"file_path"\s*:\s*"((?:[^"\\]|\\.)*)"\s*,\s*"content"\s*:')
"""Where an answer begins to say a whole file; its path as JSON spells it."""

CUT_SHORT: Mapping[str, tuple[FailureKind, str]] = {
    "length": (
        "truncated",
        "the answer was cut off at {max_tokens} tokens: raise output_reserve or ask for less",
    ),
    "content_filter": ("refused", "the provider's content filter stopped the answer"),
    "error": ("server_error", "the provider failed while answering"),
}
"""Finish reasons of answers that are not whole, and what each is to us."""


class UnfitAnswer(ValueError):
    """An answer that does not fit what was asked for."""

    def __init__(self, problems: Sequence[str]) -> None:
        """Keep what is wrong, one line each."""
        super().__init__("; ".join(problems))
        self.problems = tuple(problems)


@dataclass(frozen=True, slots=True)
class Reading:
    """What an answer says."""

    output: BaseModel
    notes: tuple[str, ...] = ()
    """What had to be overlooked to read it; empty where it was as it was asked for."""
    told: str = ""
    """What the model asked for instead of answering, and what it was shown."""


def accept_answer(request: ModelRequest, answer: ModelAnswer) -> Reading:
    """Return what a whole answer says.

    Raises:
        ModelFailure: It is not whole or does not fit; the failure carries it.
    """
    reason = answer.usage.finish_reason or ""
    if reason in CUT_SHORT and not answer.is_cut_repeat:
        raise _build_cut(request, answer, reason)
    try:
        return read_answer("" if answer.is_empty else answer.text, request.output)
    except UnfitAnswer as error:
        if answer.usage.output_tokens == request.max_tokens:  # some servers do not say so
            raise _build_cut(request, answer, "length") from error
        failure = _build_unfit(request, answer, "the schema", error.problems)
        mode = request.dialect.output_mode if request.dialect else None
        if mode == "json_schema" and "{" not in answer.text:
            failure.refused = "response_format"  # which the server took and ignored
        raise failure from error


def _build_cut(request: ModelRequest, answer: ModelAnswer, reason: str) -> ModelFailure:
    kind, why = CUT_SHORT[reason]
    why = why.format(max_tokens=request.max_tokens)
    return ModelFailure(kind, f"{request.model}: {why}", answer=answer)


def refuse_unfit(
    request: ModelRequest, answer: ModelAnswer, problems: Sequence[str], advice: Sequence[str] = ()
) -> None:
    """Refuse an answer that can be read, but not carried out.

    Args:
        request: What was asked for.
        answer: What came.
        problems: Why it cannot be carried out, a paragraph each.
        advice: What the model alone is told besides.

    Raises:
        ModelFailure: There are problems.
    """
    if problems:
        failure = _build_unfit(request, answer, "the files", problems, advice)
        failure.was_read = True
        raise failure


def _build_unfit(
    request: ModelRequest,
    answer: ModelAnswer,
    what: str,
    problems: Sequence[str],
    advice: Sequence[str] = (),
) -> ModelFailure:
    told = "; ".join(problem.partition("\n")[0].removesuffix(".") for problem in problems)
    return ModelFailure(
        "invalid_output",
        f"{request.model}: the answer does not fit {what}: {told}",
        answer=answer,
        problems=(*problems, *advice),
    )


def parse_answer(text: str, output: type[BaseModel]) -> BaseModel:
    """Return what an answer says, as `read_answer` does, without the notes.

    Raises:
        UnfitAnswer: As there.
    """
    return read_answer(text, output).output


def read_answer(text: str, output: type[BaseModel]) -> Reading:
    """Read a text as the one answer that it can mean; unknown keys are ignored.

    Raises:
        UnfitAnswer: It is none, does not fit or can be read in two ways; its content is not quoted.
    """
    try:
        candidates = find_candidates(text, list_keys(output))
        wrapped = [one for candidate in candidates for one in _unwrap(candidate, output)]
        if not wrapped:
            raise UnfitAnswer([describe_answer(output)])
        if len(wrapped) > 1 and all(one.is_call for one in wrapped):
            return _read_calls(wrapped, output)
        readings = [_shape(one, output) for one in wrapped]
    except RepeatedKey as fault:
        raise UnfitAnswer([shorten(str(fault))]) from fault
    except NotJSON as fault:
        why = str(fault)
        raise UnfitAnswer([why if why == EMPTY else f"it is not valid JSON: {why}"]) from fault
    if any(reading.output != readings[0].output for reading in readings[1:]):
        raise UnfitAnswer([f"it holds {len(readings)} answers that differ: send one JSON object"])
    return readings[0]


def _unwrap(candidate: Candidate, output: type[BaseModel]) -> list[Wrapped]:
    answers = find_answers(candidate.value, output, is_whole=candidate.is_whole)
    return [replace(one, notes=(*candidate.notes, *one.notes)) for one in answers]


def _read_calls(calls: Sequence[Wrapped], output: type[BaseModel]) -> Reading:
    """Read several calls that are written as text, which are one answer."""
    shaper = Shaper()
    merged = merge_answers([_fill(shaper, call.value, output) for call in calls])
    return Reading(_validate(merged, output), _list_notes(calls[0].notes, shaper))


def _shape(wrapped: Wrapped, output: type[BaseModel]) -> Reading:
    shaper = Shaper()
    shaped = _fill(shaper, wrapped.value, output)
    return Reading(_validate(shaped, output), _list_notes(wrapped.notes, shaper))


def _fill(shaper: Shaper, said: Mapping[str, object], output: type[BaseModel]) -> dict[str, object]:
    try:
        return shaper.shape(said, output)
    except TwoReadings as fault:
        raise UnfitAnswer([str(fault)]) from fault


def _list_notes(notes: Sequence[str], shaper: Shaper) -> tuple[str, ...]:
    return tuple(dict.fromkeys((*notes, *shaper.notes)))


def _validate(shaped: Mapping[str, object], output: type[BaseModel]) -> BaseModel:
    try:
        parsed = output.model_validate(shaped)
        parsed.model_dump_json()
    except ValidationError as error:
        raise UnfitAnswer(describe_errors(error, output)) from error
    except PydanticSerializationError as error:
        raise UnfitAnswer(
            ["it contains half of a surrogate pair, which is not valid text"]
        ) from error
    return parsed


def find_repeated_files(text: str, paths: Iterable[str]) -> list[str]:
    """Find the files that stand whole in an answer which was cut off.

    Args:
        text: The beginning of an answer.
        paths: Files that exist.
    """
    named = set(WHOLE_FILE.findall(text))
    spelled = {path: (path, json.dumps(path)[1:-1]) for path in paths}
    return [path for path, spellings in spelled.items() if not named.isdisjoint(spellings)]


def ask_again(
    request: ModelRequest, problems: Sequence[str], shown: Sequence[str] = ()
) -> ModelRequest:
    """Build the next request of a call whose last answer did not fit.

    Args:
        request: The call's first request, whose prompt stays in front so that it can be cached.
        problems: What was wrong with the last answer; paragraphs where they quote something.
        shown: What the call has shown since its first request, as sections.
    """
    if any("\n" in problem for problem in problems):
        lines = "\n" + "\n\n".join(problems)
    else:
        lines = "\n".join(f"- {problem}" for problem in problems)
    section = f"## Previous answer\n\nYour previous answer was not accepted:\n{lines}\n"
    return replace(request, user_prompt="\n\n".join((request.user_prompt, *shown, section)))

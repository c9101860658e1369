"""Reading answers: whether one is whole and fits, and what to say when not; pure."""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from posixpath import normpath

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails, PydanticSerializationError

from forge_core.errors import RefusedPath
from forge_core.files.paths import parse_path
from forge_core.files.protection import WritePolicy
from forge_core.llm.errors import FailureKind, ModelFailure
from forge_core.llm.request import ModelAnswer, ModelRequest
from forge_core.models.plan import Plan, PlanStep, SubTask

FENCE = re.compile(r"```\w*[ \t]*\r?\n(.*?)\n[ \t]*```", re.DOTALL)
"""A code block, as some models put around JSON."""

WHOLE_FILE = re.compile(r'"file_path"\s*:\s*"((?:[^"\\]|\\.)*)"\s*,\s*"content"\s*:')
"""Where an answer begins to say a whole file; its path as JSON spells it."""

MAX_PROBLEMS = 10
"""Problems of one answer that are reported."""

PROBLEM_LENGTH = 200
"""Characters of one problem; a rule may quote an id, and an id may be a whole file."""

REFUSAL_LENGTH = 1000
"""Characters of a refusal, which may name every file of a plan."""

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


def accept_answer(request: ModelRequest, answer: ModelAnswer) -> BaseModel:
    """Return what a whole answer says.

    Raises:
        ModelFailure: It is not whole or does not fit; the failure carries it.
    """
    cut = CUT_SHORT.get(answer.usage.finish_reason or "")
    if cut is not None:
        kind, why = cut
        why = why.format(max_tokens=request.max_tokens)
        raise ModelFailure(kind, f"{request.model}: {why}", answer=answer)
    try:
        return _read(request, "" if answer.is_empty else answer.text)
    except UnfitAnswer as error:
        raise _build_unfit(request, answer, "the schema", error.problems) from error


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
        raise _build_unfit(request, answer, "the files", problems, advice)


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


def _read(request: ModelRequest, text: str) -> BaseModel:
    parsed = parse_answer(text, request.output)
    if isinstance(parsed, Plan) and request.policy is not None:
        _check_plan(parsed, request.policy)
    return parsed


def parse_answer(text: str, output: type[BaseModel]) -> BaseModel:
    """Read an answer as `output`; JSON may be in a code block, unknown keys are ignored.

    Raises:
        UnfitAnswer: It is no JSON or does not fit; its content is not quoted.
    """
    try:
        parsed = output.model_validate(_load(text))
        parsed.model_dump_json()
    except ValidationError as error:
        raise UnfitAnswer(_describe(error)) from error
    except PydanticSerializationError as error:
        raise UnfitAnswer(
            ["it contains half of a surrogate pair, which is not valid text"]
        ) from error
    return parsed


def _check_plan(plan: Plan, policy: WritePolicy) -> None:
    """Check that a plan names no files to change whose writing would be refused.

    Raises:
        UnfitAnswer: It does.
    """
    parts = (part for step in plan.steps for part in step.sub_tasks)
    units: list[PlanStep | SubTask] = [*plan.steps, *parts]
    paths = [normpath(path) for unit in units for path in unit.target_files]
    try:
        for path in paths:
            if path != ".":  # the whole repository
                parse_path(path)
        policy.check(paths)
    except RefusedPath as refused:
        raise UnfitAnswer([f"target_files: {refused}"[:REFUSAL_LENGTH]]) from refused


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


def _load(text: str) -> object:
    candidates = [text, *(match.group(1) for match in FENCE.finditer(text))]
    for candidate in candidates:
        try:
            return json.loads(candidate, strict=False)
        except (ValueError, RecursionError):
            continue
    raise UnfitAnswer(["it is not valid JSON" if text.strip() else "it is empty"])


def _describe(error: ValidationError) -> list[str]:
    errors = error.errors(include_url=False, include_input=False, include_context=False)
    causes = [problem for problem in errors if not _is_consequence(problem, errors)]
    lines = [_describe_problem(problem) for problem in causes[:MAX_PROBLEMS]]
    return (
        lines if len(causes) <= MAX_PROBLEMS else [*lines, f"and {len(causes) - MAX_PROBLEMS} more"]
    )


def _is_consequence(problem: ErrorDetails, errors: list[ErrorDetails]) -> bool:
    """Whether a list seems too short only because its items do not fit."""
    where = problem["loc"]
    return problem["type"] == "too_short" and any(
        other["loc"][: len(where)] == where and other is not problem for other in errors
    )


def _describe_problem(problem: ErrorDetails) -> str:
    where = ".".join(map(str, problem["loc"])) or "answer"
    line = " ".join(f"{where}: {problem['msg'].removeprefix('Value error, ')}".split())
    return line if len(line) <= PROBLEM_LENGTH else line[:PROBLEM_LENGTH] + "…"

"""What callers of `record()` have from an SDK, turned into its other keywords. Pure.

Usage, messages and whole answers come in everybody's words. What a caller says in ours counts
before what is read here. What reads them is imported where there is something to read, so that
`import forge_obs` costs nothing for it.

See D81.
"""

from collections.abc import Callable, Mapping
from functools import cache
from typing import TYPE_CHECKING, Final, NamedTuple

from forge_obs.model.foreign import read_members
from forge_obs.model.keywords import name_keywords

if TYPE_CHECKING:
    from forge_obs.model.conversation.answers import Answer
    from forge_obs.model.conversation.messages import Conversation
    from forge_obs.model.usage.figures import Usage
    from forge_obs.model.usage.forms import Figures
    from forge_obs.model.usage.report import Report

SDK_KEYWORDS: Final = frozenset({"answer", "messages", "usage"})
"""Keywords that what is imported here reads."""

FIGURES: Final = (
    "model_name",
    "input_tokens",
    "output_tokens",
    "latency_ms",
    "cache_read_tokens",
    "cache_write_tokens",
    "reasoning_tokens",
)
"""What `stats` is asked for."""

_COUNTS: Final = tuple(name for name in FIGURES if name.endswith("_tokens"))
_MODEL_NAMES: Final = ("model", "model_id", "response_model")
_OWN_KEYWORDS: Final = ("model_name", "latency_ms")
_KNOWN: Final = frozenset(FIGURES)
_NAMED: Final = ("response_id", "request_id", "finish_reason", "service_tier")


class _Readers(NamedTuple):
    """What is imported late, of the modules that have it."""

    read_answer: "Callable[..., Answer]"
    read_conversation: "Callable[..., Conversation]"
    read_by_form: "Callable[[object], Figures | None]"
    read_figures: "Callable[[Mapping[str, object]], Usage | Figures]"
    keep_plain: Callable[[object], str | None]
    keep_report: "Callable[[object], Report]"
    no_usage: "Usage"
    no_input: str


@cache
def _load_readers() -> _Readers:
    """Import what reads, once: a statement that imports takes a microsecond each time."""
    from forge_obs.model.conversation.answers import read_answer  # noqa: PLC0415
    from forge_obs.model.conversation.messages import read_conversation  # noqa: PLC0415
    from forge_obs.model.usage.counts import NO_INPUT  # noqa: PLC0415
    from forge_obs.model.usage.figures import Usage, read_figures  # noqa: PLC0415
    from forge_obs.model.usage.forms import read_by_form  # noqa: PLC0415
    from forge_obs.model.usage.report import keep_plain, keep_report  # noqa: PLC0415

    return _Readers(
        read_answer,
        read_conversation,
        read_by_form,
        read_figures,
        keep_plain,
        keep_report,
        Usage(),
        NO_INPUT,
    )


def take_texts(raw: dict[str, object], notes: list[str]) -> None:
    """Replace `answer` and `messages` by the texts and the document that they hold."""
    keeps_media = bool(raw.pop("keep_media", None))
    value, messages = raw.pop("answer", None), raw.get("messages")
    answer = None if value is None else _take_answer(raw, value, keeps_media=keeps_media)
    if messages is not None:
        conversation = _load_readers().read_conversation(messages, keeps_media=keeps_media)
        notes += conversation.notes
        raw["messages"] = conversation.document or None
        _fill(raw, "system_prompt", conversation.system_prompt)
        _fill(raw, "user_prompt", conversation.user_prompt)
        _fill(raw, "response", conversation.response)
    if (
        answer is not None
        and answer.output
        and (messages is not None or _is_more_than_text(answer))
    ):
        document = raw.get("messages")
        own = document if isinstance(document, dict) else {}
        raw["messages"] = own if own.get("output") else own | {"output": list(answer.output)}


def _take_answer(raw: dict[str, object], value: object, *, keeps_media: bool) -> "Answer":
    """Put what a whole answer says of itself where nothing else says it."""
    answer = _load_readers().read_answer(value, keeps_media=keeps_media)
    _fill(raw, "response", answer.text)
    _fill(raw, "usage", answer.usage)
    _fill(raw, "model_name", answer.model_name)
    for name in _NAMED:
        _fill(raw, name, getattr(answer, name))
    return answer


def _is_more_than_text(answer: "Answer") -> bool:
    """Tell whether an answer holds what its text alone does not."""
    kinds = {part.get("type") for m in answer.output for part in _parts(m.get("parts"))}
    return bool(kinds - {"text"})


def _parts(value: object) -> list[Mapping[str, object]]:
    return [part for part in value if isinstance(part, dict)] if isinstance(value, list) else []


def _fill(raw: dict[str, object], name: str, value: object) -> None:
    if raw.get(name) is None and value is not None:
        raw[name] = value


def take_figures(raw: dict[str, object], notes: list[str]) -> dict[str, object]:
    """Take `stats`, `usage` and what stands beside them away, and give the figures that they hold.

    Tokens that `stats` states count; usage fills what is zero or missing there. Words that `stats`
    does not know are read as usage, and kept as such.
    """
    stats, usage = raw.pop("stats", None), raw.pop("usage", None)
    figures, strangers = _read_stats(stats)
    for name in _OWN_KEYWORDS:
        if name in raw:
            _fill(figures, name, raw.pop(name))
    if strangers:
        names = (name for name in _MODEL_NAMES if isinstance(strangers.get(name), str))
        _fill(figures, "model_name", next((strangers[name] for name in names), None))
    if usage is not None or strangers:
        said: list[str] = []
        report, read = _read_reports(strangers, usage, said)
        notes += [
            n for n in said if n != _load_readers().no_input or not figures.get("input_tokens")
        ]
        _fill_counts(figures, read, notes)
        raw["usage"] = report
        _fill(raw, "service_tier", read.service_tier)
        _fill(raw, "stated_cost_usd", read.stated_cost_usd)
    if figures.get("input_tokens") and figures.get("output_tokens") is None:
        figures["output_tokens"] = 0  # an embedding has none
    return figures


def _read_stats(stats: object) -> tuple[dict[str, object], dict[str, object]]:
    """Read the figures of `stats`, and what it holds under other names than ours."""
    if stats is None:
        return {}, {}
    members: object
    if isinstance(stats, Mapping):
        figures = {name: stats.get(name) for name in FIGURES}
        members = stats
    else:
        figures = {name: getattr(stats, name, None) for name in FIGURES}
        members = getattr(stats, "__dict__", None)
    if members is not None and _KNOWN.issuperset(members):
        return figures, {}
    strangers = {
        str(name): value
        for name, value in (read_members(stats) or {}).items()
        if name not in _KNOWN and value is not None
    }
    return figures, strangers


def _read_reports(
    strangers: dict[str, object], usage: object, notes: list[str]
) -> tuple[object, "Usage | Figures"]:
    """Read what is reported; gives also what is kept of it, a document or its JSON text."""
    readers = _load_readers()
    given: object = usage
    figures = None if strangers else readers.read_by_form(usage)
    if figures is not None and figures.is_whole:
        text = readers.keep_plain(usage)
        if text is not None:
            return text, figures
    if strangers:
        given = strangers if usage is None else [strangers, usage]
    report = readers.keep_report(given)
    notes += report.notes
    if strangers:
        notes.append(f"stats: kept in usage_json: {name_keywords(sorted(strangers))}")
    if not report.document:
        return None, readers.no_usage
    read = readers.read_figures(report.document)
    notes += read.notes
    return report.text or report.document, read


def _fill_counts(figures: dict[str, object], read: "Usage | Figures", notes: list[str]) -> None:
    for name in _COUNTS:
        own, reported = figures.get(name), getattr(read, name)
        if own is None:
            figures[name] = reported
        elif reported and own != reported:
            if not own:
                figures[name] = reported
            elif isinstance(own, int):
                notes.append(f"{name}: {own} in stats, {reported} in usage")

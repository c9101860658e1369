"""Who wrote lines, as text and JSON."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from forge_core.git.blame import Commit
from rich.cells import cell_len
from rich.text import Text

from forge_cli.escape import escape, escape_line
from forge_cli.program import as_started
from forge_cli.render.calls.facts import list_facts, name_call
from forge_cli.render.figures import format_count
from forge_cli.render.table import name_status
from forge_cli.render.wrapping import cut, wrap
from forge_cli.views.calls.authorship import Author, Authorship, Origin, Written
from forge_cli.views.costs import Prices

LABEL = 10
"""Columns of a fact's label."""

SHORT = 8
"""Digits of a call that is not on record, as of one that is."""

SHORT_COMMIT = 12

NOT_OURS = "not written by Forge: the commit has no trailers of a call"

GUTTER = 16
"""Columns of an author's name before a line."""

FACTS = ("model", "tokens", "cost")
"""What is said of a call that wrote something; `forge show` has all of it."""

MOST_RANGES = 12
"""Stretches of lines that are named."""


@dataclass(frozen=True, slots=True)
class CommitCalls:
    """A commit, and who wrote each of its files."""

    commit: Commit
    authors: tuple[Author, ...]


def render_authorship(authorship: Authorship, prices: Prices, width: int | None) -> Text:
    """Render who wrote lines of a file: each author once, then the lines."""
    if not authorship.lines:
        return Text(f"{escape_line(authorship.path)} is empty")
    blocks = [
        list(_render_author(author, _say_ranges(authorship, number), prices, width))
        for number, author in enumerate(authorship.authors)
    ]
    blocks.append(list(_render_lines(authorship)))
    return Text("\n\n").join(Text("\n").join(block) for block in blocks if block)


def _say_ranges(authorship: Authorship, author: int) -> str:
    ranges = authorship.list_ranges(author)
    shown = [str(a) if a == b else f"{a}-{b}" for a, b in ranges[:MOST_RANGES]]
    rest = f" and {len(ranges) - MOST_RANGES} more stretches" if len(ranges) > MOST_RANGES else ""
    is_single = len(ranges) == 1 and ranges[0][0] == ranges[0][1]
    return f"{'line' if is_single else 'lines'} {', '.join(shown)}{rest}"


def _render_lines(authorship: Authorship) -> Iterator[Text]:
    names = [name_author(author) for author in authorship.authors]
    names = [cut(name, GUTTER) for name in names]
    room = max(map(cell_len, names), default=0)
    digits = len(str(max((line.number for line in authorship.lines), default=0)))
    for line, number in zip(authorship.lines, authorship.by_line, strict=True):
        name = names[number] + " " * (room - cell_len(names[number]))
        style = "cyan" if authorship.authors[number].origin is Origin.CALL else "dim"
        lead = f"{line.number:>{digits}}"
        yield Text.assemble((name, style), "  ", (lead, "dim"), "  ", escape(line.text))


def name_author(author: Author) -> str:
    """Name who wrote something, in a few characters."""
    if author.origin is Origin.CALL and author.calls:
        names = [_name(written) for written in author.calls]
        return names[0] if len(names) == 1 else f"{names[0]}+{len(names) - 1}"
    if author.commit is None:
        return "not committed"
    if author.origin in {Origin.SQUASH, Origin.LOST}:
        return escape_line(f"squash {author.commit.sha[:SHORT]}")
    return escape_line(author.commit.author or author.commit.email)


def _name(written: Written) -> str:
    return name_call(written.call) if written.call else escape_line(written.entry_id[:SHORT])


def _render_author(author: Author, wrote: str, prices: Prices, width: int | None) -> Iterator[Text]:
    """Render an author: the name and what it wrote, then facts."""
    yield Text.assemble((name_author(author), "bold"), f"  {escape_line(wrote)}")
    commit = author.commit
    if author.origin is Origin.SQUASH:
        yield from _fact("squash", _explain_squash(author), width)
    if author.origin is Origin.LOST:
        yield from _fact("lost", _explain_loss(author), width)
    if author.origin is Origin.CALL and len(author.calls) > 1:
        yield from _fact(
            "calls", f"one of {len(author.calls)}: the answers do not tell which", width
        )
    for written in author.calls:
        yield from _render_call(written, prices, width)
    if commit is not None:
        moment = f"{commit.authored_at:%Y-%m-%d}"
        yield from _fact(
            "commit", f"{commit.sha[:SHORT_COMMIT]}, {moment}, {commit.subject}", width
        )
        if author.origin is not Origin.CALL:
            yield from _fact("author", f"{commit.author} <{commit.email}>", width)
    if author.origin is Origin.PERSON:
        yield from _fact("", NOT_OURS, width)


def _explain_squash(author: Author) -> str:
    if not author.calls:
        return "it brought commits of Forge together, and names no call"
    if len(author.calls) == 1:
        return "it brought commits of Forge together; by its answer it is probably this call"
    number = len(author.calls)
    return f"it brought commits of Forge together and lost which call wrote what: one of {number}"


def _explain_loss(author: Author) -> str:
    others = f" and {format_count(author.runs_alike, 'other run')}" if author.runs_alike else ""
    said = (
        f"the commit names no call, but the file is as run {author.run}{others} left it: a squash, "
    )
    said += "or an edited message, has lost which call wrote it"
    if author.runs_alike:
        return f"{said}; below is that of the newest run"
    return f"{said}; probably this one" if len(author.calls) == 1 else said


def _render_call(written: Written, prices: Prices, width: int | None) -> Iterator[Text]:
    call, place = written.call, written.place
    if call is None:
        yield from _fact("call", f"{written.entry_id}, not on record here", width)
        yield from _fact("run", _say_work(written), width)
        return
    yield from _fact("asked for", written.asked, width)
    yield from _fact("run", _say_work(written), width)
    if place is not None:
        outcome = place.outcome
        said = f"{outcome.word}: {outcome.reason}" if outcome.reason else outcome.word
        yield from _fact("outcome", said, width)
    facts = dict(list_facts(call, prices))
    for label in FACTS:
        yield from _fact(label, facts[label], width)
    yield from _fact("show", as_started(f"forge show {name_call(call)}"), width)


def _say_work(written: Written) -> str:
    call, place = written.call, written.place
    step = call.step_id if call is not None else written.step_id
    part = call.sub_task_id if call is not None else None
    attempt = (call.attempt if call is not None else None) or written.attempt
    status = name_status(place.view.status) if place is not None else ""
    parts = (
        written.workflow_id,
        status,
        f"step {step}" if step else "",
        f"sub-task {part}" if part else "",
        f"attempt {attempt}" if attempt else "",
    )
    return ", ".join(filter(None, parts))


def _fact(label: str, value: str, width: int | None) -> Iterator[Text]:
    if not value:
        return
    room = None if width is None else max(20, width - LABEL - 3)
    for number, line in enumerate(wrap(escape_line(value), room)):
        yield Text.assemble((f"  {'' if number else label:<{LABEL}} ", "dim"), line)


def render_commit_calls(
    commit: Commit, findings: Sequence[CommitCalls], prices: Prices, width: int | None
) -> Text:
    """Render which calls commits hold, with the files that each of them wrote."""
    title = escape_line(f"commit {commit.sha[:SHORT_COMMIT]}  {commit.subject}")
    head = [Text(cut(title, width), style="bold")]
    if commit.is_merge:
        number = sum(one.commit != commit for one in findings)
        head.append(Text(f"a merge: it brought {format_count(number, 'commit')} of Forge"))
    blocks = [head]
    for one in findings:
        blocks += [
            list(_render_author(author, ", ".join(paths), prices, width))
            for author, paths in _group(one.authors)
        ]
        if not one.authors:
            blocks.append([Text(escape_line(f"{one.commit.sha[:SHORT_COMMIT]} wrote no file"))])
    return Text("\n\n").join(Text("\n").join(block) for block in blocks)


def _group(authors: Sequence[Author]) -> Iterator[tuple[Author, list[str]]]:
    """Bring together the files that the same call or person wrote."""
    groups: dict[tuple[object, ...], tuple[Author, list[str]]] = {}
    for author in authors:
        key = (author.origin, author.run, *(written.entry_id for written in author.calls))
        groups.setdefault(key, (author, []))[1].append(author.path)
    yield from groups.values()


def build_authorship(authorship: Authorship, prices: Prices) -> dict[str, Any]:
    """Build the document of ``forge blame FILE --json``."""
    return {
        "path": authorship.path,
        "lines": [
            {"number": line.number, "text": line.text, "commit": line.commit, "author": number}
            for line, number in zip(authorship.lines, authorship.by_line, strict=True)
        ],
        "authors": [_build_author(author, prices) for author in authorship.authors],
    }


def build_commit_calls(
    commit: Commit, findings: Sequence[CommitCalls], prices: Prices
) -> dict[str, Any]:
    """Build the document of ``forge blame --commit SHA --json``."""
    return {
        "commit": _build_commit(commit),
        "merge": commit.is_merge,
        "authors": [_build_author(author, prices) for one in findings for author in one.authors],
    }


def _build_commit(commit: Commit) -> Mapping[str, Any]:
    return {
        "sha": commit.sha,
        "subject": commit.subject,
        "author": commit.author,
        "email": commit.email,
        "authored_at": commit.authored_at.isoformat().replace("+00:00", "Z"),
    }


def _build_author(author: Author, prices: Prices) -> dict[str, Any]:
    return {
        "origin": author.origin.value,
        "path": author.path,
        "commit": None if author.commit is None else _build_commit(author.commit),
        "run": author.run,
        "calls": [_build_written(written, prices) for written in author.calls],
    }


def _build_written(written: Written, prices: Prices) -> dict[str, Any]:
    call, place = written.call, written.place
    cost = None if call is None else prices.price_call(call)
    return {
        "entry_id": written.entry_id,
        "workflow_id": written.workflow_id,
        "step_id": written.step_id if call is None else call.step_id,
        "sub_task_id": None if call is None else call.sub_task_id,
        "attempt": (None if call is None else call.attempt) or written.attempt or None,
        "on_record": call is not None,
        "asked": written.asked or None,
        "model": None if call is None else call.request_model or call.model_name,
        "outcome": None if place is None else place.outcome.word,
        "cost_usd": None if cost is None else float(cost),
    }

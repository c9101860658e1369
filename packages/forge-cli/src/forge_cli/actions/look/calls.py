"""Carrying out ``forge calls``: list calls of any run, find a text in them, count them."""

import json
import re
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice

from forge_core.errors import UsageError
from forge_obs import STARTED, CallHit, CallQuery, Interaction, StoreReader, TextSearch

from forge_cli.escape import escape, escape_line
from forge_cli.exit_codes import ExitCode
from forge_cli.options.look.calls import CallFilterOptions, CallListOptions, SearchOptions
from forge_cli.options.types import parse_since
from forge_cli.render.across_runs.calls import (
    CallListing,
    render_call_list,
    render_hit,
    render_unreadable,
)
from forge_cli.render.across_runs.csv_lines import CALL_NAMES, build_call_line, render_csv
from forge_cli.render.figures import format_count
from forge_cli.render.json_documents import build_search_result
from forge_cli.store.calls import explain_nothing, find_calls, list_model_patterns
from forge_cli.store.prices import extend_prices, load_prices
from forge_cli.store.queries import Store
from forge_cli.store.resolver import find_run
from forge_cli.terminal.console import (
    OutputFormat,
    get_width,
    print_note,
    print_text,
    print_warning,
)
from forge_cli.views.costs import NO_PRICES
from forge_cli.views.excerpt import SearchResult
from forge_cli.views.json_text import dump

LINES_A_TABLE = 500
"""Calls whose columns stand below each other: they are in memory at once."""


@dataclass(frozen=True, slots=True)
class CallRequest:
    """What the user asks for."""

    text: str | None
    which: CallFilterOptions
    how: SearchOptions
    limit: int

    @property
    def search(self) -> TextSearch | None:
        """What is looked for; None where calls are listed.

        Raises:
            UsageError: The regular expression is none.
        """
        if self.text is None:
            return None
        if not self.text:
            raise UsageError("the text to search for is empty")
        text = self.text.encode(errors="backslashreplace").decode()
        search = TextSearch(text, self.how.regex, self.how.places)
        try:
            _ = search.pattern
        except re.error as error:
            raise UsageError(f"{self.text!r} is no regular expression: {error}") from error
        return search


def show_calls(request: CallRequest, output: OutputFormat) -> ExitCode:
    """Show the calls that are asked for, the last recorded first.

    Raises:
        UsageError: A moment or a regular expression cannot be read.
        UnknownWorkflow: There is no such run.
        StoreError: The store cannot be read.
    """
    store, search = Store(), request.search
    read_period(request.which)  # a mistake is one in an empty store, too
    reader = store.reader
    if reader is None:
        return _show_nothing(store, output)
    query = build_query(store, reader, request.which)
    fold = output is OutputFormat.TEXT and query.workflow_id is None
    if search is None:
        details = output in {OutputFormat.JSON, OutputFormat.JSONL}
        listed = reader.calls.iterate(query, details=details)
        calls: Iterator[SearchResult] = map(SearchResult, listed)
    else:
        calls = find_calls(reader, query, search, fold=fold)
    shown = islice(calls, request.limit)
    match output:
        case OutputFormat.JSON:
            return _print_document(shown)
        case OutputFormat.JSONL:
            return _print_documents(shown)
        case OutputFormat.CSV:
            return _print_csv(shown)
        case _ if search is None:
            return _print_tables(store, shown, request)
        case _:
            return _print_hits(shown, request)


def count_calls(request: CallRequest, output: OutputFormat) -> ExitCode:
    """Print how many calls there are, and of how many runs; raises what `show_calls` raises."""
    store, search = Store(), request.search
    read_period(request.which)
    calls = unreadable = 0
    runs: set[tuple[str, str | None]] = set()
    for hit in _find_hits(store, request, search):
        if hit.broken is not None:
            unreadable += 1
            continue
        calls += 1
        if hit.workflow_id is not None:
            runs.add((hit.workflow_id, hit.root_run_id))
    if output is OutputFormat.JSON:
        print_text(dump({"calls": calls, "runs": len(runs), "unreadable": unreadable}))
    else:
        print_text(f"{format_count(calls, 'call')}, {format_count(len(runs), 'run')}")
    if unreadable:
        print_warning(render_unreadable(unreadable))
    return _choose_exit_code(calls)


def _find_hits(store: Store, request: CallRequest, search: TextSearch | None) -> Iterator[CallHit]:
    reader = store.reader
    if reader is not None:
        yield from reader.calls.find(build_query(store, reader, request.which), search)


def build_query(store: Store, reader: StoreReader, which: CallFilterOptions) -> CallQuery:
    """Build the query of the calls that are meant.

    Raises:
        UsageError: A moment cannot be read, or the end is before the beginning.
        UnknownWorkflow: There is no such run.
        AmbiguousName: A name fits several runs.
        StoreError: The store cannot be read.
    """
    since, until = read_period(which)
    run = None if which.run is None else store.get_run_view(find_run(store, which.run)).run
    texts = {
        name: text.encode(errors="backslashreplace").decode()
        for name in ("step", "sub_task", "role", "session", "task")
        if (text := getattr(which, name)) is not None
    }
    return CallQuery(
        task_id=texts.get("task"),
        workflow_id=None if run is None else run.workflow_id,
        run_id=None if run is None else run.run_id,
        step_id=texts.get("step"),
        sub_task_id=texts.get("sub_task"),
        attempt=which.attempt,
        role=texts.get("role"),
        models=() if which.model is None else list_model_patterns(reader, which.model),
        status=which.status,
        outcome=which.outcome,
        session_id=texts.get("session"),
        failed=which.failed,
        since=since,
        until=until,
    )


def read_period(which: CallFilterOptions) -> tuple[datetime | None, datetime | None]:
    """Read the moments from which and before which calls are meant; None where any are.

    Raises:
        UsageError: One cannot be read, or the end is before the beginning.
    """
    now = datetime.now(UTC)
    since = None if which.since is None else parse_since(which.since, now)
    until = None if which.until is None else parse_since(which.until, now, "--until")
    if since is not None and until is not None and until <= since:
        raise UsageError(f"--until {which.until!r} is not after --since {which.since!r}")
    return since, until


def _show_nothing(store: Store, output: OutputFormat) -> ExitCode:
    print_note(store.explain_emptiness())
    if output is OutputFormat.JSON:
        print_text(dump({"calls": []}))
    elif output is OutputFormat.CSV:
        print_text(render_csv(CALL_NAMES))
    return ExitCode.FAILED


def _choose_exit_code(number: int) -> ExitCode:
    return ExitCode.SUCCESS if number else ExitCode.FAILED


def _print_document(calls: Iterator[SearchResult]) -> ExitCode:
    shown = list(calls)
    prices = load_prices(entry.call for entry in shown)
    documents = [build_search_result(entry, prices) for entry in shown]
    print_text(dump({"calls": documents}))
    return _choose_exit_code(len(shown))


def _print_documents(calls: Iterator[SearchResult]) -> ExitCode:
    number, prices = 0, NO_PRICES
    for number, entry in enumerate(calls, start=1):  # noqa: B007 - counted
        prices = extend_prices(prices, entry.call)
        document = build_search_result(entry, prices)
        if not print_text(dump({"interaction": document})):
            break
    return _choose_exit_code(number)


def _print_csv(calls: Iterator[SearchResult]) -> ExitCode:
    number, prices = 0, NO_PRICES
    spell = escape if sys.stdout.isatty() else str  # a file gets what is on record
    print_text(render_csv(CALL_NAMES))
    for number, entry in enumerate(calls, start=1):  # noqa: B007 - counted
        prices = extend_prices(prices, entry.call)
        if not print_text(spell(render_csv(build_call_line(entry.call, entry.matches, prices)))):
            break
    return _choose_exit_code(number)


def _print_tables(store: Store, calls: Iterator[SearchResult], request: CallRequest) -> ExitCode:
    number, prices, now = 0, NO_PRICES, datetime.now(UTC)
    while some := [entry.call for entry in islice(calls, LINES_A_TABLE)]:
        for call in some:
            prices = extend_prices(prices, call)
        ended_runs = _list_ended(store, some)
        listing = CallListing(some, prices, now, ended_runs)
        table = render_call_list(listing, width=get_width(), with_names=not number)
        number += len(some)
        if not print_text(table):
            break
    if not number:
        note_nothing(store, request.which)
    elif prices.version:
        print_text(f"\ncost by genai-prices {prices.version}")
    _note_limit(number, request)
    return _choose_exit_code(number)


def note_nothing(store: Store, which: CallFilterOptions) -> None:
    """Say that nothing fits, and which name is none of any call."""
    asked = {
        "model": which.model,
        "task_id": which.task,
        "step_id": which.step,
        "sub_task_id": which.sub_task,
        "role": which.role,
        "session_id": which.session,
    }
    reader = store.reader
    why = None if reader is None else explain_nothing(reader, asked)
    print_note("no matching calls on record" + (f": {why}" if why else ""))


def _note_limit(number: int, request: CallRequest) -> None:
    """Say that there may be more; to know would take a search through the rest of the store."""
    if number == request.limit == CallListOptions().limit:
        print_note(f"these are the newest {number:,}: --limit shows more")


def _list_ended(store: Store, calls: Sequence[Interaction]) -> set[str]:
    """List the workflows of calls without an answer whose runs nobody executes any more."""
    pending = {call.workflow_id for call in calls if call.status == STARTED and call.workflow_id}
    return {name for name in pending if store.find_status(name) not in {"running", None}}


def _explain_spelling(search: TextSearch | None) -> str:
    """Say how answers in JSON, which are kept as they came, spell a text that JSON escapes."""
    if search is None or search.is_regex or "response" not in search.columns:
        return ""
    spelt = json.dumps(search.text, ensure_ascii=False)[1:-1]
    return "" if spelt == search.text else f": in answers of JSON it is spelt {escape_line(spelt)}"


def _print_hits(calls: Iterator[SearchResult], request: CallRequest) -> ExitCode:
    number, unreadable, now = 0, 0, datetime.now(UTC)
    for entry in calls:
        if entry.call.broken and not entry.matches:
            unreadable += 1
            continue
        number += 1
        if not print_text(render_hit(entry, now, width=get_width(), context=request.how.context)):
            break
    if unreadable:
        print_warning(render_unreadable(unreadable))
    if not number:
        print_note(f"no call on record holds it{_explain_spelling(request.search)}")
    _note_limit(number, request)
    return _choose_exit_code(number)

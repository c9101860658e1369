"""Carrying out ``forge blame``: from lines to commits, and from their trailers to calls."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import cached_property
from pathlib import Path

from forge_core.git.blame import (
    Commit,
    blame_lines,
    find_blob,
    find_commit,
    list_merged_commits,
    list_written_paths,
    locate_file,
    resolve_commits,
)
from forge_core.git.repository import find_repository
from forge_obs import Interaction, Run

from forge_cli.errors import UnknownInteraction
from forge_cli.exit_codes import ExitCode
from forge_cli.options.look.blame import FileLines
from forge_cli.render.blame import (
    CommitCalls,
    build_authorship,
    build_commit_calls,
    render_authorship,
    render_commit_calls,
)
from forge_cli.store.prices import load_prices
from forge_cli.store.queries import Store
from forge_cli.terminal.console import OutputFormat, get_width, print_text
from forge_cli.views.calls.authorship import (
    Author,
    Origin,
    Written,
    attribute_lines,
    choose_writers,
    read_origin,
)
from forge_cli.views.calls.place import list_units, locate_call
from forge_cli.views.costs import Prices
from forge_cli.views.json_text import dump
from forge_cli.views.outline import build_outline
from forge_cli.views.run import RunView

MOST_RUNS = 200
"""Newest runs among which the one is sought that left a file as a commit has it."""

SECOND = timedelta(seconds=1)
"""Git tells moments to the second."""

MOST_SOUGHT = 20
"""Commits of people whose files are compared with what runs left."""


def blame_file(repo: Path, asked: FileLines, output: OutputFormat) -> ExitCode:
    """Say who wrote the lines of a file.

    Raises:
        UsageError: There is no such file, line or repository.
        StoreError: The store cannot be read.
    """
    top, path = locate_file(repo / asked.file)
    lines = blame_lines(top, path, asked.first, asked.last)
    records = _Records(Store())
    keys = list(dict.fromkeys((line.commit, line.path) for line in lines))
    commits = {c.sha: c for c in resolve_commits(top, {sha for sha, _ in keys if sha})}
    finder = _Finder(top, records)
    authors = {(sha, file): finder.find(commits.get(sha or ""), file) for sha, file in keys}
    authorship = attribute_lines(path, lines, authors)
    prices = records.load_prices(authorship.authors)
    if output is OutputFormat.JSON:
        print_text(dump(build_authorship(authorship, prices)))
    else:
        print_text(render_authorship(authorship, prices, get_width()))
    return ExitCode.SUCCESS


def blame_commit(repo: Path, name: str, output: OutputFormat) -> ExitCode:
    """Say which calls a commit holds, or a merge brought, and which files each of them wrote.

    Raises:
        UsageError: There is no such commit or repository.
        StoreError: The store cannot be read.
    """
    top = find_repository(repo)
    commit = find_commit(top, name)
    records = _Records(Store())
    finder = _Finder(top, records)
    listed = [commit]
    if commit.is_merge and read_origin(commit)[0] is Origin.PERSON:
        merged = list_merged_commits(top, commit)
        listed = [c for c in merged if read_origin(c)[0] is not Origin.PERSON] or [commit]
    findings = [finder.find_all(one) for one in listed]
    prices = records.load_prices(author for calls in findings for author in calls.authors)
    if output is OutputFormat.JSON:
        print_text(dump(build_commit_calls(commit, findings, prices)))
    else:
        print_text(render_commit_calls(commit, findings, prices, get_width()))
    return ExitCode.SUCCESS


class _Records:
    """Reads calls and their runs, each run once."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._runs: dict[str, tuple[RunView, Sequence[Interaction]] | None] = {}

    def find(self, written: Written, *, texts: bool) -> Written:
        """Find a call on record; where it is not, it stays as the commit names it."""
        run = self._get_run(written.workflow_id)
        calls = run[1] if run is not None else ()
        call = next((call for call in calls if call.entry_id == written.entry_id), None)
        if call is None or texts:
            call = self._get_call(written.entry_id) or call
        place = locate_call(call, *run) if call is not None and run is not None else None
        return replace(written, call=call, place=place)

    def list_runs_with(self, blob: str, until: datetime) -> list[Run]:
        """List the runs that began before a moment and left a file just so, newest first."""
        return [
            run
            for run in self._recent
            if run.created_at <= until and f'"{blob}"' in run.result_json
        ]

    def has_run_before(self, moment: datetime) -> bool:
        """Return whether a run that is looked at began before a moment."""
        return any(run.created_at <= moment for run in self._recent)

    @cached_property
    def _recent(self) -> Sequence[Run]:
        """The newest runs."""
        reader = self._store.reader
        return () if reader is None else reader.list_recent_runs(MOST_RUNS)

    def list_writers(self, run: Run, path: str) -> tuple[Written, ...]:
        """List the calls of a run whose accepted attempts changed a file."""
        recorded_run = self._get_run(run.workflow_id)
        if recorded_run is None:
            return ()
        view, calls = recorded_run
        outline = build_outline(view.result, calls, running=False)
        return tuple(
            Written(
                attempt.calls[-1].entry_id or "",
                run.workflow_id,
                attempt.calls[-1].step_id,
                attempt.number,
                attempt.calls[-1],
                locate_call(attempt.calls[-1], view, calls),
            )
            for unit in list_units(outline)
            for attempt in unit.attempts
            if attempt.calls
            and attempt.state == "success"
            and attempt.result is not None
            and any(change.path == path for change in attempt.result.changes)
        )

    def load_texts(self, calls: Iterable[Written]) -> tuple[Written, ...]:
        """Read calls again, with their texts."""
        return tuple(replace(one, call=self._get_call(one.entry_id) or one.call) for one in calls)

    def load_prices(self, authors: Iterable[Author]) -> Prices:
        """Find the prices of the models that wrote something."""
        calls = [written.call for author in authors for written in author.calls]
        return load_prices([call for call in calls if call is not None])

    def _get_run(self, workflow_id: str) -> tuple[RunView, Sequence[Interaction]] | None:
        if workflow_id not in self._runs:
            self._runs[workflow_id] = self._store.find_run(workflow_id)
        return self._runs[workflow_id]

    def _get_call(self, entry_id: str) -> Interaction | None:
        try:
            call = self._store.get_call(entry_id)
        except UnknownInteraction:
            return None
        return call if call.entry_id == entry_id else None


class _Finder:
    """Finds out who wrote what in commits of one repository."""

    def __init__(self, top: Path, records: _Records) -> None:
        self._top = top
        self._records = records
        self._sought = 0

    def find(self, commit: Commit | None, path: str) -> Author:
        """Find who wrote what a commit has of a file.

        Args:
            commit: The commit; None for lines in none.
            path: What the file was called there.
        """
        if commit is None:
            return Author(Origin.UNCOMMITTED, path=path)
        origin, named = read_origin(commit)
        if origin is Origin.PERSON:
            return self._find_lost(commit, path) or Author(origin, commit, path)
        calls = tuple(self._records.find(one, texts=len(named) > 1) for one in named)
        if len(calls) > 1:
            calls = choose_writers(calls, path)
        return Author(origin, commit, path, calls)

    def find_all(self, commit: Commit) -> CommitCalls:
        """Find who wrote each file of a commit."""
        paths = list_written_paths(self._top, commit)
        return CommitCalls(commit, tuple(self.find(commit, path) for path in paths))

    def _find_lost(self, commit: Commit, path: str) -> Author | None:
        """Find the run that left a file just as a commit without trailers has it."""
        until = commit.authored_at + SECOND
        if self._sought >= MOST_SOUGHT or not self._records.has_run_before(until):
            return None
        self._sought += 1
        blob = find_blob(self._top, commit.sha, path)
        runs = self._records.list_runs_with(blob, until) if blob is not None else []
        if not runs:
            return None
        run, *others = runs
        calls = self._records.list_writers(run, path)
        if len(calls) > 1:
            calls = self._records.load_texts(calls)
        return Author(Origin.LOST, commit, path, calls, run.workflow_id, len(others))

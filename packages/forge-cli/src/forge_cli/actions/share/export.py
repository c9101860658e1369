"""Carrying out ``forge db export`` and ``forge db import``."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Protocol

from forge_core.errors import UsageError
from forge_obs import (
    Interaction,
    Redactor,
    Run,
    StoreReader,
    Transfer,
    export_runs,
    import_store,
    iterate_whole_runs,
)

from forge_cli.errors import UnknownWorkflow
from forge_cli.escape import escape_line
from forge_cli.options.share.export import ExportChoice, ExportTargets
from forge_cli.render.across_runs.csv_lines import render_csv
from forge_cli.render.figures import format_count
from forge_cli.render.json_documents import build_row
from forge_cli.store.prices import extend_prices
from forge_cli.store.queries import Store, require_path
from forge_cli.store.resolver import find_run
from forge_cli.terminal.console import print_note, print_text, print_warning
from forge_cli.terminal.new_files import making_directory, making_file, refuse_target
from forge_cli.views.costs import NO_PRICES, tally_calls
from forge_cli.views.json_text import dump

FILE_NAMES = {"runs": "runs", "interactions": "calls"}
"""Names of files by table, in the order of their export."""

Row = Run | Interaction


@dataclass(frozen=True, slots=True)
class Export:
    """What is exported.

    Attributes:
        workflow_ids: The workflows whose runs are; everything if None.
        redactor: Takes secrets out; None leaves them.
    """

    reader: StoreReader
    workflow_ids: Sequence[str] | None
    redactor: Redactor | None

    def iterate(self) -> Iterator[tuple[str, Row]]:
        """Read the rows with the table of each, runs first, a few at a time."""
        for table, row in self._iterate_plain():
            yield table, row if self.redactor is None else self.redactor.redact(row)

    def _iterate_plain(self) -> Iterator[tuple[str, Any]]:
        if self.workflow_ids is None:
            for table in FILE_NAMES:
                yield from ((table, row) for row in self.reader.iterate_rows(table))
            return
        yield from iterate_whole_runs(self.reader, self.workflow_ids)


def export_rows(targets: ExportTargets, choice: ExportChoice) -> None:
    """Export rows to where they are asked for.

    Raises:
        UsageError: Several places are named, or there is something at one.
        UnknownWorkflow: A run is not on record.
        StoreError: The store is off, or cannot be read.
        OutputFailed: The output cannot be written.
    """
    named = [targets.output, targets.to, targets.csv, targets.parquet]
    if sum(path is not None for path in named) > 1:
        raise UsageError("--output, --to, --csv and --parquet are mutually exclusive")
    if targets.to is not None and not choice.run:
        raise UsageError("--to needs --run: forge db backup copies a whole store")
    store, database = Store(), require_path()
    redactor = Redactor() if choice.redact else None
    workflow_ids = _find_runs(store, choice.run) if choice.run else None
    if store.reader is None:
        print_note("nothing is on record yet")
        return
    export = Export(store.reader, workflow_ids, redactor)
    if targets.to is not None:
        _export_store(database, export, targets.to.expanduser())
    elif targets.csv is not None:
        _export_tables(export, targets.csv.expanduser(), CsvFile)
    elif targets.parquet is not None:
        from forge_cli.actions.share.parquet import ParquetFile  # noqa: PLC0415 - of an extra

        _export_tables(export, targets.parquet.expanduser(), ParquetFile)
    else:
        _export_lines(export, targets.output)
    _print_removals(redactor)


def _find_runs(store: Store, names: Sequence[str]) -> list[str]:
    workflow_ids = [find_run(store, name) for name in names]
    for workflow_id, name in zip(workflow_ids, names, strict=True):
        if store.reader is None or not store.reader.list_run_ids(workflow_id):
            raise UnknownWorkflow(
                f"no run {name!r} is on record{store.suggest_similar(workflow_id)}"
            )
    return list(dict.fromkeys(workflow_ids))


def _export_lines(export: Export, output: Path | None) -> None:
    if output is None:
        _write_lines(export, print_text)
        return
    with making_file(output.expanduser()) as write:
        count = _write_lines(export, write)
    print_note(f"wrote {format_count(count, 'row')} to {output}")


def _write_lines(export: Export, write: Callable[[str], object]) -> int:
    count = 0
    for count, (table, row) in enumerate(export.iterate(), start=1):  # noqa: B007 - counted
        write(dump(build_row(table, row)))
    return count


def _export_store(database: Path, export: Export, target: Path) -> None:
    redact = None if export.redactor is None else export.redactor.redact
    try:
        done = export_runs(database, export.workflow_ids or (), target, redact)
    except OSError as error:
        raise refuse_target(target, error) from error
    print_text(f"{escape_line(str(target))}: {_render_transfer(done)}")


class TableFile(Protocol):
    """A file of one table."""

    def __init__(self, directory: Path, name: str, shape: type[Row]) -> None: ...

    def write(self, values: Sequence[object]) -> None:
        """Add a row."""

    def close(self) -> None:
        """Write what is left."""


class CsvFile:
    """A file of comma-separated values.

    Args:
        directory: Where it stands.
        name: Its name, without what it ends in.
        shape: The class of its rows.
    """

    def __init__(self, directory: Path, name: str, shape: type[Row]) -> None:
        self._file = (directory / f"{name}.csv").open("x", encoding="utf-8", newline="")
        self._file.write(render_csv(list_names(shape)) + "\n")

    def write(self, values: Sequence[object]) -> None:
        """Add a row."""
        self._file.write(render_csv(values) + "\n")

    def close(self) -> None:
        """Write what is left."""
        self._file.close()


def list_names(shape: type[Row]) -> list[str]:
    """List the names of the values of a row of a file: its columns, and what it cost."""
    return [*(field.name for field in fields(shape)), "cost_usd"]


def _export_tables(export: Export, directory: Path, kind: type[TableFile]) -> None:
    """Write a file for each table into a new directory that only its owner may read."""
    with making_directory(directory), ExitStack() as stack:
        files = {}
        for table, shape in (("runs", Run), ("interactions", Interaction)):
            files[table] = kind(directory, FILE_NAMES[table], shape)
            stack.callback(files[table].close)
        count = 0
        for count, (table, values) in enumerate(_iterate_values(export), start=1):  # noqa: B007 - counted
            files[table].write(values)
    print_note(f"wrote {format_count(count, 'row')} to {directory}")


def _iterate_values(export: Export) -> Iterator[tuple[str, Sequence[object]]]:
    """Read the values of rows, with the table of each, and what it cost at the end."""
    prices = NO_PRICES
    for table, row in export.iterate():
        if isinstance(row, Interaction):
            prices = extend_prices(prices, row)
            cost = prices.price_call(row)
        else:
            calls = list(export.reader.iterate_call_figures([row.workflow_id]))
            own = [call for call in calls if call.root_run_id == row.run_id]
            for call in own:
                prices = extend_prices(prices, call)
            tally = tally_calls(own, prices)
            cost = tally.usd if tally.unpriced < tally.paid else None
        yield table, [*(getattr(row, name) for name in list_names(type(row))[:-1]), cost]


def import_from(database: Path, source: Path) -> Transfer:
    """Merge another store into this one.

    Raises:
        UsageError: There is no such file.
        StoreError: One of both cannot be used.
    """
    if not source.is_file():
        raise UsageError(f"there is no store at {source}")
    return import_store(database, source)


def render_import(done: Transfer, source: Path) -> str:
    """Say what was merged."""
    summary = f"merged {_render_transfer(done)} from {escape_line(str(source))}"
    if (done.new_runs, done.new_calls) == (done.runs, done.calls):
        return summary
    if not done.new_runs and not done.new_calls:
        return f"{summary}: all of them were here already"
    new = format_count(done.new_runs, "run"), format_count(done.new_calls, "call")
    return f"{summary}, of which {' and '.join(new)} are new"


def _render_transfer(done: Transfer) -> str:
    if done.unreadable:
        left_out = format_count(done.unreadable, "unreadable row")
        print_warning(f"left out {left_out}")
    return f"{format_count(done.runs, 'run')} and {format_count(done.calls, 'call')}"


def _print_removals(redactor: Redactor | None) -> None:
    """Say what was taken out of texts, and what could not be."""
    if redactor is None:
        return
    removals = redactor.list_removals()
    kinds: dict[str, int] = {}
    for removal in removals:
        kinds[removal.kind] = kinds.get(removal.kind, 0) + 1
    summary = ", ".join(format_count(number, kind) for kind, number in kinds.items())
    print_note(f"redacted: {summary or 'no secret of a known form'}")
    if redactor.failure is not None:
        print_warning(f"texts were left out that could not be redacted: {redactor.failure}")

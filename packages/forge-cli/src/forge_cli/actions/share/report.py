"""Make a page of one run for somebody who was not there."""

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from forge_core.errors import UsageError
from forge_core.files.private import replace_private
from forge_obs import Interaction, Redactor, Removal

from forge_cli.escape import escape_line
from forge_cli.exit_codes import ExitCode
from forge_cli.report.content import build_report
from forge_cli.report.page import is_report, render_page
from forge_cli.store.queries import Store
from forge_cli.terminal.console import OutputFormat, print_text, print_verbatim, print_warning
from forge_cli.terminal.new_files import refuse_target
from forge_cli.views.costs import Prices
from forge_cli.views.json_text import dump
from forge_cli.views.run import RunView, build_run_view

STANDARD_OUTPUT = Path("-")

HEAD_BYTES = 4_096
"""Bytes of a file that tell whether it is a report."""

LONGEST_NAME = 64
"""Characters of a task's id in the name of a page, as long as Forge's own are at most."""

_UNFIT = re.compile(r"[^\w.-]+", re.ASCII)


@dataclass(frozen=True, slots=True)
class Subject:
    """What a page is about."""

    view: RunView
    calls: Sequence[Interaction]
    prices: Prices
    removals: Sequence[Removal] | None = None
    """Secrets that were taken out; None where nobody looked for any."""


def make_report(
    store: Store, workflow_id: str, path: Path | None, output: OutputFormat, *, redact: bool
) -> ExitCode:
    """Write the page of a run.

    Args:
        store: Where the run is on record.
        workflow_id: The run.
        path: The file; `-` for stdout, None for one in this directory that is named by the task.
        output: How to say what was written.
        redact: Take secrets out.

    Raises:
        UnknownWorkflow: There is no such run.
        StoreError: The store cannot be read.
        UsageError: The file exists and is no report, or cannot be written.
    """
    view, calls, prices = store.get_run(workflow_id, texts=True)
    subject = Subject(view, calls, prices)
    subject = _redact(subject) if redact else subject
    report = build_report(subject.view, subject.calls, subject.prices, removals=subject.removals)
    page = render_page(report)
    if path == STANDARD_OUTPUT:
        print_verbatim(page)
        return ExitCode.SUCCESS
    target = path or _name_page(view.run.task_id)
    _write(target, page)
    _print_summary(target, len(page.encode()), subject, output)
    return ExitCode.SUCCESS


def _name_page(task_id: str) -> Path:
    """Return a file in this directory; the tasks of other programs may have names that fit none."""
    return Path(f"forge-report-{_UNFIT.sub('-', task_id)[:LONGEST_NAME] or 'run'}.html")


def _redact(subject: Subject) -> Subject:
    redactor, view = Redactor(), subject.view
    run = redactor.redact(view.run)
    calls = [redactor.redact(call) for call in subject.calls]
    shown = build_run_view(run, view.status, view.totals, view.now, view.price_data)
    if redactor.failure is not None:
        print_warning(f"{redactor.failure}: texts that it concerns are left out")
    return Subject(shown, calls, subject.prices, redactor.list_removals())


def _write(target: Path, page: str) -> None:
    """Write a page beside its place and rename it, so that a reader never sees half of it."""
    try:
        if target.exists() or target.is_symlink():
            _check_replaceable(target)
        replace_private(target, page.encode())
    except OSError as error:
        raise refuse_target(target, error) from error


def _check_replaceable(target: Path) -> None:
    if target.is_file() and not target.is_symlink():
        with target.open("rb") as file:
            if is_report(file.read(HEAD_BYTES)):
                return
    raise UsageError(
        f"{escape_line(str(target))} exists and is no report: name another file with -o"
    )


def _print_summary(target: Path, size: int, subject: Subject, output: OutputFormat) -> None:
    removals = subject.removals
    if output is OutputFormat.JSON:
        taken = (
            None
            if removals is None
            else [{"pseudonym": r.pseudonym, "kind": r.kind, "places": r.places} for r in removals]
        )
        workflow_id = subject.view.run.workflow_id
        document = {"workflow_id": workflow_id, "path": os.path.abspath(target), "size_bytes": size}  # noqa: PTH100
        print_text(dump({**document, "removals": taken}))
        return
    print_text(f"{escape_line(str(target))}: {size:,} bytes, one file that loads nothing")
    for removal in removals or ():
        places = "place" if removal.places == 1 else "places"
        print_text(f"  {removal.pseudonym} stands for a secret in {removal.places:,} {places}")
    if removals is not None and not removals:
        print_text("  no secret of a known form was found")

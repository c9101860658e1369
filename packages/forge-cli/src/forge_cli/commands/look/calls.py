"""``forge calls``: the calls on record, and those that hold a text."""

from forge_core.errors import UsageError

from forge_cli.exit_codes import ExitCode
from forge_cli.options.look.calls import CallFilterOptions, CallListOptions, SearchOptions
from forge_cli.options.types import Switch
from forge_cli.terminal.console import OutputFormat
from forge_cli.terminal.pager import paged


def calls(
    text: str | None = None,
    /,
    *,
    json: Switch = False,
    jsonl: Switch = False,
    csv: Switch = False,
    which: CallFilterOptions | None = None,
    search: SearchOptions | None = None,
    shown: CallListOptions | None = None,
) -> ExitCode:
    """List calls, newest first, or find those that hold a text.

    Calls of any run and of other programs are listed in the order of their recording. With a text,
    one line shows where it stands in the newest call of each run, and how many others of the run
    hold it; with --run, each of the run's calls has a line. Exit code 1 means that there is none.

    Args:
        text: Find calls that hold this; upper and lower case of ASCII letters are the same.
        json: Print one JSON document instead.
        jsonl: Print one JSON document per line instead, each call as soon as it is found.
        csv: Print comma-separated values instead, with a line of names first. An apostrophe keeps
            texts from being executed by a spreadsheet.
        which: Which calls are meant.
        search: How a text is searched.
        shown: How many are shown.
    """
    from forge_cli.actions.look.calls import CallRequest, count_calls, show_calls  # noqa: PLC0415 - imports SQLAlchemy

    search = search or SearchOptions()
    if json + jsonl + csv > 1:
        raise UsageError("--json, --jsonl and --csv are mutually exclusive")
    if text is None and (search.regex or search.places or search.context):
        raise UsageError("--regex, --in and --context belong to a text to search for")
    if search.count and (jsonl or csv):
        raise UsageError("--count is printed as text or with --json")
    output = OutputFormat.CSV if csv else OutputFormat.choose(json=json, jsonl=jsonl)
    request = CallRequest(
        text, which or CallFilterOptions(), search, (shown or CallListOptions()).limit
    )
    if search.count:
        return count_calls(request, output)
    if output in {OutputFormat.JSONL, OutputFormat.CSV}:
        return show_calls(request, output)
    with paged():
        return show_calls(request, output)

"""Lines of comma-separated values.

A spreadsheet takes a cell that begins like a formula for one, quoted or not, and what a model or a
repository wrote would be executed there. Such texts get an apostrophe in front; numbers, which are
no texts, keep their signs. See https://owasp.org/www-community/attacks/CSV_Injection.
"""

import csv
import io
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from decimal import Decimal

from forge_obs import Interaction, Match

from forge_cli.views.costs import Prices

CALL_COLUMNS = (
    *("entry_id", "created_at", "workflow_id", "task_id", "step_id", "sub_task_id", "attempt"),
    *("role", "model_name", "request_model", "status", "outcome", "error_type", "input_tokens"),
    *("cache_read_tokens", "cache_write_tokens", "output_tokens", "reasoning_tokens"),
    *("latency_ms", "first_token_ms", "session_id"),
)
"""Columns of a call that a line of it has."""

CALL_NAMES = (*CALL_COLUMNS, "cost_usd", "found_in", "origin")
"""Names of the values of a call's line."""


_FORMULA_STARTS = tuple("=+-@\t\r\n\uff1d\uff0b\uff0d\uff20")
"""Characters at which a spreadsheet begins to compute; the last four are their wide forms."""

_LINE_END = "\r\n"


def build_call_line(
    call: Interaction, matches: Sequence[Match], prices: Prices
) -> Iterable[object]:
    """List the values of a call, as `CALL_NAMES` names them."""
    columns = " ".join(match.column for match in matches)
    columns_of_call = (getattr(call, name) for name in CALL_COLUMNS)
    return *columns_of_call, prices.price_call(call), columns, call.origin


def render_csv(values: Iterable[object]) -> str:
    """Render values as one line; what is unknown is empty, what begins like a formula is text."""
    line = io.StringIO()
    # Up to Python 3.12 only the characters of the line's end have the writer quote a value.
    csv.writer(line, lineterminator=_LINE_END).writerow([_render(value) for value in values])
    return line.getvalue().removesuffix(_LINE_END)


def _render(value: object) -> object:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
    if isinstance(value, Decimal):
        return f"{value:f}"
    if isinstance(value, str) and value.startswith(_FORMULA_STARTS):
        return f"'{value}"
    return value

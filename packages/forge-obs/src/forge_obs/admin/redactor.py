"""Rows without secrets, for somebody else to read.

See D93.
"""

import os
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, TypeVar

from forge_obs.environment.redact_hook import get_hook
from forge_obs.model.redaction.entries import redact_columns
from forge_obs.model.redaction.paths import Paths
from forge_obs.model.redaction.secrets import Pseudonyms, Removal
from forge_obs.model.rows import Interaction, Run

NO_OWNER: Mapping[str, Any] = {"owner_host": None, "owner_pid": None, "owner_start": None}
"""Columns of a run that name the machine and the process."""

Row = TypeVar("Row", Interaction, Run)


class Redactor:
    """Takes secrets out of rows that were read, the same one always by the same pseudonym.

    The hook of `set_redact()` or `FORGE_REDACT` sees every text first; then the user's home
    directory becomes `~`, the repository of each run that was redacted its name, and secrets of
    known forms are replaced, those of this row and of earlier ones wherever they stand. A text that
    the hook has no answer for is left out, and so is the machine that executed a run. Ids, role,
    status and origin stay as they are.
    """

    def __init__(self) -> None:
        self._pseudonyms = Pseudonyms()
        self._hook = get_hook()
        self._paths = Paths()
        self._paths.add_home(os.environ.get("HOME", ""))

    def redact(self, row: Row) -> Row:
        """Return a row without secrets; a run comes before its calls, whose paths it tells."""
        table = "runs" if isinstance(row, Run) else "interactions"
        if isinstance(row, Run) and row.repo_root:
            self._paths.add_repository(row.repo_root)
        shown = redact_columns(vars(row), table, self.redact_text)
        # A reason may quote what only the whole output of a test shows to be a secret.
        columns: dict[str, Any] = redact_columns(shown, table, self._pseudonyms.replace_known)
        return replace(row, **columns, **(NO_OWNER if table == "runs" else {}))

    def redact_text(self, text: str) -> str | None:
        """Return a text without secrets; None where the hook has no answer."""
        shown = text if self._hook is None else self._hook(text)
        if shown is None:
            return None
        return self._pseudonyms.replace_secrets(self._paths.shorten(shown))

    @property
    def failure(self) -> str | None:
        """Why the hook had no answer for a text; None where it always had one."""
        return None if self._hook is None else self._hook.failure

    def list_removals(self) -> list[Removal]:
        """List the secrets of known forms that were taken out so far."""
        return self._pseudonyms.list_removals()

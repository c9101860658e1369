"""Failures of activities in Temporal's terms: what may pass is tried again, the rest is final.

What nobody expected is no end of a run: whoever runs Forge may mend its cause and resume the run.
It is tried again a few times, then it waits, and whoever waits for the run is told so.
"""

from collections import Counter
from datetime import timedelta
from typing import Any

from pydantic import ValidationError
from temporalio import activity
from temporalio.exceptions import ApplicationError, FailureError
from temporalio.service import RPCError

from forge_core.errors import UNEXPECTED, DiskFull, ForgeError, GitFailed, WorktreeBusy
from forge_core.files.disk import find_full_disk
from forge_core.worker.interceptors.around import AroundActivity, Proceed

DISK_DELAY_S, MAX_DISK_DELAY_S = 5.0, 300.0
"""Seconds until a full disk is tried again: so many more for each attempt, up to the second."""

MAX_GIT_FAILURES = 3
"""Failures of git in one activity after which it is final: a lock passes, damage does not."""

MAX_UNEXPECTED_FAILURES = 3
"""Failures after which what was not expected waits for somebody to look at it."""

UNEXPECTED_DELAY = timedelta(minutes=10)
"""Until a worker tries again by itself what was not expected; a resumed run does so at once."""

MESSAGE_LENGTH = 2000
"""Characters of a message; Temporal fails on one of megabytes, and the cause is lost."""


class FailureInterceptor(AroundActivity):
    """Decides on each exception whether its activity is tried again, and when."""

    def __init__(self) -> None:
        # Not Temporal's attempts: those are used up by whatever happens to a process, too.
        self._counts: Counter[tuple[str | None, str]] = Counter()

    async def execute(self, proceed: Proceed) -> Any:  # noqa: ANN401
        """Convert what the activity raises."""
        try:
            result = await proceed()
        except (FailureError, RPCError):
            raise
        # The edge of our code: whatever comes out of it must not end a run for good.
        except Exception as error:
            raise self._convert(error) from error
        self._counts.pop(_key(), None)
        return result

    def _convert(self, error: Exception) -> ApplicationError:
        full = error if isinstance(error, DiskFull) else None
        if isinstance(error, OSError):
            full = find_full_disk(error)
        if full is not None:
            return _postpone(full)
        if isinstance(error, WorktreeBusy):  # by what was started before, which may end yet
            return self._convert_unexpected(error)
        if isinstance(error, GitFailed):
            return _convert(error, str(error), final=self._count() >= MAX_GIT_FAILURES)
        if isinstance(error, ForgeError):
            return _convert(error, str(error), final=True)
        return self._convert_unexpected(error)

    def _convert_unexpected(self, error: Exception) -> ApplicationError:
        """Have an activity tried again; a local one by its workflow, as a regular one."""
        is_local = activity.info().is_local
        waits = is_local or self._count() >= MAX_UNEXPECTED_FAILURES
        return ApplicationError(
            _describe(error)[:MESSAGE_LENGTH],
            type=UNEXPECTED if waits else type(error).__name__,
            non_retryable=is_local,
            next_retry_delay=UNEXPECTED_DELAY if waits else None,
        )

    def _count(self) -> int:
        self._counts[_key()] += 1
        return self._counts[_key()]


def _key() -> tuple[str | None, str]:
    info = activity.info()
    return info.workflow_run_id, info.activity_id


def _describe(error: Exception) -> str:
    """Say what an error says, but not what a model or a prompt held: it is logged and printed."""
    if isinstance(error, ForgeError):
        return str(error)
    name = type(error).__name__
    if not isinstance(error, ValidationError):
        return f"{name}: {error}"
    details = error.errors(include_url=False, include_context=False, include_input=False)
    places = (".".join(map(str, detail["loc"])) + f" {detail['msg']}" for detail in details)
    return f"{name}: {error.title}: {'; '.join(places)}"


def _convert(error: Exception, message: str, *, final: bool) -> ApplicationError:
    return ApplicationError(
        message[:MESSAGE_LENGTH], type=type(error).__name__, non_retryable=final
    )


def _postpone(full: DiskFull) -> ApplicationError:
    """Have an activity tried again later; a local one by its workflow, as a regular one."""
    info = activity.info()
    delay_s = min(DISK_DELAY_S * info.attempt, MAX_DISK_DELAY_S)
    return ApplicationError(
        str(full)[:MESSAGE_LENGTH],
        type=DiskFull.__name__,
        non_retryable=info.is_local,
        next_retry_delay=timedelta(seconds=delay_s),
    )

"""How the runs stand that left something in a repository."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from forge_core.git.leftovers import Leftover
from forge_core.runs.ownership import find_owner
from forge_core.runs.state import RUNNING, ask_statuses
from forge_core.state_dir.files import StateFiles
from forge_core.state_dir.locate import get_state_dir
from forge_obs import Run, get_shown_status

from forge_cli.store.queries import Store
from forge_cli.views.leftover import UNKNOWN, Candidate


@dataclass(frozen=True, slots=True)
class _Evidence:
    """What processes, store and server say of runs."""

    files: StateFiles
    runs: Mapping[str, Run]
    statuses: Mapping[str, str]


def judge(leftovers: Sequence[Leftover]) -> list[Candidate]:
    """Return each leftover with the status of its run.

    The processes of this machine are looked at first, then the store; a configured server and the
    embedded one, if it runs, are asked of runs that are not on record.

    Raises:
        StoreError: The store cannot be read.
    """
    workflow_ids = [left.workflow_id for left in leftovers if left.workflow_id is not None]
    runs = _read_runs(workflow_ids)
    unknown = [workflow_id for workflow_id in workflow_ids if workflow_id not in runs]
    directory = get_state_dir()
    statuses = ask_statuses(unknown, os.environ, directory) if unknown else {}
    evidence = _Evidence(StateFiles(directory), runs, statuses)
    return [_judge(leftover, evidence) for leftover in leftovers]


def _judge(leftover: Leftover, evidence: _Evidence) -> Candidate:
    workflow_id, ended_at = leftover.workflow_id, leftover.used_at
    if workflow_id is None:
        return Candidate(leftover, UNKNOWN, ended_at)
    if find_owner(evidence.files, workflow_id) is not None:
        return Candidate(leftover, RUNNING, ended_at)
    run = evidence.runs.get(workflow_id)
    if run is None:
        return Candidate(leftover, evidence.statuses.get(workflow_id, UNKNOWN), ended_at)
    return Candidate(leftover, get_shown_status(run), run.finished_at or ended_at)


def _read_runs(workflow_ids: Sequence[str]) -> dict[str, Run]:
    reader = Store().reader
    if reader is None:
        return {}
    rows = {workflow_id: reader.get_run(workflow_id) for workflow_id in workflow_ids}
    return {workflow_id: run for workflow_id, run in rows.items() if run is not None}

"""Reviewing a plan: whether its steps may, and can, change the files that they name.

See D60.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from posixpath import normpath

from forge_core.errors import RefusedPath
from forge_core.files.paths import parse_path
from forge_core.files.protection import WritePolicy
from forge_core.git.contents.targets import TargetFault, find_target_faults
from forge_core.llm.calls import Review
from forge_core.models.plan import Plan, PlanStep, SubTask

TOP = "."
"""The whole repository, which a step may be about."""

PROBLEM_LENGTH = 1000
"""Characters of a problem, which may name every file of a plan."""

REMOVAL = re.compile(r"\b(?:delet|remov|renam|mov|drop)", re.IGNORECASE)
"""Words of a step that need not see the content of its files."""

Part = PlanStep | SubTask


@dataclass(frozen=True, slots=True)
class PlanReviewer:
    """Reviews plans by the files that they name.

    Args:
        policy: What steps may change.
        worktree: Where they begin; None, for which only names are judged.
        commit: Hash of the commit that they begin with.
    """

    policy: WritePolicy
    worktree: Path | None = None
    commit: str = "HEAD"

    def review(self, plan: Plan) -> Review:
        """Say which files cannot be changed."""
        parts: list[Part] = [*plan.steps, *(part for step in plan.steps for part in step.sub_tasks)]
        named = [normpath(path) for part in parts for path in part.target_files]
        paths = list(dict.fromkeys(path for path in named if path != TOP))
        problems = list(self._find_refusals(paths))
        if not problems and self.worktree is not None:
            faults = find_target_faults(self.worktree, self.commit, paths)
            problems = [f.message for f in faults if not _is_harmless(f, paths, parts)]
        return Review(tuple(f"target_files: {problem}"[:PROBLEM_LENGTH] for problem in problems))

    def _find_refusals(self, paths: Sequence[str]) -> Iterator[str]:
        for path in paths:
            try:
                parse_path(path)
            except RefusedPath as refused:
                yield str(refused)
        try:
            self.policy.check(paths)
        except RefusedPath as refused:
            yield str(refused)


def _is_harmless(fault: TargetFault, paths: Sequence[str], parts: Sequence[Part]) -> bool:
    """Return whether a step may be about a file all the same.

    It may name a directory for all that it holds; what stands in the way may be what an earlier
    step removes or renames; and a file need not be shown to be deleted or moved.
    """
    if fault.obstacle is None:
        owners = [part for part in parts if fault.path in map(normpath, part.target_files)]
        return any(REMOVAL.search(part.description) for part in owners)
    return fault.is_directory or not fault.is_final(paths)

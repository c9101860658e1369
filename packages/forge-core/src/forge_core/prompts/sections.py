"""The sections of a prompt, built from a unit of work and what was read of the repository."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from forge_core.context.repo_map import NO_MAP, RepoMap
from forge_core.context.sections import Section, SectionKind, estimate_tokens, fence
from forge_core.files.paths import MISSING
from forge_core.models.call.llm import FileEdit
from forge_core.models.plan import Plan, PlanStep
from forge_core.models.task import ContextConfig, TaskDefinition
from forge_core.models.unit import AttemptFailure, WorkUnit

WHOLE_SHARE = 0.6
"""Part of an answer up to which the targets may be answered whole."""

LONG_FILE_LINES = 500
"""Lines from which a planner is told a file's length."""

REASON_LENGTH = 2000
"""Characters of the reason for which an attempt was refused."""


@dataclass(frozen=True, slots=True)
class SourceFile:
    """A file that a prompt is to show."""

    path: str
    text: str | None
    """None where it cannot be shown, or only its outline is wanted."""
    note: str = ""
    """Why it cannot be shown."""
    outline: str = ""
    """Its declarations; empty where it has none or nobody can tell."""
    rank: int | None = None
    """Rank among the repository's Python files, 1 for the most important."""
    lines: int | None = None
    """How many lines it has; None where nobody counted them."""


@dataclass(frozen=True, slots=True)
class DiscoveredFile:
    """A file that nobody named, and why it is shown."""

    source: SourceFile
    kind: SectionKind
    reason: str


@dataclass(frozen=True, slots=True)
class Materials:
    """What was read of the worktree for one prompt."""

    targets: tuple[SourceFile, ...] = ()
    context_files: tuple[SourceFile, ...] = ()
    discovered: tuple[DiscoveredFile, ...] = ()
    """Those of one kind in the order of their importance."""
    repo_map: RepoMap = NO_MAP


def build_unit_sections(
    instructions: str, unit: WorkUnit, materials: Materials, failure: AttemptFailure | None
) -> list[Section]:
    """Lay out the prompt of a unit: what is common first, what changes last."""
    words = f"{unit.description}\n{unit.task.description}"
    if failure is not None:
        words += f"\n{failure.error or ''}"
    sections = _material_sections(instructions, materials, words)
    if unit.plan is not None:
        text = render_plan(unit.plan, unit.step_id)
        sections.append(Section("plan", "", text, "the plan that the step belongs to"))
    text = _render_assignment(unit) + _render_targets(unit.target_files, materials)
    text += _render_long_targets(unit.task.context, materials)
    sections.append(Section("task", "", text, "what is to be done"))
    if failure is not None:
        sections += build_failure_sections(failure)
    return sections


def build_planner_sections(
    instructions: str, task: TaskDefinition, materials: Materials
) -> list[Section]:
    """Lay out the prompt of the planner."""
    targets = _render_targets(task.target_files, materials)
    text = task.description + targets + _render_lengths(materials)
    return [
        *_material_sections(instructions, materials, None),
        Section("task", "", text, "what is to be planned"),
    ]


def render_plan(plan: Plan, current_step_id: str | None) -> str:
    """Render a plan's steps, marking those done and the one to do now."""
    ids = [step.step_id for step in plan.steps]
    current = ids.index(current_step_id) if current_step_id in ids else -1
    return "\n".join(
        f"{number}. {step.step_id} ({_progress(number - 1, current)}): {step.description}"
        for number, step in enumerate(plan.steps, start=1)
    )


def build_failure_sections(failure: AttemptFailure) -> list[Section]:
    """Describe why an attempt was refused: the reason, then findings and files that fit."""
    checks = failure.failed_checks
    lines = [f"Attempt {failure.attempt} was refused."]
    lines += [failure.error[:REASON_LENGTH]] if failure.error else []
    lines += [f"Check {check.check_name} failed: {check.summary}" for check in checks]
    reason = Section("failure", "", "\n\n".join(lines), "why the last attempt was refused")
    findings = [
        Section("finding", check.check_name, fence(check.details, "text"), "what the check said")
        for check in checks
        if check.details
    ]
    refused = [
        Section("refused_file", file.file_path, fence(file.content), "what was refused")
        for file in failure.files
    ]
    return [reason, *findings, *refused, *_refused_changes(failure)]


def _refused_changes(failure: AttemptFailure) -> list[Section]:
    """Show what an answer changed besides whole files, as it said so."""
    by_path: dict[str, list[FileEdit]] = {}
    for edit in failure.edits:
        by_path.setdefault(edit.file_path, []).append(edit)
    sections = [
        Section("refused_edits", path, "\n\n".join(map(_render_edit, edits)), "what was refused")
        for path, edits in by_path.items()
    ]
    lines = [f"- deleted {path}" for path in failure.deletions]
    lines += [f"- renamed {rename.file_path} to {rename.new_path}" for rename in failure.renames]
    if lines:
        sections.append(Section("refused_edits", "", "\n".join(lines), "what was refused"))
    return sections


def _render_edit(edit: FileEdit) -> str:
    every = " (every)" if edit.every else ""
    return f"search{every}:\n{fence(edit.search)}\nreplace:\n{fence(edit.replace)}"


def _material_sections(instructions: str, materials: Materials, words: str | None) -> list[Section]:
    sections = [Section("instructions", "", instructions, "what is asked of the model")]
    if materials.repo_map.text:
        text = fence(materials.repo_map.text)
        sections.append(Section("repo_map", "", text, "the repository as the run found it"))
    sections += [
        _file_section("context_file", f, "named as context") for f in materials.context_files
    ]
    sections += [_file_section(f.kind, f.source, f.reason) for f in materials.discovered]
    sections += [_target_section(f, words) for f in materials.targets]
    return sections


def _target_section(file: SourceFile, words: str | None) -> Section:
    """Show a target, of which words lead to the parts that are shown where it finds no room."""
    section = _file_section("target_file", file, "named as target")
    return section if words is None else replace(section, source=file.text or "", words=words)


def _file_section(kind: SectionKind, file: SourceFile, reason: str) -> Section:
    if file.text is not None:
        return Section(
            kind, file.path, fence(file.text), reason, "full", outline=file.outline, rank=file.rank
        )
    if file.outline:
        return Section(kind, file.path, fence(file.outline), reason, "signatures", rank=file.rank)
    return Section(kind, file.path, f"({file.note})", reason, rank=file.rank)


def _render_assignment(unit: WorkUnit) -> str:
    parts = []
    if unit.step_id is not None:
        parts.append(f"The task as a whole: {unit.task.description}")
        if unit.sub_task_id is not None:
            parts.append(_render_siblings(unit))
            parts.append(f"Your part ({unit.sub_task_id}):")
        else:
            parts.append(f"Your step ({unit.step_id}):")
    parts.append(unit.description)
    return "\n\n".join(parts)


def _render_siblings(unit: WorkUnit) -> str:
    step = _find_step(unit)
    if step is None:
        return ""
    others = [
        f"- {part.sub_task_id}: {part.description}"
        for part in step.sub_tasks
        if part.sub_task_id != unit.sub_task_id
    ]
    heading = f"The step ({step.step_id}): {step.description}"
    return "\n".join([heading, *(["Others write in parallel:", *others] if others else [])])


def _find_step(unit: WorkUnit) -> PlanStep | None:
    steps: Sequence[PlanStep] = unit.plan.steps if unit.plan else ()
    return next((step for step in steps if step.step_id == unit.step_id), None)


def _render_targets(paths: Sequence[str], materials: Materials) -> str:
    """Name the target files; of those that do not stand, a typo may be the reason."""
    new = {file.path for file in materials.targets if file.note == MISSING}
    listed = [f"- {path}{' (new: no such file stands yet)' * (path in new)}" for path in paths]
    return "\n\n" + "\n".join(["Files to create or change:", *listed]) if listed else ""


def _render_long_targets(config: ContextConfig, materials: Materials) -> str:
    """Ask for edits where the targets as a whole would fill most of an answer."""
    texts = {file.path: file.text for file in materials.targets if file.text}
    tokens = sum(estimate_tokens(text, config.chars_per_token) for text in texts.values())
    if tokens <= WHOLE_SHARE * config.output_reserve:
        return ""
    listed = "\n".join(f"- {path} ({count_lines(text)} lines)" for path, text in texts.items())
    return f"\n\nToo long for an answer as a whole, to be changed by edits only:\n{listed}"


def _render_lengths(materials: Materials) -> str:
    """Name the files of which a step should change only a few places."""
    files = (
        *materials.targets,
        *materials.context_files,
        *(file.source for file in materials.discovered),
    )
    lengths = {
        file.path: count_lines(file.text) if file.text else file.lines or 0 for file in files
    }
    listed = [f"- {path}: {n} lines" for path, n in lengths.items() if n >= LONG_FILE_LINES]
    return "\n\n" + "\n".join(["Long files:", *listed]) if listed else ""


def count_lines(text: str) -> int:
    """Return how many lines a text has."""
    return text.count("\n") + (not text.endswith("\n"))


def _progress(index: int, current: int) -> str:
    if index == current:
        return "now"
    return "done" if index < current else "later"

"""Write `docs/reference/documents.schema.json`: JSON Schemas of all that ``--json`` prints.

`python docs/generate_json_schema.py` writes it; with `--check` it only says, by its exit code,
whether the file is what the code says now. Columns come from the rows' classes and their meaning
from `docs/reference/schema.md`, results from the models of forge-core, the rest stands here.
"""

import json
import re
import sys
from dataclasses import fields
from datetime import datetime
from pathlib import Path
from typing import Any

from forge_cli.render.json_documents import JSON_SUFFIX, TEXTS
from forge_cli.views.json_text import SCHEMA_VERSION
from forge_core.models.call.context import ContextEntry, ContextStats
from forge_core.models.result import TaskResult
from forge_obs import Interaction, Run
from pydantic.json_schema import models_json_schema

REFERENCE = Path(__file__).parent / "reference"
PAGE = REFERENCE / "documents.schema.json"

Schema = dict[str, Any]

TEXT: Schema = {"type": "string"}
COUNT: Schema = {"type": "integer"}
NUMBER: Schema = {"type": "number"}
FLAG: Schema = {"type": "boolean"}
MOMENT: Schema = {"type": "string", "format": "date-time"}
TYPES: dict[object, Schema] = {str: TEXT, int: COUNT, float: NUMBER, bool: FLAG, datetime: MOMENT}


def null_or(schema: Schema) -> Schema:
    """Allow null, too."""
    return {"anyOf": [schema, {"type": "null"}]}


def ref(name: str) -> Schema:
    """Refer to a definition."""
    return {"$ref": f"#/$defs/{name}"}


def list_of(schema: Schema) -> Schema:
    """Describe a list."""
    return {"type": "array", "items": schema}


def build_object(title: str, properties: Schema, *, optional: tuple[str, ...] = ()) -> Schema:
    """Describe an object whose keys are all there but for the optional ones."""
    required = [name for name in properties if name not in optional]
    return {"title": title, "type": "object", "properties": properties, "required": required}


def build_document(title: str, properties: Schema, *, optional: tuple[str, ...] = ()) -> Schema:
    """Describe a document, which has its version."""
    versioned = {"schema_version": {"const": SCHEMA_VERSION}, **properties}
    return build_object(title, versioned, optional=optional)


def read_meanings() -> dict[str, str]:
    """Read what the columns hold from their page; a column of both tables means the same."""
    rows = re.findall(
        r"^\| `(\w+)` \| \w+ \| \w+ \| (.+?) \|$",
        (REFERENCE / "schema.md").read_text(encoding="utf-8"),
        re.M,
    )
    return {name: re.sub(r"\[(.+?)\]\(.+?\)", r"\1", text) for name, text in reversed(rows)}


RECORDED: dict[str, Schema] = {
    "context_manifest": list_of(ref("ContextEntry")),
    "context_stats": ref("ContextStats"),
}
"""What Forge's own runs have in columns that hold JSON; other programs may record anything."""


def build_columns(shape: type[Any], without: frozenset[str] = frozenset()) -> Schema:
    """Describe the columns of a table; those that hold JSON are decoded, or given as text."""
    meanings = read_meanings()
    properties: Schema = {}
    for field in fields(shape):
        if field.name in without:
            continue
        key = field.name.removesuffix(JSON_SUFFIX)
        is_json = field.name.endswith(JSON_SUFFIX)
        schema = _describe_json(key) if is_json else _convert_type(field.type, field.name)
        said = meanings.get(field.name)
        properties[key] = {**schema, **({"description": said} if said else {})}
    return properties


def _describe_json(key: str) -> Schema:
    if key not in RECORDED:
        return {}
    other = {"description": "Null, or what another program recorded; text where it is damaged."}
    return {"anyOf": [RECORDED[key], other]}


def _convert_type(annotation: object, name: str) -> Schema:
    if annotation in TYPES:
        return TYPES[annotation]
    for type_, schema in TYPES.items():
        if annotation == type_ | None:  # type: ignore[operator]
            return null_or(schema)
    raise TypeError(f"column {name} is of a type without a schema: {annotation}")


RUN: Schema = {
    **build_columns(Run, frozenset({"result_json"})),
    "steps_done": COUNT,
    "steps_planned": COUNT,
    "calls": COUNT,
    "input_tokens": COUNT,
    "output_tokens": COUNT,
    "calls_without_usage": COUNT,
    "calls_unanswered": COUNT,
    "duration_s": null_or(NUMBER),
    "resume": null_or(TEXT),
    "successor": null_or(TEXT),
    "activity": null_or(TEXT),
    "cost": ref("cost"),
    "budget": null_or(ref("budget")),
}

INTERACTION: Schema = {**build_columns(Interaction), "cost_usd": null_or(NUMBER)}

OPTIONAL = tuple(sorted(name.removesuffix(JSON_SUFFIX) for name in TEXTS))
"""Keys of a call that only a verbose document has."""

COST: Schema = {
    "usd": null_or(NUMBER),
    "calls_priced": COUNT,
    "calls_unknown": COUNT,
    "calls_refused": COUNT,
    "calls_scripted": COUNT,
    "genai_prices": null_or(TEXT),
}

BUDGET: Schema = {
    "max_cost_usd": null_or(NUMBER),
    "max_total_tokens": null_or(COUNT),
    "max_duration_s": null_or(NUMBER),
    "spent_usd": NUMBER,
    "spent_tokens": COUNT,
    "elapsed_s": NUMBER,
    "requests_estimated": COUNT,
    "requests_at_assumed_price": COUNT,
    "requests_without_price": COUNT,
    "stopped_by": null_or(TEXT),
}

STATE: Schema = {"enum": ["same", "changed", "new", "gone"]}

SECTION: Schema = {
    "prompt": {"enum": ["system", "user"]},
    "kind": TEXT,
    "name": TEXT,
    "title": TEXT,
    "text": TEXT,
    "length": COUNT,
    "tokens": COUNT,
    "path": null_or(TEXT),
}

PERCENTILES: Schema = null_or(
    build_object(
        "Exact percentiles, in milliseconds", {"p50": NUMBER, "p95": NUMBER, "p99": NUMBER}
    )
)

FIGURES: Schema = {
    "calls": COUNT,
    "calls_failed": COUNT,
    "calls_without_usage": COUNT,
    "calls_unanswered": COUNT,
    "first_attempts_judged": COUNT,
    "first_attempts_accepted": COUNT,
    "answers_accepted": COUNT,
    "usd_per_accepted": null_or(NUMBER),
    "input_tokens": COUNT,
    "cache_read_tokens": COUNT,
    "cache_write_tokens": COUNT,
    "output_tokens": COUNT,
    "reasoning_tokens": COUNT,
    "cost": ref("cost"),
    "wasted_usd": NUMBER,
    "as_model_usd": NUMBER,
    "as_model_unknown": COUNT,
    "latency_ms": PERCENTILES,
    "first_token_ms": PERCENTILES,
}

PARTS: dict[str, Schema] = {
    "run": build_object("A run", RUN),
    "interaction": build_object("A call of a model", INTERACTION, optional=OPTIONAL),
    "listed_call": build_object(
        "A call in a list, and where in it a text was found; empty where none was looked for",
        {**INTERACTION, "matches": list_of(ref("match"))},
        optional=OPTIONAL,
    ),
    "figures": build_object("Figures of some calls", FIGURES),
    "group": build_object("Figures of the calls of a group", {"name": null_or(TEXT), **FIGURES}),
    "match": build_object(
        "Where a text stands: in prompts, answers, errors or messages; characters of a column",
        {"in": TEXT, "column": TEXT, "start": COUNT, "end": COUNT},
    ),
    "cost": build_object("What all calls of a run cost", COST),
    "budget": build_object("The limits of a run, and what of them is used up", BUDGET),
    "outcome": build_object("What became of an answer", {"word": TEXT, "reason": null_or(TEXT)}),
    "section": build_object("A section of a prompt", SECTION),
    "compared_call": build_object(
        "A call, without its texts", {"interaction": ref("interaction"), "outcome": ref("outcome")}
    ),
    "commit": build_object(
        "A commit",
        {"sha": TEXT, "subject": TEXT, "author": TEXT, "email": TEXT, "authored_at": MOMENT},
    ),
    "author": build_object(
        "Who wrote lines of a file",
        {
            "origin": {"enum": ["call", "squash", "lost", "person", "uncommitted"]},
            "path": TEXT,
            "commit": null_or(ref("commit")),
            "run": null_or(TEXT),
            "calls": list_of(ref("written")),
        },
    ),
    "written": build_object(
        "A call that wrote lines, or may have",
        {
            "entry_id": TEXT,
            "workflow_id": TEXT,
            "step_id": null_or(TEXT),
            "sub_task_id": null_or(TEXT),
            "attempt": null_or(COUNT),
            "on_record": FLAG,
            "asked": null_or(TEXT),
            "model": null_or(TEXT),
            "outcome": null_or(TEXT),
            "cost_usd": null_or(NUMBER),
        },
    ),
    "section_pair": build_object(
        "What two prompts show of the same thing",
        {
            "state": STATE,
            "prompt": TEXT,
            **{name: SECTION[name] for name in ("kind", "name", "title", "path")},
            **{f"tokens_{side}": null_or(COUNT) for side in "ab"},
            **{f"text_{side}": null_or(TEXT) for side in "ab"},
        },
    ),
    "answer_pair": build_object(
        "What two answers make of one file",
        {
            "state": STATE,
            "name": TEXT,
            "whole": FLAG,
            **{f"text_{side}": null_or(TEXT) for side in "ab"},
        },
    ),
    "work_pair": build_object(
        "The same attempt in two runs",
        {
            "role": TEXT,
            "step_id": null_or(TEXT),
            "sub_task_id": null_or(TEXT),
            "step_attempt": null_or(COUNT),
            "attempt": COUNT,
            "a": null_or(ref("work")),
            "b": null_or(ref("work")),
        },
    ),
    "work": build_object(
        "One attempt of a run",
        {
            "calls": list_of(null_or(TEXT)),
            "outcome": ref("outcome"),
            "input_tokens": COUNT,
            "output_tokens": COUNT,
            "cost": ref("cost"),
            "latency_ms": NUMBER,
        },
    ),
    "error": build_object("A failure", {"type": TEXT, "message": TEXT}),
    "file": build_object("A file of the store", {"path": TEXT, "mode": TEXT}),
}

STORED_RESULT: Schema = {
    "description": "As the workflow gave it, partial while it runs; text where it is damaged.",
    "anyOf": [ref("TaskResult"), {"type": "object"}, TEXT],
}

WORK: Schema = {
    "unit": null_or(TEXT),
    "attempt": null_or(COUNT),
    "step_attempt": null_or(COUNT),
}
"""Which attempt is meant; of a task without a plan the unit has an empty name."""

DOCUMENTS: dict[str, Schema] = {
    "failure": build_document("Any command that fails", {"error": ref("error")}),
    "run_outcome": build_document(
        "forge run --json, forge resume --json",
        {
            "workflow_id": TEXT,
            "task_id": TEXT,
            "status": TEXT,
            "branch": null_or(TEXT),
            "result": ref("TaskResult"),
            "interactions": list_of(ref("interaction")),
        },
        optional=("interactions",),
    ),
    "run_submitted": build_document(
        "forge run --no-wait --json",
        {
            "workflow_id": TEXT,
            "task_id": TEXT,
            "status": {"const": "running"},
            "log": null_or(TEXT),
        },
        optional=("log",),
    ),
    "run_cancelled": build_document(
        "forge cancel --json",
        {
            "workflow_id": TEXT,
            "task_id": TEXT,
            "status": {"enum": ["cancelled", "error"]},
            "repo": TEXT,
            "branch": null_or(TEXT),
            "worktree": null_or(TEXT),
        },
    ),
    "run_list": build_document(
        "forge status --json", {"runs": list_of(ref("run")), "pending": COUNT, "lost": COUNT}
    ),
    "run_status": build_document(
        "forge status RUN --json",
        {
            "run": ref("run"),
            "result": STORED_RESULT,
            "interactions": list_of(ref("interaction")),
            "cost": ref("cost"),
        },
    ),
    "run_line": build_document(
        "forge status --jsonl: a run; its result where one run was asked for",
        {"run": ref("run"), "result": STORED_RESULT},
        optional=("result",),
    ),
    "interaction": build_document(
        "forge show ID --json, and each call of forge status RUN --jsonl",
        {
            "interaction": ref("interaction"),
            "outcome": ref("outcome"),
            "previous": null_or(TEXT),
            "next": null_or(TEXT),
            "sections": list_of(ref("section")),
        },
        optional=("outcome", "previous", "next", "sections"),
    ),
    "call_list": build_document("forge calls --json", {"calls": list_of(ref("listed_call"))}),
    "call_line": build_document(
        "forge calls --jsonl: one document for each call", {"interaction": ref("listed_call")}
    ),
    "call_count": build_document(
        "forge calls --count --json", {"calls": COUNT, "runs": COUNT, "unreadable": COUNT}
    ),
    "call_comparison": build_document(
        "forge diff CALL CALL --json, forge diff RUN --json",
        {
            "same": FLAG,
            "a": ref("compared_call"),
            "b": ref("compared_call"),
            "sections": list_of(ref("section_pair")),
            "answers": list_of(ref("answer_pair")),
        },
    ),
    "run_comparison": build_document(
        "forge diff RUN RUN --json",
        {
            "same": FLAG,
            "a": ref("run"),
            "b": ref("run"),
            "settings": list_of(
                build_object("A setting that differs", {"name": TEXT, "a": TEXT, "b": TEXT})
            ),
            "work": list_of(ref("work_pair")),
            "first_difference": null_or(
                build_object(
                    "The first call that differs",
                    {"work": TEXT, "what": TEXT, "a": null_or(TEXT), "b": null_or(TEXT)},
                )
            ),
        },
    ),
    "blamed_file": build_document(
        "forge blame FILE --json",
        {
            "path": TEXT,
            "lines": list_of(
                build_object(
                    "A line",
                    {"number": COUNT, "text": TEXT, "commit": null_or(TEXT), "author": COUNT},
                )
            ),
            "authors": list_of(ref("author")),
        },
    ),
    "blamed_commit": build_document(
        "forge blame --commit SHA --json",
        {"commit": ref("commit"), "merge": FLAG, "authors": list_of(ref("author"))},
    ),
    "analysis": build_document(
        "forge analyze --json",
        {
            "workflow_id": TEXT,
            "status": TEXT,
            "critical_path": build_object(
                "The chain of work that the run's duration consists of",
                {
                    "duration_s": NUMBER,
                    "paused_s": NUMBER,
                    "by_purpose": {"type": "object", "additionalProperties": NUMBER},
                    "segments": list_of(
                        build_object(
                            "A part of it; no unit is the planner, or waiting",
                            {**WORK, "purpose": TEXT, "start_s": NUMBER, "end_s": NUMBER},
                        )
                    ),
                },
            ),
            "context": build_object(
                "Tokens that were shown, estimated",
                {
                    "file_tokens": COUNT,
                    "other_tokens": COUNT,
                    "untouched_tokens": COUNT,
                    "files": list_of(
                        build_object(
                            "A file and what answers made of it",
                            {
                                "path": TEXT,
                                "calls": COUNT,
                                "calls_used": COUNT,
                                "tokens": COUNT,
                                "uses": list_of({"enum": ["changed", "imported", "named"]}),
                                "is_cut": FLAG,
                            },
                        )
                    ),
                },
            ),
            "cache": list_of(
                build_object(
                    "A call beside the earlier one that begins alike for longest",
                    {
                        "entry_id": null_or(TEXT),
                        "earlier_entry_id": null_or(TEXT),
                        "common_tokens": COUNT,
                        "section": null_or(TEXT),
                        "repeated_tokens": COUNT,
                        "reported_tokens": null_or(COUNT),
                    },
                )
            ),
            "waste": list_of(
                build_object(
                    "Calls that were paid for nothing",
                    {
                        "cause": TEXT,
                        "calls": COUNT,
                        "input_tokens": COUNT,
                        "output_tokens": COUNT,
                        "cost": ref("cost"),
                    },
                )
            ),
            "story": list_of(
                build_object(
                    "One attempt; no unit is the planner",
                    {
                        **WORK,
                        "files_shown": COUNT,
                        "tokens_shown": COUNT,
                        "told": list_of(TEXT),
                        "requests": COUNT,
                        "asked": list_of(TEXT),
                        "changes": list_of(
                            build_object(
                                "A file that the answer changed",
                                {
                                    "path": TEXT,
                                    "kind": TEXT,
                                    "old_path": null_or(TEXT),
                                    "lines_added": COUNT,
                                    "lines_removed": COUNT,
                                },
                            )
                        ),
                        "reason": null_or(TEXT),
                        "commit": null_or(TEXT),
                    },
                )
            ),
        },
    ),
    "report": build_document(
        "forge report --json",
        {
            "workflow_id": TEXT,
            "path": TEXT,
            "size_bytes": COUNT,
            "removals": null_or(
                list_of(
                    build_object(
                        "A secret that was replaced",
                        {"pseudonym": TEXT, "kind": TEXT, "places": COUNT},
                    )
                )
            ),
        },
    ),
    "statistics": build_document(
        "forge stats --json",
        {
            "by": TEXT,
            "as_model": null_or(TEXT),
            "calls_damaged": COUNT,
            "total": ref("figures"),
            "groups": list_of(ref("group")),
        },
    ),
    "store_imported": build_document(
        "forge db import --json",
        {
            "runs": COUNT,
            "calls": COUNT,
            "unreadable": COUNT,
            "new_runs": COUNT,
            "new_calls": COUNT,
        },
    ),
    "store_archived": build_document(
        "forge db archive --json, forge db unarchive --json",
        {
            "calls": COUNT,
            "frames": COUNT,
            "text_bytes": COUNT,
            "stored_bytes": COUNT,
            "freed_bytes": COUNT,
            "size_bytes": COUNT,
            "obstacle": null_or(TEXT),
        },
    ),
    "store_path": build_document("forge db path --json", {"path": null_or(TEXT)}),
    "store_check": build_document(
        "forge db check --json",
        {
            "path": TEXT,
            "ok": FLAG,
            "state": TEXT,
            "revision": null_or(TEXT),
            "head": TEXT,
            "damage": list_of(TEXT),
            "files": list_of(ref("file")),
            "size_bytes": COUNT,
            "archived": build_object(
                "What stands in frames",
                dict.fromkeys(("calls", "frames", "text_bytes", "stored_bytes"), COUNT),
            ),
            "pending": COUNT,
            "lost": COUNT,
            "last_lost_at": null_or(MOMENT),
            "spool_error": null_or(TEXT),
            "error": null_or(ref("error")),
        },
    ),
    "store_pruned": build_document(
        "forge db prune --json",
        {
            "before": MOMENT,
            "path": null_or(TEXT),
            "runs": COUNT,
            "interrupted": COUNT,
            "calls": COUNT,
            "state_runs": COUNT,
            "state_bytes": COUNT,
            "deleted": FLAG,
            "freed_bytes": COUNT,
            "size_bytes": null_or(COUNT),
        },
    ),
    "store_backup": build_document("forge db backup --json", {"path": TEXT, "size_bytes": COUNT}),
    "leftovers": build_document(
        "forge clean --json",
        {
            "leftovers": list_of(
                build_object(
                    "What a run left",
                    {
                        "task_id": TEXT,
                        "workflow_id": null_or(TEXT),
                        "status": TEXT,
                        "ended_at": MOMENT,
                        "branch": null_or(TEXT),
                        "head": null_or(TEXT),
                        "unmerged": COUNT,
                        "worktree": null_or(TEXT),
                        "changed": FLAG,
                        "kept": null_or(TEXT),
                        "can_be_forced": FLAG,
                        "removed": FLAG,
                    },
                )
            ),
        },
    ),
    "runs_row": build_document(
        "forge db export --jsonl: a row of the runs",
        {"table": {"const": "runs"}, **build_columns(Run)},
    ),
    "interactions_row": build_document(
        "forge db export --jsonl: a row of the interactions",
        {"table": {"const": "interactions"}, **build_columns(Interaction)},
    ),
    "configuration": build_document(
        "forge config --json",
        {
            "settings": list_of(
                build_object("A value", {"key": TEXT, "value": {}, "source": null_or(TEXT)})
            ),
            "checks": list_of(
                build_object(
                    "A check",
                    {
                        "name": TEXT,
                        "command": TEXT,
                        "files": list_of(TEXT),
                        "fix": null_or(TEXT),
                        "timeout_s": NUMBER,
                        "source": TEXT,
                        "skipped": null_or(TEXT),
                    },
                )
            ),
            "files": list_of(build_object("A configuration file", {"path": TEXT, "exists": FLAG})),
            "secret_variables": list_of(TEXT),
        },
    ),
    "diagnosis": build_document(
        "forge doctor --json",
        {
            "ok": FLAG,
            "checks": list_of(
                build_object(
                    "A look",
                    {
                        "subject": TEXT,
                        "level": {"enum": ["ok", "warn", "fail"]},
                        "ok": FLAG,
                        "detail": TEXT,
                        "remedy": null_or(TEXT),
                    },
                )
            ),
        },
    ),
    "server_status": build_document(
        "forge server status --json, forge server start --json",
        {
            "running": FLAG,
            "address": null_or(TEXT),
            "ui_address": null_or(TEXT),
            "server_pid": null_or(COUNT),
            "supervisor_pid": null_or(COUNT),
            "started_at": null_or(MOMENT),
            "idle_s": null_or(NUMBER),
            "directory": TEXT,
            "state_bytes": COUNT,
            "log_bytes": COUNT,
            "leases": list_of(build_object("A user", {"pid": COUNT, "purpose": TEXT})),
        },
    ),
    "server_stopped": build_document("forge server stop --json", {"stopped": FLAG}),
}
"""Documents by name; their titles are the commands that print them."""


def build_schema() -> Schema:
    """Build the whole schema: any document fits it, and each one's own definition."""
    _, found = models_json_schema(
        [(model, "serialization") for model in (TaskResult, ContextEntry, ContextStats)],
        ref_template="#/$defs/{model}",
    )
    documents = {f"document_{name}": schema for name, schema in DOCUMENTS.items()}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "What forge prints with --json and, line by line, with --jsonl",
        "description": "Keys may be added within a schema_version; none is removed or changed.",
        "anyOf": [ref(name) for name in documents],
        "$defs": {**documents, **PARTS, **found["$defs"]},
    }


def render_page() -> str:
    """Render the file."""
    return json.dumps(build_schema(), indent=1, ensure_ascii=False) + "\n"


def main(arguments: list[str]) -> None:
    """Write the file, or check that it is up to date."""
    page = render_page()
    if "--check" not in arguments:
        PAGE.write_text(page, encoding="utf-8")
    elif not PAGE.exists() or PAGE.read_text(encoding="utf-8") != page:
        raise SystemExit(f"{PAGE} is not up to date: run python docs/generate_json_schema.py")


if __name__ == "__main__":
    main(sys.argv[1:])

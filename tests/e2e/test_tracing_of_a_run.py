"""A run is one trace, its rows name the spans, and nothing leaves that the hook takes out."""

import json
import os
from pathlib import Path
from typing import Any

import pytest
from forge_obs import get_interactions, open_reader
from support.forge import run_forge
from support.repository import make_repository
from support.script import answer, write_script

PLAN = {
    "steps": [
        {"step_id": "one", "description": "x"},
        {
            "step_id": "two",
            "description": "y",
            "sub_tasks": [
                {"sub_task_id": "p", "description": "x", "target_files": ["p.py"]},
                {"sub_task_id": "q", "description": "x", "target_files": ["q.py"]},
            ],
        },
    ]
}


def read_documents(stderr: str) -> list[dict[str, Any]]:
    """Read the JSON objects that the console exporters print one after the other."""
    decoder, documents, rest = json.JSONDecoder(), [], stderr
    while (start := rest.find("{")) >= 0:
        document, end = decoder.raw_decode(rest[start:])
        documents.append(document)
        rest = rest[start + end :]
    return documents


def count_requests(documents: list[dict[str, Any]]) -> int:
    """Return how many requests the metrics tell of."""
    return sum(
        point["count"]
        for document in documents
        for resource in document.get("resource_metrics", ())
        for scope in resource["scope_metrics"]
        for metric in scope["metrics"]
        if metric["name"] == "gen_ai.client.operation.duration"
        for point in metric["data"]["data_points"]
    )


@pytest.mark.usefixtures("shared_server")
def test_run_with_sub_tasks_is_one_trace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORGE_REDACT", "html:escape")
    monkeypatch.setenv("FORGE_OTEL_EXPORTER", "console")
    monkeypatch.setenv("OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT", "SPAN_ONLY")
    repo = make_repository(tmp_path / "repo", {"README.md": "# a repository\n"})
    model = write_script(
        tmp_path / "s.json",
        {"role": "planner", "answer": PLAN},
        {"step_id": "one", "answer": answer("one.py")},
        {"sub_task_id": "p", "answer": answer("p.py")},
        {"sub_task_id": "q", "answer": answer("q.py")},
    )

    outcome = run_forge("run", "x", "--plan", "--repo", str(repo), "--model", model)

    assert outcome.code == 0
    documents = read_documents(outcome.stderr)
    spans = [document for document in documents if "span_id" in document.get("context", {})]
    ours = [span for span in spans if span["name"].startswith("forge.")]
    assert {span["context"]["trace_id"] for span in spans} == {spans[0]["context"]["trace_id"]}
    assert {span["name"] for span in ours} == {
        "forge.assemble_context",
        "forge.call_llm",
        "forge.call_planner",
        "forge.validate_output",
    }
    parents = {span["context"]["span_id"]: span["name"] for span in spans}
    assert all(parents[span["parent_id"]].startswith("RunActivity:") for span in ours)
    check_attributes([span for span in ours if span["name"] == "forge.call_llm"])
    engine = open_reader(os.environ["FORGE_DB_PATH"])
    assert engine is not None
    rows = get_interactions(engine)
    calls = {s["context"]["span_id"] for s in ours if s["name"].startswith("forge.call_")}
    assert {f"0x{row.span_id}" for row in rows} == calls
    assert count_requests(documents) == len(rows) == 4
    said = [json.loads(span["attributes"].get("gen_ai.output.messages", "[]")) for span in ours]
    contents = {message["parts"][0]["content"] for messages in said for message in messages}
    assert contents == {row.response for row in rows}
    assert all("&quot;" in content and '"' not in content for content in contents)
    assert {f"0x{row.trace_id}" for row in rows} == {spans[0]["context"]["trace_id"]}


def check_attributes(calls: list[dict[str, Any]]) -> None:
    assert len(calls) == 3
    for call in calls:
        attributes = call["attributes"]
        assert attributes["gen_ai.operation.name"] == "chat"
        assert attributes["gen_ai.provider.name"] == "scripted"
        assert attributes["gen_ai.usage.input_tokens"] == 0
        assert attributes["forge.origin"] == "scripted"
        assert attributes["gen_ai.conversation.id"] == attributes["forge.workflow_id"]
        assert "gen_ai.output.messages" in attributes

"""What `forge_obs.otel` gives, and what it says where an extra is missing."""

import sys

import forge_obs.otel
import pytest

WITHOUT_SDK = {"LogEvent", "Source", "SpanData", "SpanEvent", "SpanRecorder"}


def test_every_public_name_is_there() -> None:
    for name in forge_obs.otel.__all__:
        assert getattr(forge_obs.otel, name) is not None


def test_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no_such_name"):
        _ = forge_obs.otel.no_such_name  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("name", "package"), [("ForgeSpanProcessor", "sdk"), ("read_traces", "proto")]
)
def test_missing_extra_is_named(name: str, package: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in [m for m in sys.modules if m.startswith(("forge_obs.otel.", "opentelemetry"))]:
        monkeypatch.delitem(sys.modules, module)
    monkeypatch.setitem(sys.modules, "opentelemetry", None)

    with pytest.raises(ImportError, match=f"pip install opentelemetry-{package}"):
        getattr(forge_obs.otel, name)


def test_values_need_no_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in [m for m in sys.modules if m.startswith(("forge_obs.otel.", "opentelemetry"))]:
        monkeypatch.delitem(sys.modules, module)
    monkeypatch.setitem(sys.modules, "opentelemetry", None)

    for name in WITHOUT_SDK:
        assert getattr(forge_obs.otel, name) is not None

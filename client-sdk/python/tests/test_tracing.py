"""Spans, where OpenTelemetry is wanted."""

from __future__ import annotations

from collections.abc import Iterator

import grpc
import pytest
from conftest import NewClient
from opentelemetry import trace
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from scripted import ALLOW, ScriptedServer, always, failing

from assize import AssizeError, AuditEvent

EXPORTER = InMemorySpanExporter()
PROVIDER = TracerProvider()
PROVIDER.add_span_processor(SimpleSpanProcessor(EXPORTER))
trace.set_tracer_provider(PROVIDER)


@pytest.fixture(autouse=True)
def _fresh() -> Iterator[None]:
    EXPORTER.clear()
    yield
    EXPORTER.clear()


def only_span() -> ReadableSpan:
    (span,) = EXPORTER.get_finished_spans()
    return span


def test_no_span_unless_wanted(scripted: ScriptedServer, new_client: NewClient) -> None:
    scripted.on_check(always(ALLOW))
    assert new_client(scripted.target).check("user:a", "doc:1", "read")
    assert EXPORTER.get_finished_spans() == ()
    assert "traceparent" not in scripted.asked[0][2]


def test_a_check_has_a_span_that_the_server_hears_of(scripted: ScriptedServer, new_client: NewClient) -> None:
    scripted.on_check(always(ALLOW))
    assert new_client(scripted.target, tracing=True).check("user:a", "doc:1", "read")
    span = only_span()
    assert span.name == "assize.check"
    assert dict(span.attributes or {}) == {
        "assize.tenant": "acme",
        "assize.action": "read",
        "assize.decision": "ALLOW",
        "assize.reason": "ALLOWED",
        "assize.cached": False,
    }
    assert span.context is not None
    assert f"{span.context.trace_id:032x}-{span.context.span_id:016x}" in str(scripted.asked[0][2]["traceparent"])


def test_a_failure_is_one_in_the_span(scripted: ScriptedServer, new_client: NewClient) -> None:
    scripted.on_check(failing(grpc.StatusCode.INTERNAL))
    new_client(scripted.target, tracing=True).check("user:a", "doc:1", "read")
    span = only_span()
    assert not span.status.is_ok
    assert (span.attributes or {})["assize.failure"] == "INTERNAL"


def test_an_append_has_a_span(scripted: ScriptedServer, new_client: NewClient) -> None:
    scripted.on_append(failing(grpc.StatusCode.ALREADY_EXISTS))
    client = new_client(scripted.target, tracing=True)
    with pytest.raises(AssizeError):
        client.append_audit(AuditEvent(type="doc.read", action="read", resource="doc:1"))
    assert only_span().name == "assize.append_audit"
    assert not only_span().status.is_ok

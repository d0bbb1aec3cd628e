"""Traces of checks and appends, where OpenTelemetry is installed and wanted.

A span carries the tenant, the action and what was answered, and neither subject nor resource, which may be personal.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from assize.answer import CheckResult

if TYPE_CHECKING:
    from opentelemetry.trace import Span

Headers = tuple[tuple[str, str], ...]


class Trace:
    """One operation, traced or not."""

    def __init__(self, span: Span | None = None, headers: Headers = ()) -> None:
        self._span = span
        self.headers = headers
        """W3C `traceparent` and what goes with it, for the calls of this operation."""

    def answered(self, result: CheckResult) -> None:
        """Says how it ended."""
        if self._span is None:
            return
        self._span.set_attribute("assize.decision", result.decision.value)
        self._span.set_attribute("assize.reason", result.reason)
        self._span.set_attribute("assize.cached", result.cached)
        if result.failure is not None:
            self.failed(result.failure.value)

    def failed(self, failure: str) -> None:
        """Says what failed."""
        if self._span is not None:
            from opentelemetry.trace import StatusCode

            self._span.set_attribute("assize.failure", failure)
            self._span.set_status(StatusCode.ERROR, failure)


class Tracing:
    """Begins traces."""

    def __init__(self, enabled: bool) -> None:
        self._tracer = None
        if enabled:
            try:
                from opentelemetry import trace
            except ImportError as missing:
                raise ImportError("tracing needs OpenTelemetry: pip install 'assize[otel]'") from missing
            self._tracer = trace.get_tracer("assize")

    @contextmanager
    def operation(self, name: str, **attributes: str) -> Iterator[Trace]:
        """A span from here to the end, a child of whatever span is current."""
        if self._tracer is None:
            yield Trace()
            return
        from opentelemetry import propagate, trace

        named = {f"assize.{key}": value for key, value in attributes.items() if value}
        span = self._tracer.start_span(name, kind=trace.SpanKind.CLIENT, attributes=named)
        carrier: dict[str, str] = {}
        propagate.inject(carrier, context=trace.set_span_in_context(span))
        try:
            # The span is not made current: this runs in generators, between whose steps others run.
            yield Trace(span, tuple(carrier.items()))
        except Exception as failure:
            span.record_exception(failure)
            raise
        finally:
            span.end()

package dev.assize.server.endpoint.call;

import io.opentelemetry.api.OpenTelemetry;
import io.opentelemetry.api.trace.Span;
import io.opentelemetry.api.trace.SpanContext;
import io.opentelemetry.api.trace.SpanKind;
import io.opentelemetry.api.trace.Tracer;
import io.opentelemetry.api.trace.propagation.W3CTraceContextPropagator;
import io.opentelemetry.context.Context;
import io.opentelemetry.context.propagation.TextMapGetter;
import org.jspecify.annotations.Nullable;

/**
 * The spans of calls, where the server is told to make any: one for each call that was let in, in the trace that the call says
 * it is part of. Whoever has no credential has none made, and so has none exported, whatever its headers say of sampling. They
 * say which RPC it was and how it ended, and nothing of what was asked.
 */
public final class CallSpans {

    private static final CallSpans NONE = new CallSpans(OpenTelemetry.noop(), false);

    private final Tracer tracer;
    private final boolean made;

    private CallSpans(OpenTelemetry telemetry, boolean made) {
        this.tracer = telemetry.getTracer("dev.assize.server");
        this.made = made;
    }

    /** None at all. */
    public static CallSpans none() {
        return NONE;
    }

    public static CallSpans madeBy(OpenTelemetry telemetry) {
        return new CallSpans(telemetry, true);
    }

    public boolean areMade() {
        return made;
    }

    /** Begins the span of a call, in the trace that its headers name as W3C has it. */
    public <H> Span begin(String name, H headers, TextMapGetter<H> getter) {
        Context parent = W3CTraceContextPropagator.getInstance().extract(Context.root(), headers, getter);
        return tracer.spanBuilder(name)
                .setParent(parent)
                .setSpanKind(SpanKind.SERVER)
                .startSpan();
    }

    /** A span as `traceparent`; null where nobody will see it. */
    static @Nullable String traceContext(Span begun) {
        SpanContext span = begun.getSpanContext();
        return span.isSampled()
                ? "00-" + span.getTraceId() + "-" + span.getSpanId() + "-"
                        + span.getTraceFlags().asHex()
                : null;
    }
}

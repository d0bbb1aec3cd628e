import { type Context, SpanKind, SpanStatusCode, type TracerProvider, context, propagation, trace } from "@opentelemetry/api";
import type { Tracing } from "./tracing.js";

const TRACE_HEADERS: ReadonlySet<string> = new Set(["traceparent", "tracestate"]);

/** Spans by the OpenTelemetry API, as children of the active one, and `traceparent` on every call. */
export function openTelemetry(provider: TracerProvider = trace.getTracerProvider()): Tracing {
  const tracer = provider.getTracer("@assize/client", "0.1.0");
  return {
    start(name, attributes) {
      const span = tracer.startSpan(name, { kind: SpanKind.CLIENT, attributes });
      return {
        headers: traceContext(trace.setSpan(context.active(), span)),
        end(more, failure) {
          span.setAttributes(more);
          if (failure !== undefined) {
            span.setStatus({ code: SpanStatusCode.ERROR, message: failure.message });
          }
          span.end();
        },
      };
    },
  };
}

/** The trace and nothing else: what other baggage a request has is not the server's business. */
function traceContext(of: Context): Record<string, string> {
  const carrier: Record<string, string> = {};
  propagation.inject(of, carrier);
  return Object.fromEntries(Object.entries(carrier).filter(([name]) => TRACE_HEADERS.has(name)));
}

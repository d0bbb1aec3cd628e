import type { Headers } from "./transport.js";

/** What a span says; never who asked about whom. */
export type SpanAttributes = Readonly<Record<string, string | number | boolean>>;

/** One call in a trace. */
export interface Span {
  /** What goes along with the call, so that the server's part joins the trace. */
  readonly headers: Headers;
  /** Ends the span. */
  end(attributes: SpanAttributes, failure?: Error): void;
}

/** Where spans are made. `openTelemetry()` of `@assize/client/opentelemetry` is one. */
export interface Tracing {
  start(name: string, attributes: SpanAttributes): Span;
}

const NO_SPAN: Span = Object.freeze({ headers: Object.freeze({}), end: () => undefined });

/** No traces. */
export const NO_TRACING: Tracing = Object.freeze({ start: () => NO_SPAN });

import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { ROOT_CONTEXT, SpanStatusCode, context, propagation, trace } from "@opentelemetry/api";
import { AsyncLocalStorageContextManager } from "@opentelemetry/context-async-hooks";
import { BasicTracerProvider, InMemorySpanExporter, SimpleSpanProcessor } from "@opentelemetry/sdk-trace-base";
import { status } from "@grpc/grpc-js";
import { openTelemetry } from "@assize/client/opentelemetry";
import { REQUEST, ScriptedServer, allow, appended } from "./scripted.js";

const exporter = new InMemorySpanExporter();
const provider = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] });
context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
propagation.setGlobalPropagator({
  inject(of, carrier, setter) {
    const span = trace.getSpanContext(of);
    setter.set(carrier, "traceparent", `00-${span?.traceId ?? ""}-${span?.spanId ?? ""}-01`);
    setter.set(carrier, "baggage", "password=secret");
  },
  extract: (of) => of,
  fields: () => ["traceparent", "baggage"],
});

suite("a trace", { concurrency: false }, () => {
  test("goesWithTheCallAndTakesNothingElseAlong", async () => {
    exporter.reset();
    await using server = await ScriptedServer.start();
    let heard: string[] = [];
    let baggage = 0;
    server.check = (_request, metadata) => {
      heard = metadata.get("traceparent").map(String);
      baggage = metadata.get("baggage").length;
      return allow();
    };
    const client = server.client({ tracing: openTelemetry(provider) });
    const parent = provider.getTracer("test").startSpan("request");
    await context.with(trace.setSpan(ROOT_CONTEXT, parent), () => client.check(REQUEST));
    const [span] = exporter.getFinishedSpans();
    assert.equal(span?.name, "assize.check");
    assert.equal(span.parentSpanContext?.spanId, parent.spanContext().spanId);
    assert.deepEqual(heard, [`00-${span.spanContext().traceId}-${span.spanContext().spanId}-01`]);
    assert.equal(baggage, 0);
    assert.equal(span.attributes["assize.allowed"], true);
    assert.equal(span.attributes["assize.reason"], "ALLOWED");
    assert.ok(!JSON.stringify(span.attributes).includes("alice"));
  });

  test("saysWhatFailed", async () => {
    exporter.reset();
    await using server = await ScriptedServer.start();
    server.check = () => ({ code: status.INTERNAL, details: "no" });
    server.append = (request) => appended(request);
    const client = server.client({ tracing: openTelemetry(provider) });
    await client.check(REQUEST);
    await client.appendAudit({ type: "order.paid", action: "pay", resource: "order:1", outcome: "SUCCESS" });
    const [check, append] = exporter.getFinishedSpans();
    assert.equal(check?.status.code, SpanStatusCode.ERROR);
    assert.equal(check.attributes["assize.failure"], "INTERNAL");
    assert.equal(append?.name, "assize.append_audit");
    assert.equal(append.status.code, SpanStatusCode.UNSET);
  });
});

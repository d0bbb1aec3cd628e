import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { type MessageInitShape, create, toBinary } from "@bufbuild/protobuf";
import { DurationSchema, anyPack } from "@bufbuild/protobuf/wkt";
import { Metadata, type ServiceError, status } from "@grpc/grpc-js";
import { AssizeError, type AuditEvent } from "@assize/client";
import { Acknowledgement, AppendAuditResponseSchema } from "#internal/gen/assize/v1/ledger_service_pb.js";
import { BadRequestSchema, ErrorInfoSchema, RetryInfoSchema } from "#internal/gen/google/rpc/error_details_pb.js";
import { StatusSchema } from "#internal/gen/google/rpc/status_pb.js";
import { ScriptedServer, appended } from "./scripted.js";

const EVENT: AuditEvent = { type: "order.paid", action: "pay", resource: "order:922", outcome: "SUCCESS" };

function refused(code: status, reason: string, delayMillis?: number): Partial<ServiceError> {
  const details = [
    anyPack(ErrorInfoSchema, create(ErrorInfoSchema, { reason, domain: "assize.dev" })),
    anyPack(BadRequestSchema, create(BadRequestSchema, { fieldViolations: [{ field: "events[0]", description: "no" }] })),
  ];
  if (delayMillis !== undefined) {
    const retryDelay = create(DurationSchema, { nanos: delayMillis * 1e6 });
    details.push(anyPack(RetryInfoSchema, create(RetryInfoSchema, { retryDelay })));
  }
  const metadata = new Metadata();
  const bytes = toBinary(StatusSchema, create(StatusSchema, { code, message: reason, details }));
  metadata.set("grpc-status-details-bin", Buffer.from(bytes));
  return { code, details: reason, metadata };
}

suite("an append", () => {
  test("isNotTriedAgainWhereItIsRefused", async () => {
    await using server = await ScriptedServer.start();
    server.append = () => refused(status.ALREADY_EXISTS, "IDEMPOTENCY_KEY_REUSED");
    await assert.rejects(server.client().appendAudit(EVENT), (thrown) => {
      assert.ok(thrown instanceof AssizeError);
      assert.equal(thrown.code, "ALREADY_EXISTS");
      assert.equal(thrown.reason, "IDEMPOTENCY_KEY_REUSED");
      assert.deepEqual(thrown.fieldViolations, [{ field: "events[0]", description: "no" }]);
      assert.equal(thrown.idempotencyKey, server.appends[0]?.idempotencyKey);
      return true;
    });
    assert.equal(server.appends.length, 1);
  });

  test("isNotTriedAgainWhereTheServerIsFullAndSaysNotWhenToComeBack", async () => {
    await using server = await ScriptedServer.start();
    server.append = () => refused(status.RESOURCE_EXHAUSTED, "LEDGER_BUSY");
    await assert.rejects(server.client().appendAudit(EVENT), { code: "RESOURCE_EXHAUSTED" });
    assert.equal(server.appends.length, 1);
  });

  const answering = (answer: MessageInitShape<typeof AppendAuditResponseSchema>) => () =>
    toBinary(AppendAuditResponseSchema, create(AppendAuditResponseSchema, answer));

  const acknowledgement = Acknowledgement.SPOOLED;
  const spooled = { spoolId: "s1", number: 4n };

  test("isNoneWhereItIsSpooledAndWasToBeInTheLedger", async () => {
    await using server = await ScriptedServer.start();
    server.append = answering({ acknowledgement, spooled });
    await assert.rejects(server.client().appendAudit(EVENT), { code: "MALFORMED_ANSWER" });
    assert.equal(server.appends[0]?.acknowledgement, Acknowledgement.UNSPECIFIED);
    const elsewhere = { acknowledgement: "elsewhere" as "SPOOLED" };
    await assert.rejects(server.client().appendAudit(EVENT, elsewhere), { code: "INVALID_ARGUMENT" });
  });

  for (const [title, answer] of [
    ["nowhere", { acknowledgement }],
    ["withoutANumber", { acknowledgement, spooled: { spoolId: "s1" } }],
    ["withoutASpool", { acknowledgement, spooled: { number: 4n } }],
    ["withEntries", { acknowledgement, spooled, entries: [{ seq: 1n }] }],
    ["inTheLedger", { acknowledgement: Acknowledgement.IN_LEDGER, spooled }],
  ] as [string, MessageInitShape<typeof AppendAuditResponseSchema>][]) {
    test(`isNoneWhereItIsSpooled ${title}`, async () => {
      await using server = await ScriptedServer.start();
      server.append = answering(answer);
      const appending = server.client().appendAudit(EVENT, { acknowledgement: "SPOOLED" });
      await assert.rejects(appending, { code: "MALFORMED_ANSWER" });
    });
  }

  test("saysWhichItWasToWhoIsContentWithASpool", async () => {
    await using server = await ScriptedServer.start();
    server.append = answering({ acknowledgement, spooled });
    const receipt = await server.client().appendAudit(EVENT, { acknowledgement: "SPOOLED" });
    assert.equal(receipt.acknowledgement, "SPOOLED");
    assert.deepEqual(receipt.spooled, spooled);
    assert.deepEqual(receipt.entries, []);
    assert.equal(server.appends[0]?.acknowledgement, Acknowledgement.SPOOLED);
    server.append = appended;
    assert.equal((await server.client().appendAudit(EVENT, { acknowledgement: "SPOOLED" })).acknowledgement, "IN_LEDGER");
  });

  test("keepsItsKeyWhileNobodyKnowsWhatBecameOfIt", async () => {
    await using server = await ScriptedServer.start();
    const fates = [status.UNAVAILABLE, status.UNKNOWN, status.INTERNAL, status.ABORTED, status.DEADLINE_EXCEEDED];
    server.append = (request, _metadata, calls) => {
      const fate = fates[calls - 1];
      return fate === undefined ? appended(request) : { code: fate };
    };
    const receipt = await server.client({ callTimeoutMillis: 60_000 }).appendAudit(EVENT);
    assert.equal(server.appends.length, 6);
    assert.equal(new Set(server.appends.map(({ idempotencyKey }) => idempotencyKey)).size, 1);
    assert.equal(receipt.idempotencyKey, server.appends[0]?.idempotencyKey);
    assert.ok(receipt.idempotencyKey.length > 30);
  });

  test("comesBackWhenTheServerSays", async () => {
    await using server = await ScriptedServer.start();
    server.append = (request, _metadata, calls) =>
      calls === 1 ? refused(status.RESOURCE_EXHAUSTED, "LEDGER_BUSY", 5) : appended(request);
    await server.client().appendAudit(EVENT);
    assert.equal(server.appends.length, 2);
  });

  test("leavesASilentServerTimeForAnotherTry", async () => {
    await using server = await ScriptedServer.start();
    server.append = () => undefined;
    await assert.rejects(server.client().appendAudit(EVENT, { timeoutMillis: 300 }), { code: "DEADLINE_EXCEEDED" });
    assert.ok(server.appends.length > 1);
  });

  test("endsWhenItsCallerLeaves", async () => {
    await using server = await ScriptedServer.start();
    const left = new AbortController();
    server.append = () => {
      left.abort();
      return undefined;
    };
    await assert.rejects(server.client().appendAudit(EVENT, { signal: left.signal }), { code: "CANCELLED" });
    assert.equal(server.appends.length, 1);
  });

  test("isNotBelievedWithoutAReceipt", async () => {
    await using server = await ScriptedServer.start();
    const client = server.client();
    server.append = () => new Uint8Array();
    await assert.rejects(client.appendAudit(EVENT), { code: "MALFORMED_ANSWER" });
    server.append = () => Buffer.from("no message");
    // It is tried again to the end: the last try may have the answer, or no time for one.
    await assert.rejects(client.appendAudit(EVENT, { timeoutMillis: 200 }), { code: /^(INTERNAL|DEADLINE_EXCEEDED)$/ });
  });

  test("refusesWhatIsNoEvent", async () => {
    await using server = await ScriptedServer.start();
    const circular: Record<string, unknown> = {};
    circular["self"] = circular;
    for (const fields of [{ outcome: "DONE" }, { payload: circular }, { payload: { n: 1n } }, { reason: "\ud800" }]) {
      await assert.rejects(server.client().appendAudit({ ...EVENT, ...fields } as AuditEvent), { code: "INVALID_ARGUMENT" });
    }
    assert.equal(server.appends.length, 0);
  });

  test("saysWhatWasDone", async () => {
    await using server = await ScriptedServer.start();
    server.append = (request) => appended(request);
    const occurredAt = new Date("2026-03-01T12:00:00.500Z");
    const receipt = await server.client({ env: "production" }).appendAudit(
      [{ ...EVENT, occurredAt, payload: { frames: 3 }, erasable: ["payload"] }, { ...EVENT, env: "staging", payload: "[1]" }],
      { idempotencyKey: "order-7", tenant: "partner" },
    );
    assert.deepEqual(receipt.entries.map(({ seq }) => seq), [0n, 1n]);
    const [request] = server.appends;
    assert.equal(request?.tenant, "partner");
    assert.equal(request.idempotencyKey, "order-7");
    const [first, second] = request.events;
    assert.equal(first?.env, "production");
    assert.equal(first.payload, '{"frames":3}');
    assert.equal(first.occurredAt?.nanos, 500_000_000);
    assert.equal(second?.env, "staging");
    assert.equal(second.payload, "[1]");
  });
});

import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { create, toBinary } from "@bufbuild/protobuf";
import { type ServiceError, status } from "@grpc/grpc-js";
import { Deadline } from "#internal/deadline.js";
import {
  CheckBatchResponseSchema,
  type CheckRequest,
  Decision,
  Reason,
} from "#internal/gen/assize/v1/decision_service_pb.js";
import { REQUEST, ScriptedServer, allow, eventually } from "./scripted.js";

/** Allows what is read; an item with action `malformed` fails alone. */
function batchOf(items: readonly CheckRequest[]): Uint8Array {
  const results = items.map(({ action }) =>
    action === "malformed"
      ? { result: { case: "error" as const, value: { code: status.INVALID_ARGUMENT, message: "action" } } }
      : { result: { case: "response" as const, value: { decision: decide(action), reason: Reason.ALLOWED } } },
  );
  return toBinary(CheckBatchResponseSchema, create(CheckBatchResponseSchema, { results }));
}

function decide(action: string): Decision {
  return action === "read" ? Decision.ALLOW : Decision.DENY;
}

/** A server whose first two checks wait until they are let go. */
async function held(): Promise<{ server: ScriptedServer; letGo: () => void }> {
  const server = await ScriptedServer.start();
  const calls: { answer: (bytes: Uint8Array) => void }[] = [];
  server.onCheck = (answer) => {
    if (server.checks.length > 2) {
      answer(allow());
    } else {
      calls.push({ answer });
    }
  };
  const letGo = (): void => {
    calls.forEach(({ answer }) => {
      answer(allow());
    });
  };
  server.checkBatch = batchOf;
  return { server, letGo };
}

suite("checks that come while another is under way", () => {
  test("travelTogether", async () => {
    const { server, letGo } = await held();
    await using _server = server;
    const client = server.client({ batching: true });
    const first = Promise.all([client.check(REQUEST), client.check(REQUEST)]);
    await eventually(() => server.checks.length === 2);
    const others = ["read", "write", "malformed"].map((action) => client.check({ ...REQUEST, action }));
    letGo();
    assert.ok((await first).every(({ allowed }) => allowed));
    const [read, write, malformed] = await Promise.allSettled(others);
    assert.ok(read?.status === "fulfilled" && read.value.allowed);
    assert.ok(write?.status === "fulfilled" && !write.value.allowed);
    assert.ok(malformed?.status === "rejected");
    assert.deepEqual(server.batches.map(({ length }) => length), [3]);
    assert.equal(server.checks.length, 2);
  });

  for (const code of [status.INVALID_ARGUMENT, status.PERMISSION_DENIED, status.UNIMPLEMENTED]) {
    test(`areAskedAloneWhereTheBatchIs${status[code]}`, async () => {
      const { server, letGo } = await held();
      await using _server = server;
      server.checkBatch = (): Partial<ServiceError> => ({ code });
      const client = server.client({ batching: true });
      const first = Promise.all([client.check(REQUEST), client.check(REQUEST)]);
      await eventually(() => server.checks.length === 2);
      const others = [client.check(REQUEST), client.check(REQUEST)];
      letGo();
      await first;
      for (const result of await Promise.all(others)) {
        assert.equal(result.allowed, true);
      }
      assert.equal(server.checks.length, 4);
    });
  }

  test("failTogetherWhereThereIsNoAnswer", async () => {
    const { server, letGo } = await held();
    await using _server = server;
    server.checkBatch = (items) => batchOf(items.slice(1));
    const client = server.client({ batching: true });
    const first = Promise.all([client.check(REQUEST), client.check(REQUEST)]);
    await eventually(() => server.checks.length === 2);
    const others = [client.check(REQUEST), client.check(REQUEST)];
    letGo();
    await first;
    for (const result of await Promise.all(others)) {
      assert.equal(result.failure, "MALFORMED_ANSWER");
    }
  });

  test("keepTheirOwnDeadlinesAndCancellations", async () => {
    const { server, letGo } = await held();
    await using _server = server;
    const client = server.client({ batching: true });
    const first = Promise.all([client.check(REQUEST), client.check(REQUEST)]);
    await eventually(() => server.checks.length === 2);
    const whileHeld = server.onCheck;
    server.onCheck = () => undefined; // also whoever goes by itself has no answer in time
    const left = new AbortController();
    const short = client.check(REQUEST, { timeoutMillis: 20 });
    const leaving = client.check(REQUEST, { signal: left.signal });
    const stays = client.check(REQUEST);
    left.abort();
    assert.equal((await short).failure, "DEADLINE_EXCEEDED");
    assert.equal((await leaving).failure, "CANCELLED");
    server.onCheck = whileHeld;
    letGo();
    assert.ok((await first).every(({ allowed }) => allowed));
    assert.equal((await stays).allowed, true);
    assert.equal(server.batches.length, 0);
    assert.ok(server.checks.length <= 4);
  });

  test("areNotAskedWhereTheCallerHasLeftAlready", async () => {
    await using server = await ScriptedServer.start();
    const client = server.client({ batching: true });
    const rejections: unknown[] = [];
    const hear = (why: unknown): void => void rejections.push(why);
    process.on("unhandledRejection", hear);
    try {
      assert.equal((await client.check(REQUEST, { signal: AbortSignal.abort() })).failure, "CANCELLED");
      await assert.rejects(
        Deadline.after(1_000, AbortSignal.abort()).cut(Promise.reject(new Error("later"))),
        /the caller has left/,
      );
      assert.equal((await client.check(REQUEST)).allowed, true);
    } finally {
      process.removeListener("unhandledRejection", hear);
    }
    assert.deepEqual(rejections, []);
    assert.equal(server.checks.length, 1);
  });

  test("failNobodyWhereACallHangs", async () => {
    const { server, letGo } = await held();
    await using _server = server;
    const client = server.client({ batching: true });
    const hang = Promise.all([client.check(REQUEST), client.check(REQUEST)]);
    await eventually(() => server.checks.length === 2);
    const others = [1, 2, 3].map(() => client.check(REQUEST, { timeoutMillis: 4_000 }));
    for (const { failure } of await Promise.all(others)) {
      assert.equal(failure, "");
    }
    assert.equal(server.checks.length, 5);
    assert.equal(server.batches.length, 0);
    letGo();
    await hang;
  });

  test("areNoMoreInABatchThanTheServerReads", async () => {
    const { server, letGo } = await held();
    await using _server = server;
    const client = server.client({ batching: true });
    const first = Promise.all([client.check(REQUEST), client.check(REQUEST)]);
    await eventually(() => server.checks.length === 2);
    const context = { text: "x".repeat(60_000) };
    const others = Array.from({ length: 150 }, () => client.check({ ...REQUEST, context }));
    letGo();
    await first;
    for (const { failure } of await Promise.all(others)) {
      assert.equal(failure, "");
    }
    assert.deepEqual(server.batches.map(({ length }) => length).sort(), [12, 69, 69]);
  });

  test("endWithTheLastWhoWaits", async () => {
    const { server, letGo } = await held();
    await using _server = server;
    let ended = 0;
    server.onBatch = (call) => call.once("cancelled", () => ended++);
    server.checkBatch = () => undefined;
    const client = server.client({ batching: true });
    const first = Promise.all([client.check(REQUEST), client.check(REQUEST)]);
    await eventually(() => server.checks.length === 2);
    const [one, other] = [new AbortController(), new AbortController()];
    const leaving = [one, other].map(({ signal }) => client.check(REQUEST, { signal }));
    letGo();
    await first;
    await eventually(() => server.batches.length === 1);
    one.abort();
    assert.equal((await leaving[0])?.failure, "CANCELLED");
    assert.equal(ended, 0);
    other.abort();
    assert.equal((await leaving[1])?.failure, "CANCELLED");
    await eventually(() => ended === 1);
  });

  test("doNotWaitForThoseOfAnotherTenant", async () => {
    const { server, letGo } = await held();
    await using _server = server;
    const client = server.client({ batching: true });
    const first = Promise.all([client.check(REQUEST), client.check(REQUEST)]);
    await eventually(() => server.checks.length === 2);
    assert.equal((await client.check({ ...REQUEST, tenant: "partner" })).allowed, true);
    assert.equal((await client.check({ ...REQUEST, minRevision: 3n })).allowed, true);
    letGo();
    await first;
    assert.equal(server.batches.length, 0);
  });

  test("areAThousandInABatch", async () => {
    const { server, letGo } = await held();
    await using _server = server;
    const client = server.client({ batching: true });
    const first = Promise.all([client.check(REQUEST), client.check(REQUEST)]);
    await eventually(() => server.checks.length === 2);
    const others = Array.from({ length: 1_001 }, () => client.check(REQUEST));
    letGo();
    await first;
    await Promise.all(others);
    assert.deepEqual(server.batches.map(({ length }) => length), [1_000]);
    assert.equal(server.checks.length, 3);
  });
});

test("aLoneCheckGoesAtOnce", async () => {
  await using server = await ScriptedServer.start();
  const client = server.client({ batching: true });
  assert.equal((await client.check(REQUEST)).allowed, true);
  assert.equal((await client.check(REQUEST)).allowed, true);
  assert.equal(server.batches.length, 0);
});

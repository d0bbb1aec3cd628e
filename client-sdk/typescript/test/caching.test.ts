import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { type ServerWritableStream, status } from "@grpc/grpc-js";
import type { AssizeClient } from "@assize/client";
import { type Clock, DecisionCache } from "#internal/cache.js";
import { failed } from "#internal/result.js";
import { AssizeError } from "#internal/errors.js";
import { type Answer, REQUEST, ScriptedServer, allow, answer, deny, eventually, tell, tellState } from "./scripted.js";

type Stream = ServerWritableStream<Uint8Array, Uint8Array>;

const HOUR = 3_600_000;

function valid(fields: Answer = {}): Answer {
  return { revision: 5n, platformRevision: 1n, validUntil: timestampFromMs(Date.now() + HOUR), ...fields };
}

/** A server at revision 5 whose client listens already. */
async function listening(): Promise<{ server: ScriptedServer; client: AssizeClient; stream: Stream }> {
  const server = await ScriptedServer.start();
  server.check = () => allow(valid());
  server.onWatch = (stream) => {
    tellState(stream, 5n);
  };
  const client = server.client({ cache: true });
  await eventually(async () => (await client.check(REQUEST)).cached);
  const stream = server.watches[0]?.stream;
  assert.ok(stream !== undefined);
  return { server, client, stream };
}

suite("an answer is not kept", () => {
  const unkept: [string, Answer | undefined][] = [
    ["ofAnotherRevision", valid({ revision: 4n })],
    ["ofAnotherRevisionOfThePlatform", valid({ platformRevision: 2n })],
    ["withoutATimeUntilWhichItHolds", { revision: 5n, platformRevision: 1n }],
    ["thatHoldsNoLonger", valid({ validUntil: timestampFromMs(Date.now() - 1) })],
    ["aboutThePast", valid({ historical: true })],
    ["thatIsUsedUp", valid({ obligations: [{ type: "assize/use-approval" }] })],
    ["thatRestsOnASingleUseApproval", valid({ approvalId: "a-1" })],
    ["thatIsNoDecision", undefined],
  ];
  for (const [what, fields] of unkept) {
    test(what, async () => {
      const { server, client } = await listening();
      await using _server = server;
      server.check = () => (fields === undefined ? answer(valid()) : allow(fields));
      const request = { ...REQUEST, action: "write" };
      const before = server.checks.length;
      assert.equal((await client.check(request)).cached, false);
      assert.equal((await client.check(request)).cached, false);
      assert.equal(server.checks.length, before + 2);
    });
  }

  const asked = { minRevision: 1n, explain: true, atRevision: 1n, asOf: new Date(0) };
  for (const [name, value] of Object.entries(asked)) {
    test(`whereTheRequestHas_${name}`, async () => {
      const { server, client } = await listening();
      await using _server = server;
      const request = { ...REQUEST, [name]: value };
      await client.check(request);
      assert.equal((await client.check(request)).cached, false);
    });
  }

  test("unlessItIsAskedFor", async () => {
    await using server = await ScriptedServer.start();
    server.check = () => allow(valid());
    const client = server.client();
    await client.check(REQUEST);
    await client.check(REQUEST);
    assert.equal(server.checks.length, 2);
    assert.equal(server.watches.length, 0);
  });

  test("beforeTheStreamHasSaidAnything", async () => {
    await using server = await ScriptedServer.start();
    server.check = () => allow(valid());
    const client = server.client({ cache: true });
    await client.check(REQUEST);
    await eventually(() => server.watches.length === 1);
    assert.equal((await client.check(REQUEST)).cached, false);
  });

  test("thatWasAskedBeforePolicyChanged", async () => {
    const { server, client, stream } = await listening();
    await using _server = server;
    const request = { ...REQUEST, action: "write" };
    server.check = () => {
      tellState(stream, 6n);
      tellState(stream, 5n);
      return allow(valid());
    };
    await client.check(request);
    server.check = () => deny(valid());
    assert.equal((await client.check(request)).allowed, false);
  });
});

suite("what was kept is forgotten", () => {
  test("whenPolicyChanges", async () => {
    const { server, client, stream } = await listening();
    await using _server = server;
    server.check = () => deny(valid({ revision: 6n }));
    tellState(stream, 6n);
    await eventually(async () => !(await client.check(REQUEST)).allowed);
    await eventually(async () => (await client.check(REQUEST)).cached);
  });

  test("whenTheStreamEnds", async () => {
    const { server, client, stream } = await listening();
    await using _server = server;
    server.onWatch = () => undefined;
    stream.end();
    await eventually(async () => !(await client.check(REQUEST)).cached);
  });

  test("whenTheStreamFails", async () => {
    const { server, client, stream } = await listening();
    await using _server = server;
    server.onWatch = () => undefined;
    stream.destroy(Object.assign(new Error("gone"), { code: status.PERMISSION_DENIED }));
    await eventually(async () => !(await client.check(REQUEST)).cached);
  });

  test("whenTheStreamSaysSomethingOfALaterVersion", async () => {
    const { server, client, stream } = await listening();
    await using _server = server;
    server.onWatch = () => undefined;
    stream.write(new Uint8Array());
    await eventually(async () => !(await client.check(REQUEST)).cached);
  });

  test("whenTheServerDies", async () => {
    const { server, client } = await listening();
    server.kill();
    await eventually(async () => (await client.check(REQUEST)).failure === "UNAVAILABLE");
    client.close();
  });
});

suite("an answer is kept", () => {
  test("overConfirmations", async () => {
    const { server, client, stream } = await listening();
    await using _server = server;
    tell(stream, { case: "confirmedAt", value: timestampFromMs(Date.now() + 1_000) });
    const result = await client.check(REQUEST);
    assert.equal(result.cached, true);
    assert.equal(result.allowed, true);
  });

  test("forItsWholeRequest", async () => {
    const { server, client } = await listening();
    await using _server = server;
    const others = [
      { context: { amount: 5 } },
      { context: { amount: 5n, b: "x" } },
      { subjectAttributes: { amount: 5 } },
      { env: "production" },
      { activeRoles: ["a"] },
      { onBehalfOf: "user:bob" },
      { runId: "r" },
    ];
    for (const other of others) {
      assert.equal((await client.check({ ...REQUEST, ...other })).cached, false);
      assert.equal((await client.check({ ...REQUEST, ...other })).cached, true);
    }
    assert.equal((await client.check({ ...REQUEST, context: { b: "x", amount: 5 } })).cached, true);
  });

  test("againAfterTheStreamIsBack", async () => {
    const { server, client, stream } = await listening();
    await using _server = server;
    stream.end();
    await eventually(() => server.watches.length === 2);
    assert.equal(server.watches[1]?.request.knownRevision, 5n);
    await eventually(async () => (await client.check(REQUEST)).cached);
  });

  test("alsoWhereTheStreamOnlyConfirmsWhatWasKnown", async () => {
    const { server, client, stream } = await listening();
    await using _server = server;
    server.onWatch = (next) => {
      tell(next, { case: "confirmedAt", value: timestampFromMs(Date.now()) });
    };
    stream.end();
    await eventually(() => server.watches.length === 2);
    await eventually(async () => (await client.check(REQUEST)).cached);
  });
});

suite("by the clock", () => {
  /** A cache over a stream that the test holds, at a time that the test sets. */
  function cacheAt(clock: Clock, maxEntries = 10) {
    const listeners = new Map<string, (value: unknown) => void>();
    const stream = {
      on: (event: string, listener: (value: unknown) => void) => listeners.set(event, listener),
      cancel: () => undefined,
    };
    const cache = new DecisionCache(maxEntries, () => stream as never, clock);
    const writer = { write: (bytes: Uint8Array) => listeners.get("data")?.(bytes) } as unknown as Stream;
    return { cache, writer };
  }

  function result(validUntil: Date) {
    const nothing = failed(new AssizeError("UNKNOWN", ""));
    return { ...nothing, allowed: true, decision: "ALLOW" as const, revision: 5n, platformRevision: 1n, validUntil };
  }

  const request = Buffer.from("request");

  function placed(cache: DecisionCache, bytes = request) {
    const place = cache.place("acme", bytes);
    assert.ok(place !== undefined);
    return place;
  }

  test("nothingIsKnownTenSecondsAfterTheLastConfirmation", () => {
    let steady = 0;
    const { cache, writer } = cacheAt({ steady: () => steady, now: () => 1_000 });
    placed(cache);
    tellState(writer, 5n, 1_000);
    cache.keep(placed(cache), result(new Date(HOUR)));
    steady = 10_000;
    assert.equal(cache.find(placed(cache))?.cached, true);
    steady = 10_001;
    assert.equal(cache.find(placed(cache)), undefined);
    cache.close();
  });

  test("aConfirmationOfTheSameMomentIsNone", () => {
    let steady = 0;
    const { cache, writer } = cacheAt({ steady: () => steady, now: () => 1_000 });
    placed(cache);
    tellState(writer, 5n, 1_000);
    cache.keep(placed(cache), result(new Date(HOUR)));
    steady = 8_000;
    tell(writer, { case: "confirmedAt", value: timestampFromMs(1_000) });
    steady = 11_000;
    assert.equal(cache.find(placed(cache)), undefined);
    cache.close();
  });

  test("anAnswerEndsByTheServersClockWhereThisMachineIsBehind", () => {
    let steady = 0;
    const { cache, writer } = cacheAt({ steady: () => steady, now: () => 0 });
    placed(cache);
    tellState(writer, 5n, HOUR);
    cache.keep(placed(cache), result(new Date(HOUR + 2_000)));
    steady = 1_999;
    assert.equal(cache.find(placed(cache))?.cached, true);
    steady = 2_000;
    assert.equal(cache.find(placed(cache)), undefined);
    cache.close();
  });

  test("theLeastRecentlyUsedGoesFirst", () => {
    const { cache, writer } = cacheAt({ steady: () => 0, now: () => 0 }, 2);
    placed(cache);
    tellState(writer, 5n, 1_000);
    const [a, b, c] = ["a", "b", "c"].map((name) => placed(cache, Buffer.from(name)));
    assert.ok(a !== undefined && b !== undefined && c !== undefined);
    cache.keep(a, result(new Date(HOUR)));
    cache.keep(b, result(new Date(HOUR)));
    assert.ok(cache.find(a) !== undefined);
    cache.keep(c, result(new Date(HOUR)));
    assert.equal(cache.find(b), undefined);
    assert.ok(cache.find(a) !== undefined && cache.find(c) !== undefined);
    cache.close();
  });

  test("noMoreThanSixteenTenantsAreListenedTo", () => {
    const { cache } = cacheAt({ steady: () => 0, now: () => 0 });
    for (let i = 0; i < 16; i++) {
      assert.ok(cache.place(`t${String(i)}`, request) !== undefined);
    }
    assert.equal(cache.place("t16", request), undefined);
    assert.ok(cache.place("t0", request) !== undefined);
    cache.close();
  });
});

import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { type MessageInitShape, create, toBinary } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { Metadata, status } from "@grpc/grpc-js";
import { AssizeClient, AssizeError, type CheckResult, DeniedError, type Failure } from "@assize/client";
import { ApprovalState, UseApprovalResponseSchema } from "#internal/gen/assize/v1/approval_service_pb.js";
import {
  CheckAndAppendResponseSchema,
  type CheckRequest,
  Decision,
} from "#internal/gen/assize/v1/decision_service_pb.js";
import { type Act, REQUEST, ScriptedServer, allow, answer, deny } from "./scripted.js";

async function checked(act: Act<CheckRequest>, options = {}): Promise<CheckResult> {
  await using server = await ScriptedServer.start();
  server.check = act;
  return await server.client(options).check(REQUEST);
}

function assertDenied(result: CheckResult, failure: Failure, decision: CheckResult["decision"]): void {
  assert.equal(result.allowed, false);
  assert.equal(result.failure, failure);
  assert.equal(result.decision, decision);
}

suite("a check that is no plain allow is denied", () => {
  test("deniesADecisionThatIsUnspecified", async () => {
    assertDenied(await checked(() => answer({})), "UNSPECIFIED_DECISION", "UNSPECIFIED");
  });

  test("deniesADecisionOfALaterVersion", async () => {
    const later = Buffer.from("0807", "hex");
    assertDenied(await checked(() => later), "UNSPECIFIED_DECISION", "UNSPECIFIED");
  });

  test("deniesAnEmptyAnswer", async () => {
    assertDenied(await checked(() => new Uint8Array()), "UNSPECIFIED_DECISION", "UNSPECIFIED");
  });

  test("deniesAnAllowWithAnUnknownObligation", async () => {
    const result = await checked(() => allow({ obligations: [{ id: "o", type: "notify/owner" }] }));
    assertDenied(result, "UNKNOWN_OBLIGATION", "ALLOW");
    assert.equal(result.obligations[0]?.type, "notify/owner");
  });

  test("deniesAnAllowAboutThePast", async () => {
    assertDenied(await checked(() => allow({ historical: true })), "HISTORICAL", "ALLOW");
  });

  test("deniesAnAllowThatOverlookedThatItWasAskedAboutThePast", async () => {
    await using server = await ScriptedServer.start();
    assertDenied(await server.client().check({ ...REQUEST, atRevision: 3n }), "HISTORICAL", "ALLOW");
    assertDenied(await server.client().check({ ...REQUEST, asOf: new Date(0) }), "HISTORICAL", "ALLOW");
  });

  test("deniesAnAnswerThatCannotBeRead", async () => {
    const whole = allow({ obligations: [{ id: "o" }] });
    assertDenied(await checked(() => whole.subarray(0, whole.length - 1)), "INTERNAL", "NONE");
    assertDenied(await checked(() => Buffer.from("no message")), "INTERNAL", "NONE");
  });

  test("deniesAnAnswerWithATextThatIsNotUtf8", async () => {
    const text = allow({ approvalId: "abc\ufffd" });
    const broken = Buffer.from(text);
    broken.set([0xf0, 0x9f, 0x98], broken.length - 3);
    assertDenied(await checked(() => broken), "INTERNAL", "NONE");
    assert.equal((await checked(() => text)).allowed, true);
  });

  const failures: [status, Failure][] = [
    [status.UNAUTHENTICATED, "UNAUTHENTICATED"],
    [status.PERMISSION_DENIED, "PERMISSION_DENIED"],
    [status.RESOURCE_EXHAUSTED, "RESOURCE_EXHAUSTED"],
    [status.UNAVAILABLE, "UNAVAILABLE"],
    [status.CANCELLED, "CANCELLED"],
    [status.INTERNAL, "INTERNAL"],
    [status.DATA_LOSS, "INTERNAL"],
    [status.UNIMPLEMENTED, "INTERNAL"],
    [status.FAILED_PRECONDITION, "INTERNAL"],
  ];
  for (const [code, failure] of failures) {
    test(`deniesWhereTheServerAnswers${status[code]}`, async () => {
      assertDenied(await checked(() => ({ code, details: "no" })), failure, "NONE");
    });
  }

  test("deniesWhenTheDeadlinePasses", async () => {
    const result = await checked(() => undefined, { checkTimeoutMillis: 50 });
    assertDenied(result, "DEADLINE_EXCEEDED", "NONE");
    assert.equal(result.error?.code, "DEADLINE_EXCEEDED");
  });

  test("deniesWhenItsCallerLeaves", async () => {
    await using server = await ScriptedServer.start();
    const left = new AbortController();
    server.check = () => {
      left.abort();
      return undefined;
    };
    assertDenied(await server.client().check(REQUEST, { signal: left.signal }), "CANCELLED", "NONE");
    assertDenied(await server.client().check(REQUEST, { signal: AbortSignal.abort() }), "CANCELLED", "NONE");
    assert.equal(server.checks.length, 1);
  });

  test("deniesWhereThereIsNoServer", async () => {
    await using server = await ScriptedServer.start();
    const client = server.client();
    server.kill();
    assertDenied(await client.check(REQUEST), "UNAVAILABLE", "NONE");
  });

  test("deniesAfterItWasClosed", async () => {
    await using server = await ScriptedServer.start();
    const client = server.client();
    client.close();
    assert.equal((await client.check(REQUEST)).allowed, false);
  });
});

suite("what the caller does wrong", () => {
  test("throwsWhereTheServerCallsItMalformed", async () => {
    await assert.rejects(
      checked(() => ({ code: status.INVALID_ARGUMENT, details: "subject" })),
      { name: "AssizeError", code: "INVALID_ARGUMENT" },
    );
  });

  const malformed: [string, object][] = [
    ["ALoneSurrogate", { subject: "user:\ud800" }],
    ["NoText", { subject: undefined }],
    ["AnAttributeThatIsNull", { context: { a: null } }],
    ["ANumberThatWasRounded", { context: { a: 2 ** 60 } }],
    ["ANumberThatDoesNotFit", { context: { a: 2n ** 63n } }],
    ["ADateThatIsNone", { context: { a: new Date(Number.NaN) } }],
    ["ListsThatNestTooDeep", { context: { a: [[[[[1]]]]] } }],
    ["AnObjectOfAClass", { context: { a: new Map() } }],
  ];
  for (const [what, fields] of malformed) {
    test(`throwsWithoutAskingFor${what}`, async () => {
      await using server = await ScriptedServer.start();
      await assert.rejects(server.client().check({ ...REQUEST, ...fields }), { code: "INVALID_ARGUMENT" });
      assert.equal(server.checks.length, 0);
    });
  }

  test("hasNoClientWithoutAKey", () => {
    assert.throws(() => new AssizeClient({ key: "" }), /no key of Assize/);
    assert.throws(() => new AssizeClient({ key: "asz_a\r\nx: y" }), /no key of Assize/);
  });
});

suite("a plain allow", () => {
  test("allows", async () => {
    const result = await checked(() => allow({ revision: 2n ** 53n + 1n, validUntil: timestampFromMs(5) }));
    assert.equal(result.allowed, true);
    assert.equal(result.reason, "ALLOWED");
    assert.equal(result.failure, "");
    assert.equal(result.revision, 9_007_199_254_740_993n);
    assert.equal(result.validUntil?.getTime(), 5);
  });

  test("allowsWithADutyThatIsKnown", async () => {
    const obligations = [{ id: "o", type: "notify/owner", properties: { to: "x" } }];
    const result = await checked(() => allow({ obligations }), { knownObligations: ["notify/owner"] });
    assert.equal(result.allowed, true);
    assert.deepEqual(result.obligations[0]?.properties, { to: "x" });
  });

  test("aDenyGivesItsObligationsAsAdvice", async () => {
    const result = await checked(() => deny({ obligations: [{ id: "o", type: "archive/instead" }] }));
    assert.equal(result.failure, "");
    assert.equal(result.reason, "NO_GRANT");
    assert.equal(result.obligations.length, 1);
  });
});

suite("enforce", () => {
  test("throwsWhatIsDenied", async () => {
    await using server = await ScriptedServer.start();
    server.check = () => deny();
    await assert.rejects(server.client().enforce(REQUEST), (thrown) => {
      return thrown instanceof DeniedError && thrown.result.reason === "NO_GRANT";
    });
  });

  test("throwsWhereADutyIsNotCarriedOut", async () => {
    await using server = await ScriptedServer.start();
    server.check = () => allow({ obligations: [{ id: "o", type: "notify/owner" }] });
    const obligations = {
      "notify/owner": () => {
        throw new Error("no mail today");
      },
    };
    await assert.rejects(server.client({ obligations }).enforce(REQUEST), (thrown) => {
      return thrown instanceof DeniedError && thrown.result.failure === "INTERNAL" && !thrown.result.allowed;
    });
  });

  test("carriesOutTheDuties", async () => {
    await using server = await ScriptedServer.start();
    server.check = () => allow({ obligations: [{ id: "o-1", type: "notify/owner" }] });
    const done: string[] = [];
    const client = server.client({ obligations: { "notify/owner": ({ id }) => done.push(id) } });
    assert.equal((await client.enforce(REQUEST)).allowed, true);
    assert.deepEqual(done, ["o-1"]);
    assert.equal((await client.check(REQUEST)).allowed, true);
    assert.deepEqual(done, ["o-1"]);
  });
});

suite("an allow that rests on an approval", () => {
  const state = (is: ApprovalState): Uint8Array =>
    toBinary(UseApprovalResponseSchema, create(UseApprovalResponseSchema, { approval: { state: is } }));

  async function resting(useApprovals: boolean): Promise<{ server: ScriptedServer; client: AssizeClient }> {
    const server = await ScriptedServer.start();
    server.check = () => allow({ approvalId: "a-1", obligations: [{ id: "u", type: "assize/use-approval" }] });
    return { server, client: server.client({ useApprovals, callTimeoutMillis: 2_000 }) };
  }

  test("isNoneWhereTheClientDoesNotUseApprovals", async () => {
    const { server, client } = await resting(false);
    await using _server = server;
    await assert.rejects(client.enforce(REQUEST), DeniedError);
    assert.equal(server.uses.length, 0);
  });

  test("isNoneWhereTheApprovalCannotBeUsed", async () => {
    const { server, client } = await resting(true);
    await using _server = server;
    server.use = () => ({ code: status.FAILED_PRECONDITION });
    await assert.rejects(client.enforce(REQUEST), DeniedError);
    server.use = () => state(ApprovalState.APPROVED);
    await assert.rejects(client.enforce(REQUEST), DeniedError);
  });

  test("usesItUpForTheSubject", async () => {
    const { server, client } = await resting(true);
    await using _server = server;
    server.use = (_request, _metadata, calls) => (calls === 1 ? { code: status.UNAVAILABLE } : state(ApprovalState.USED));
    assert.equal((await client.enforce(REQUEST)).allowed, true);
    assert.deepEqual(server.uses.map(({ approvalId, subject, tenant }) => [approvalId, subject, tenant]), [
      ["a-1", "user:alice", "acme"],
      ["a-1", "user:alice", "acme"],
    ]);
    assert.equal(new Set(server.uses.map(({ idempotencyKey }) => idempotencyKey)).size, 1);
    assert.equal((await client.check(REQUEST)).allowed, true);
    assert.equal(server.uses.length, 2);
  });
});

suite("a deed that is recorded with its decision", () => {
  const done = (fields: MessageInitShape<typeof CheckAndAppendResponseSchema>): Uint8Array =>
    toBinary(CheckAndAppendResponseSchema, create(CheckAndAppendResponseSchema, fields));
  const allowed = { decision: Decision.ALLOW };
  const event = { type: "order.paid", action: "", resource: "", outcome: "SUCCESS" } as const;

  test("isDeniedWithoutAnEntry", async () => {
    await using server = await ScriptedServer.start();
    server.execute = () => done({ response: allowed });
    assertDenied((await server.client().checkAndAppend(REQUEST, event)).result, "MALFORMED_ANSWER", "NONE");
    server.execute = () => done({});
    assertDenied((await server.client().checkAndAppend(REQUEST, event)).result, "UNSPECIFIED_DECISION", "UNSPECIFIED");
  });

  test("isTriedAgainUnderOneKeyUntilItsOutcomeIsKnown", async () => {
    await using server = await ScriptedServer.start();
    server.execute = (_request, _metadata, calls) =>
      calls < 3 ? { code: status.INTERNAL } : done({ response: allowed, entry: { seq: 7n }, replayed: true });
    const { result, entry, replayed, idempotencyKey } = await server.client().checkAndAppend(REQUEST, event);
    assert.ok(result.allowed && replayed);
    assert.equal(entry?.seq, 7n);
    assert.deepEqual(new Set(server.executions.map((it) => it.idempotencyKey)), new Set([idempotencyKey]));
  });

  test("isDeniedWhereNobodyKnows", async () => {
    await using server = await ScriptedServer.start();
    server.execute = () => ({ code: status.UNAVAILABLE });
    const options = { timeoutMillis: 100, idempotencyKey: "k" };
    const { result, idempotencyKey } = await server.client().checkAndAppend(REQUEST, event, options);
    assert.equal(result.allowed, false);
    assert.equal(idempotencyKey, "k");
  });
});

suite("tries", () => {
  test("areAtMostThree", async () => {
    await using server = await ScriptedServer.start();
    server.check = () => ({ code: status.UNAVAILABLE });
    assert.equal((await server.client().check(REQUEST)).failure, "UNAVAILABLE");
    assert.equal(server.checks.length, 3);
  });

  test("areNotMadeWhereTheServerWantsNone", async () => {
    await using server = await ScriptedServer.start();
    const metadata = new Metadata();
    metadata.set("grpc-retry-pushback-ms", "-1");
    server.check = () => ({ code: status.UNAVAILABLE, metadata });
    await server.client().check(REQUEST);
    assert.equal(server.checks.length, 1);
  });

  test("areNotMadeWhereTheServerWantsThemBehindTheDeadline", async () => {
    await using server = await ScriptedServer.start();
    const metadata = new Metadata();
    metadata.set("grpc-retry-pushback-ms", "60000");
    server.check = () => ({ code: status.UNAVAILABLE, metadata });
    assert.equal((await server.client().check(REQUEST)).failure, "UNAVAILABLE");
    assert.equal(server.checks.length, 1);
  });

  test("areNotMadeForAnythingButUnavailable", async () => {
    await using server = await ScriptedServer.start();
    server.check = () => ({ code: status.INTERNAL });
    await server.client().check(REQUEST);
    assert.equal(server.checks.length, 1);
  });

  test("giveTheAnswerOfTheFirstThatIsAnswered", async () => {
    await using server = await ScriptedServer.start();
    server.check = (_request, _metadata, calls) => (calls < 3 ? { code: status.UNAVAILABLE } : allow());
    assert.equal((await server.client().check(REQUEST)).allowed, true);
  });

  test("findARestartedServer", async () => {
    const first = await ScriptedServer.start();
    const client = first.client({ retry: { initialBackoffMillis: 200, maxAttempts: 20 } });
    assert.equal((await client.check(REQUEST)).allowed, true);
    first.kill();
    await using second = await ScriptedServer.start(first.target);
    assert.equal((await client.check(REQUEST)).allowed, true);
    assert.equal(second.checks.length, 1);
    client.close();
  });
});

suite("a batch", () => {
  test("deniesEachItemWhereThereIsNoAnswer", async () => {
    await using server = await ScriptedServer.start();
    server.checkBatch = () => ({ code: status.INTERNAL });
    const results = await server.client().checkBatch([REQUEST, REQUEST]);
    assert.deepEqual(
      results.map(({ allowed, failure }) => [allowed, failure]),
      [
        [false, "INTERNAL"],
        [false, "INTERNAL"],
      ],
    );
  });

  test("throwsWhatIsMalformedAsAWhole", async () => {
    await using server = await ScriptedServer.start();
    server.checkBatch = () => ({ code: status.INVALID_ARGUMENT });
    await assert.rejects(server.client().checkBatch([REQUEST]), AssizeError);
  });

  test("ofNothingIsNothing", async () => {
    await using server = await ScriptedServer.start();
    assert.deepEqual(await server.client().checkBatch([]), []);
  });
});

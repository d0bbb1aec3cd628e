import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { type AuditEvent, DeniedError, resourcePath } from "@assize/client";
import { FakeAssize } from "@assize/client/fake";
import { REQUEST } from "./scripted.js";

const EVENT: AuditEvent = { type: "order.paid", action: "pay", resource: "order:922", outcome: "SUCCESS" };

suite("the fake", () => {
  test("deniesWhatNoRuleAllows", async () => {
    const fake = new FakeAssize().allow({ subject: "user:bob" });
    const result = await fake.check(REQUEST);
    assert.deepEqual([result.allowed, result.decision, result.reason, result.failure], [false, "DENY", "NO_GRANT", ""]);
  });

  test("deniesWhatARuleDeniesWhateverAllowsIt", async () => {
    const fake = new FakeAssize().allow().deny({ resource: "order:922" }, "FROZEN");
    assert.equal((await fake.check(REQUEST)).reason, "FROZEN");
    assert.equal((await fake.check({ ...REQUEST, resource: "order:923" })).allowed, true);
  });

  test("failsClosedAsTheClientDoes", async () => {
    const fake = new FakeAssize().allow({}, { id: "o", type: "notify/owner", properties: {} });
    assert.equal((await fake.check(REQUEST)).failure, "UNKNOWN_OBLIGATION");
    assert.equal((await new FakeAssize().allow().check({ ...REQUEST, atRevision: 3n })).failure, "HISTORICAL");
    assert.equal((await new FakeAssize().allow().fail("UNAVAILABLE").check(REQUEST)).failure, "UNAVAILABLE");
    await assert.rejects(fake.enforce(REQUEST), DeniedError);
    await assert.rejects(new FakeAssize().fail("UNAVAILABLE").appendAudit(EVENT), { code: "UNAVAILABLE" });
    await assert.rejects(new FakeAssize().allow().check({ ...REQUEST, subject: "user:\ud800" }), { code: "INVALID_ARGUMENT" });
  });

  test("deniesTheMalformedItemOfABatchAlone", async () => {
    const results = await new FakeAssize().allow().checkBatch([REQUEST, { ...REQUEST, subject: "user:\ud800" }]);
    assert.deepEqual(results.map(({ allowed, failure }) => [allowed, failure]), [
      [true, ""],
      [false, "INVALID_ARGUMENT"],
    ]);
  });

  test("carriesOutTheDuties", async () => {
    const done: string[] = [];
    const fake = new FakeAssize({ obligations: { "notify/owner": ({ id }) => done.push(id) } });
    fake.allow({}, { id: "o-1", type: "notify/owner", properties: {} });
    assert.equal((await fake.enforce(REQUEST)).allowed, true);
    assert.deepEqual(done, ["o-1"]);
  });

  test("appendsOnceUnderOneKey", async () => {
    const fake = new FakeAssize({ tenant: "acme" });
    const first = await fake.appendAudit(EVENT, { idempotencyKey: "k" });
    const again = await fake.appendAudit(EVENT, { idempotencyKey: "k" });
    assert.equal(again.replayed, true);
    assert.deepEqual(again.entries, first.entries);
    assert.equal(fake.entries.length, 1);
    await assert.rejects(fake.appendAudit({ ...EVENT, action: "refund" }, { idempotencyKey: "k" }), { code: "ALREADY_EXISTS" });
    assert.equal((await fake.appendAudit([EVENT, EVENT])).entries[1]?.seq, 2n);
  });

  test("remembersWhatWasAsked", async () => {
    const fake = new FakeAssize({ tenant: "acme", env: "staging" }).allow({ tenant: "acme", env: "staging" });
    assert.equal((await fake.check(REQUEST)).allowed, true);
    assert.deepEqual(fake.checks, [REQUEST]);
  });
});

test("aPathKeepsWhatAnIdMayNotSay", () => {
  assert.equal(resourcePath("vault", "a/b", "agent", "100%"), "vault:a%2Fb/agent:100%25");
  assert.equal(resourcePath("vault", "a", "agent"), "vault:a/agent");
});

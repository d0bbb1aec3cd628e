import assert from "node:assert/strict";
import { type ChildProcess, execFile, spawn } from "node:child_process";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, suite, test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { AssizeClient, type AuditEvent, type ClientOptions } from "@assize/client";
import { type BundleVerdict, type Frame, VerifierKey, verifyBundle } from "@assize/client/ledger";
import { RealServer } from "./real-server.js";
import { builtRepository } from "./repository.js";
import { eventually } from "./scripted.js";

const repository = builtRepository();
const skip =
  repository === undefined &&
  "the server is not built as it is now: build it with `./assize --version`, or name a built repository in ASSIZE_REPOSITORY";

const READ = { subject: "user:alice", resource: "order:922", action: "read" } as const;
const PAY = { ...READ, action: "pay", context: { amount: 12.5 } };
const EVENT: AuditEvent = { type: "order.read", actor: "user:alice", action: "read", resource: "order:922", outcome: "SUCCESS" };
const PACKAGE = fileURLToPath(new URL("../..", import.meta.url));

suite("against a real server", { skip }, () => {
  let server: RealServer;
  let key: string;
  const clients: AssizeClient[] = [];

  function connect(options: ClientOptions = {}): AssizeClient {
    const client = new AssizeClient({
      target: server.target,
      key,
      plaintext: true,
      tenant: "acme",
      env: "production",
      checkTimeoutMillis: 30_000,
      callTimeoutMillis: 60_000,
      ...options,
    });
    clients.push(client);
    return client;
  }

  /** The ledger of acme, verified, with each of its entries. */
  async function ledger(): Promise<{ verdict: BundleVerdict; frames: Frame[]; file: string }> {
    const file = join(server.home, `acme-${String(performance.now())}.tar`);
    await server.command("audit", "export", "--tenant", "acme", "--format", "bundle", "--output", file);
    const frames: Frame[] = [];
    const verdict = await verifyBundle(file, await server.verifierKeys(), { onEntry: (frame) => frames.push(frame) });
    return { verdict, frames, file };
  }

  before(async () => {
    server = await RealServer.start(repository ?? "");
    await server.command("policy", "apply", join(PACKAGE, "examples", "orders", "policy.yaml"), "--reason", "test");
    key = await server.key("service:orders");
  });

  after(async () => {
    clients.forEach((client) => {
      client.close();
    });
    await server.stop();
  });

  test("deniesWithoutAKeyThatIsValid", async () => {
    const result = await connect({ key: "asz_aaaaaaaaaaaaaaaa_bbbb" }).check(READ);
    assert.deepEqual([result.allowed, result.failure, result.error?.reason], [false, "UNAUTHENTICATED", "CREDENTIALS_INVALID"]);
  });

  test("deniesForATenantThatTheKeyDoesNotReach", async () => {
    const result = await connect().check({ ...READ, tenant: "partner" });
    assert.deepEqual([result.allowed, result.failure, result.error?.reason], [false, "PERMISSION_DENIED", "TENANT_NOT_ALLOWED"]);
  });

  test("throwsWhatIsMalformed", async () => {
    await assert.rejects(connect().check({ ...READ, subject: "alice" }), (thrown: unknown) => {
      assert.ok(thrown instanceof Error && "fieldViolations" in thrown);
      assert.deepEqual((thrown.fieldViolations as { field: string }[]).map(({ field }) => field), ["subject"]);
      return true;
    });
  });

  test("decides", async () => {
    const client = connect();
    const allowed = await client.check(READ);
    assert.equal(allowed.allowed, true, allowed.message);
    assert.equal(allowed.decidedBy.role, "clerk");
    assert.ok(allowed.revision > 0n && allowed.validUntil !== undefined && allowed.decisionId !== "");
    assert.equal((await client.check({ ...READ, subject: "user:bob" })).reason, "NO_GRANT");
    assert.equal((await client.check(PAY)).failure, "UNKNOWN_OBLIGATION");
    const knowing = connect({ knownObligations: ["notify/owner"] });
    assert.equal((await knowing.check(PAY)).allowed, true);
    assert.equal((await knowing.check({ ...PAY, context: { amount: 1_001 } })).reason, "CONDITION_FALSE");
    const past = await connect({ key: await server.key("user:admin") }).check({ ...READ, atRevision: allowed.revision });
    assert.deepEqual([past.allowed, past.failure, past.decision], [false, "HISTORICAL", "ALLOW"]);
  });

  test("answersABatchInItsOrder", async () => {
    const results = await connect().checkBatch([READ, { ...READ, subject: "alice" }, { ...READ, subject: "user:bob" }]);
    assert.deepEqual(results.map(({ allowed, reason, failure }) => [allowed, reason, failure]), [
      [true, "ALLOWED", ""],
      [false, "", "INVALID_ARGUMENT"],
      [false, "NO_GRANT", ""],
    ]);
  });

  test("answersConcurrentChecksEachToItsAsker", async () => {
    const client = connect({ batching: true });
    const subjects = Array.from({ length: 300 }, (_, i) => (i % 3 === 0 ? "user:alice" : `user:u${String(i)}`));
    const results = await Promise.all(subjects.map((subject) => client.check({ ...READ, subject })));
    assert.deepEqual(
      results.map(({ allowed }) => allowed),
      subjects.map((subject) => subject === "user:alice"),
    );
  });

  test("forgetsWhatItKeptWhenPolicyChanges", async () => {
    const client = connect({ cache: true });
    await eventually(async () => (await client.check(READ)).cached);
    const frozen = await server.command("freeze", "--tenant", "acme", "--subject", "user:alice", "--reason", "test", "--output", "json");
    const name = (JSON.parse(frozen) as { name: string }).name;
    await eventually(async () => (await client.check(READ)).reason === "FROZEN");
    await server.command("unfreeze", name, "--tenant", "acme");
    await eventually(async () => (await client.check(READ)).allowed);
  });

  test("recordsOnceUnderOneKeyAndProvesIt", async () => {
    const client = connect();
    const first = await client.appendAudit([EVENT, { ...EVENT, payload: { n: 1 } }], { idempotencyKey: "test-1" });
    const again = await client.appendAudit([EVENT, { ...EVENT, payload: { n: 1 } }], { idempotencyKey: "test-1" });
    assert.equal(again.replayed, true);
    assert.deepEqual(again.entries, first.entries);
    await assert.rejects(client.appendAudit(EVENT, { idempotencyKey: "test-1" }), {
      code: "ALREADY_EXISTS",
      reason: "IDEMPOTENCY_KEY_REUSED",
      idempotencyKey: "test-1",
    });
    const last = first.entries[1];
    assert.ok(last !== undefined);
    let found = await ledger();
    // A bundle ends with the latest checkpoint, which is signed a moment after the entry.
    await eventually(async () => {
      found = found.frames.length > last.seq ? found : await ledger();
      return found.frames.length > last.seq;
    });
    const { verdict, frames, file } = found;
    assert.ok(verdict.valid, JSON.stringify(verdict, (_, it: unknown) => (typeof it === "bigint" ? String(it) : it)));
    const frame = frames[Number(last.seq)];
    assert.equal(frame?.recordedBy, "service:orders");
    assert.equal(frame.text("payload"), '{"n":1}');
    if (frames.length === Number(last.seq) + 1) {
      assert.deepEqual(Buffer.from(verdict.headHash), Buffer.from(last.entryHash));
    }
    const bytes = await readFile(file);
    const at = bytes.indexOf('{"n":1}');
    bytes.write('{"n":2}', at);
    await writeFile(`${file}.changed`, bytes);
    const changed = await verifyBundle(`${file}.changed`, (await server.verifierKeys()).map((it) => VerifierKey.parse(it)));
    assert.ok(!changed.valid);
    assert.equal(changed.firstBad, last.seq);
  });

  test("theStartOfTheReadmeRuns", async () => {
    const readme = await readFile(join(PACKAGE, "README.md"), "utf8");
    const start = /```ts\n([\s\S]*?)```/.exec(readme)?.[1] ?? "";
    assert.ok(start.trim().split("\n").length <= 11);
    const script = join(PACKAGE, "build", "readme-start.mjs");
    await writeFile(script, start);
    const { stdout } = await promisify(execFile)(process.execPath, [script], {
      env: { ...process.env, ASSIZE_SERVER: server.target, ASSIZE_KEY: key },
    });
    assert.match(stdout, /^allowed, and recorded as entry \d+\n$/);
  });

  test("theExampleProtectsItselfAndRecords", async () => {
    const script = join(PACKAGE, "build", "examples", "orders", "service.js");
    const environment = { ...process.env, ASSIZE_SERVER: server.target, ASSIZE_KEY: key, PORT: "0" };
    const child = spawn(process.execPath, [script], { env: environment, stdio: ["ignore", "pipe", "inherit"] });
    try {
      const base = await addressOf(child);
      const ask = (method: string, path: string, user?: string, body?: object) =>
        fetch(base + path, {
          method,
          headers: { "content-type": "application/json", ...(user !== undefined && { authorization: `Bearer ${user}` }) },
          ...(body !== undefined && { body: JSON.stringify(body) }),
        });
      assert.equal((await ask("GET", "/health")).status, 200);
      assert.equal((await ask("GET", "/orders/7")).status, 401);
      assert.equal((await ask("GET", "/orders/7", "bob")).status, 403);
      assert.equal((await ask("DELETE", "/orders/7", "alice")).status, 403);
      assert.equal((await ask("GET", "/orders/7", "alice")).status, 200);
      assert.equal((await ask("POST", "/orders/7/payment", "alice", { amount: 5_000 })).status, 403);
      assert.equal((await ask("POST", "/orders/7/payment", "alice", {})).status, 400);
      const paid = await ask("POST", "/orders/7/payment", "alice", { amount: 12.5 });
      assert.equal(paid.status, 201);
      const { seq } = (await paid.json()) as { seq: string };
      let frames: Frame[] = [];
      await eventually(async () => {
        frames = (await ledger()).frames;
        return frames.length > Number(seq);
      });
      assert.equal(frames[Number(seq)]?.text("actor"), "user:alice");
      assert.equal(frames[Number(seq)]?.type, "order.paid");
    } finally {
      child.kill();
    }
  });
});

function addressOf(child: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    child.once("exit", () => {
      reject(new Error("the example ended"));
    });
    child.stdout?.on("data", (bytes: Buffer) => {
      const address = /http:\S+/.exec(bytes.toString())?.[0];
      if (address !== undefined) {
        resolve(address);
      }
    });
  });
}

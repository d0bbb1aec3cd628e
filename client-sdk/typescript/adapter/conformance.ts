// Answers the conformance suite: a JSON object a line in, one a line out. See client-sdk/conformance/README.md.
import { once } from "node:events";
import { type IncomingMessage, request as requestOfHttp } from "node:http";
import type { AddressInfo } from "node:net";
import { createInterface } from "node:readline";
import express from "express";
import {
  AssizeClient,
  AssizeError,
  type Attribute,
  type AuditEvent,
  type CheckRequest,
  type CheckResult,
} from "@assize/client";
import { assizeExpress } from "@assize/client/express";
import { verifyBundle } from "@assize/client/ledger";

type Json = Record<string, unknown>;

interface Open extends Json {
  target: string;
  key: string;
  timeoutMillis?: number;
  cache?: boolean;
  batching?: boolean;
  obligations?: string[];
  tries?: number;
}

interface Request extends Json {
  subject: string;
  resource: string;
  action: string;
  atRevision?: number;
  /** Of a concurrent one: its own time, and when whoever asks leaves. */
  timeoutMillis?: number;
  cancelAfterMillis?: number;
}

let client: AssizeClient | undefined;

function opened(): AssizeClient {
  if (client === undefined) {
    throw new Error("no client is open");
  }
  return client;
}

function requestOf(request: Request): CheckRequest {
  const { atRevision, timeoutMillis: _time, cancelAfterMillis: _leaving, ...rest } = request;
  const attributes = rest as CheckRequest & Record<string, Attribute>;
  return { ...attributes, ...(atRevision !== undefined && { atRevision: BigInt(atRevision) }) };
}

function resultOf({ allowed, decision, reason, failure, cached, obligations }: CheckResult): Json {
  return { allowed, decision, reason, failure, cached, obligations };
}

const NO_DECISION = { allowed: false, decision: "NONE", reason: "", cached: false, obligations: [] };

async function check(request: Request, timeoutMillis?: number, signal?: AbortSignal): Promise<Json> {
  try {
    return resultOf(await opened().check(requestOf(request), { timeoutMillis, signal }));
  } catch (failure) {
    return { ...NO_DECISION, failure: codeOf(failure) };
  }
}

function repeated(requests: Request[], times = 1): Request[] {
  return Array.from({ length: times }, () => requests).flat();
}

async function checkConcurrently(requests: Request[], times?: number): Promise<Json[]> {
  return Promise.all(
    repeated(requests, times).map((request) => {
      const { timeoutMillis, cancelAfterMillis } = request;
      const signal = cancelAfterMillis === undefined ? undefined : AbortSignal.timeout(cancelAfterMillis);
      return check(request, timeoutMillis, signal);
    }),
  );
}

async function checkBatch(requests: Request[], timeoutMillis?: number): Promise<Json[]> {
  try {
    return (await opened().checkBatch(requests.map(requestOf), { timeoutMillis })).map(resultOf);
  } catch (failure) {
    return requests.map(() => ({ ...NO_DECISION, failure: codeOf(failure) }));
  }
}

interface Door extends Json {
  tenant: string;
  method: string;
  path: string;
  subject?: string;
}

/** One request to a service behind the middleware for Express. */
async function door({ tenant, method, path, subject }: Door): Promise<Json> {
  const app = express();
  app.set("strict routing", true);
  app.use(
    assizeExpress(opened(), {
      subject: (req) => req.get("x-verified-subject"),
      routes: {
        "GET /docs/:id": { action: "read", resource: "doc:{id}", tenant },
        "POST /docs/:id": { action: "write", resource: "doc:{id}", tenant },
        "GET /health": "public",
      },
      router: { strict: true },
    }),
  );
  app.use((_req, res) => void res.end());
  const service = app.listen(0, "127.0.0.1");
  await once(service, "listening");
  try {
    const { port } = service.address() as AddressInfo;
    const headers = subject === undefined ? {} : { "x-verified-subject": subject };
    const asked = requestOfHttp({ host: "127.0.0.1", port, method, path, headers, agent: false }).end();
    const [answered] = (await once(asked, "response")) as [IncomingMessage];
    answered.resume();
    return { status: answered.statusCode, decision: answered.headers["assize-decision-id"] !== undefined };
  } finally {
    service.close();
  }
}

async function append(question: Json): Promise<Json> {
  const { tenant, events, idempotencyKey, timeoutMillis } = question as {
    tenant: string;
    events: AuditEvent[];
    idempotencyKey?: string;
    timeoutMillis?: number;
  };
  try {
    const { entries } = await opened().appendAudit(events.map(eventOf), {
      tenant,
      timeoutMillis,
      idempotencyKey: idempotencyKey === "" ? undefined : idempotencyKey,
    });
    const receipts = entries.map(({ seq, entryHash }) => ({
      seq: Number(seq),
      entryHash: Buffer.from(entryHash).toString("hex"),
    }));
    return { receipts, failure: "" };
  } catch (failure) {
    return { receipts: [], failure: codeOf(failure) };
  }
}

async function checkAndAppend(question: Json): Promise<Json> {
  const { request, event, idempotencyKey, timeoutMillis } = question as {
    request: Request;
    event: AuditEvent;
    idempotencyKey?: string;
    timeoutMillis?: number;
  };
  try {
    const done = await opened().checkAndAppend(requestOf(request), eventOf(event), { timeoutMillis, idempotencyKey });
    return { result: resultOf(done.result), recorded: done.entry !== undefined, replayed: done.replayed };
  } catch (failure) {
    return { result: { ...NO_DECISION, failure: codeOf(failure) }, recorded: false, replayed: false };
  }
}

function eventOf(event: AuditEvent): AuditEvent {
  const { occurredAt, ...rest } = event;
  return occurredAt === undefined ? rest : { ...rest, occurredAt: new Date(occurredAt) };
}

function codeOf(failure: unknown): string {
  if (failure instanceof AssizeError) {
    return failure.code;
  }
  throw failure;
}

async function verify(file: string, keys: string[], keptCheckpoint?: string): Promise<Json> {
  const verdict = await verifyBundle(file, keys, { keptCheckpoint });
  return verdict.valid
    ? { valid: true, reason: "", treeSize: Number(verdict.treeSize), firstBad: null }
    : {
        valid: false,
        reason: verdict.reason,
        treeSize: 0,
        firstBad: verdict.firstBad === undefined ? null : Number(verdict.firstBad),
      };
}

function open({ target, key, timeoutMillis, cache, batching, obligations, tries }: Open): Json {
  client?.close();
  client = new AssizeClient({
    target,
    key,
    plaintext: true,
    checkTimeoutMillis: timeoutMillis,
    callTimeoutMillis: timeoutMillis,
    cache,
    batching,
    knownObligations: obligations,
    ...(tries !== undefined && { retry: { maxAttempts: tries } }),
  });
  return { ok: true };
}

async function answer(question: Json): Promise<Json> {
  const requests = question["requests"] as Request[];
  const timeoutMillis = question["timeoutMillis"] as number | undefined;
  const times = question["times"] as number | undefined;
  switch (question["op"]) {
    case "open":
      return open(question as Open);
    case "check":
      return check(question["request"] as Request, timeoutMillis);
    case "checkBatch":
      return { results: await checkBatch(repeated(requests, times), timeoutMillis) };
    case "checkConcurrently":
      return { results: await checkConcurrently(requests, times) };
    case "checkAndAppend":
      return checkAndAppend(question);
    case "door":
      return door(question as Door);
    case "append":
      return append(question);
    case "verifyBundle":
      return verify(
        question["file"] as string,
        question["verifierKeys"] as string[],
        question["keptCheckpoint"] as string | undefined,
      );
    case "close":
      client?.close();
      client = undefined;
      return { ok: true };
    default:
      return { error: `unknown op ${String(question["op"])}` };
  }
}

for await (const line of createInterface({ input: process.stdin })) {
  let reply: Json;
  try {
    reply = await answer(JSON.parse(line) as Json);
  } catch (failure) {
    reply = { error: failure instanceof Error ? failure.message : String(failure) };
  }
  process.stdout.write(`${JSON.stringify(reply)}\n`);
}
client?.close();

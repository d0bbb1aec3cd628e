// Answers the conformance suite: a JSON object a line in, one a line out. See client-sdk/conformance/README.md.
import { createInterface } from "node:readline";
import {
  AssizeClient,
  AssizeError,
  type Attribute,
  type AuditEvent,
  type CheckRequest,
  type CheckResult,
} from "@assize/client";
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
}

let client: AssizeClient | undefined;

function opened(): AssizeClient {
  if (client === undefined) {
    throw new Error("no client is open");
  }
  return client;
}

function requestOf(request: Request): CheckRequest {
  const { atRevision, ...rest } = request;
  const attributes = rest as CheckRequest & Record<string, Attribute>;
  return { ...attributes, ...(atRevision !== undefined && { atRevision: BigInt(atRevision) }) };
}

function resultOf({ allowed, decision, reason, failure, cached, obligations }: CheckResult): Json {
  return { allowed, decision, reason, failure, cached, obligations };
}

const NO_DECISION = { allowed: false, decision: "NONE", reason: "", cached: false, obligations: [] };

async function check(request: Request, timeoutMillis?: number): Promise<Json> {
  try {
    return resultOf(await opened().check(requestOf(request), { timeoutMillis }));
  } catch (failure) {
    return { ...NO_DECISION, failure: codeOf(failure) };
  }
}

async function checkBatch(requests: Request[], timeoutMillis?: number): Promise<Json[]> {
  try {
    return (await opened().checkBatch(requests.map(requestOf), { timeoutMillis })).map(resultOf);
  } catch (failure) {
    return requests.map(() => ({ ...NO_DECISION, failure: codeOf(failure) }));
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
  switch (question["op"]) {
    case "open":
      return open(question as Open);
    case "check":
      return check(question["request"] as Request, timeoutMillis);
    case "checkBatch":
      return { results: await checkBatch(requests, timeoutMillis) };
    case "checkConcurrently":
      return { results: await Promise.all(requests.map((request) => check(request, timeoutMillis))) };
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

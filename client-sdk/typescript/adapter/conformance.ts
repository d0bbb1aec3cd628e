// Answers the conformance suite: a JSON object a line in, one a line out. See client-sdk/conformance/README.md.
import { once } from "node:events";
import { type IncomingMessage, request as requestOfHttp } from "node:http";
import type { AddressInfo } from "node:net";
import { createInterface } from "node:readline";
import express from "express";
import fastify from "fastify";
import {
  type Acknowledgement,
  AssizeClient,
  AssizeError,
  type Attribute,
  type AuditEvent,
  type CheckRequest,
  type CheckResult,
  type SearchResults,
} from "@assize/client";
import { assizeExpress } from "@assize/client/express";
import { assizeFastify } from "@assize/client/fastify";
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
  /** Behind the others stands a rule that lets everybody pass, whatever the path. */
  wide?: boolean;
}

/** One request to a service behind the middleware for Express, and one to the same behind the plugin for Fastify. */
async function door(request: Door): Promise<Json> {
  const express = await behindExpress(request);
  const fastify = await behindFastify(request);
  if (express["status"] !== fastify["status"] || express["decision"] !== fastify["decision"]) {
    throw new Error(`Express answers ${JSON.stringify(express)}, and Fastify ${JSON.stringify(fastify)}`);
  }
  return express;
}

async function behindExpress({ tenant, method, path, subject, wide }: Door): Promise<Json> {
  const app = express();
  app.set("strict routing", true);
  app.use(
    assizeExpress(opened(), {
      subject: (req) => req.get("x-verified-subject"),
      routes: {
        "GET /docs/:id": { action: "read", resource: "doc:{id}", tenant },
        "POST /docs/:id": { action: "write", resource: "doc:{id}", tenant },
        "GET /health": "public",
        ...(wide === true && { "GET /*rest": "public" }),
      },
      router: { strict: true },
    }),
  );
  app.use((_req, res) => void res.end());
  const service = app.listen(0, "127.0.0.1");
  await once(service, "listening");
  try {
    return await asked((service.address() as AddressInfo).port, method, path, subject);
  } finally {
    service.close();
  }
}

async function behindFastify({ tenant, method, path, subject, wide }: Door): Promise<Json> {
  const app = fastify({
    // What is no UTF-8 it refuses by itself, with 400 and before any plugin: here as the doors do.
    frameworkErrors: (_error, _request, reply) => {
      reply.raw.writeHead(403).end();
    },
  });
  await app.register(assizeFastify, { assize: opened(), subject: (req) => req.headers["x-verified-subject"] as string });
  const served = (): string => "";
  app.get("/docs/:id", { config: { assize: { action: "read", resource: "doc:{id}", tenant } } }, served);
  app.post("/docs/:id", { config: { assize: { action: "write", resource: "doc:{id}", tenant } } }, served);
  app.get("/health", { config: { assize: "public" } }, served);
  if (wide === true) {
    app.get("/*", { config: { assize: "public" } }, served);
  }
  await app.listen({ port: 0, host: "127.0.0.1" });
  try {
    return await asked((app.server.address() as AddressInfo).port, method, path, subject);
  } finally {
    await app.close();
  }
}

async function asked(port: number, method: string, path: string, subject: string | undefined): Promise<Json> {
  const headers = subject === undefined ? {} : { "x-verified-subject": subject };
  const request = requestOfHttp({ host: "127.0.0.1", port, method, path, headers, agent: false }).end();
  const [answered] = (await once(request, "response")) as [IncomingMessage];
  answered.resume();
  return { status: answered.statusCode, decision: answered.headers["assize-decision-id"] !== undefined };
}

interface Seek extends Json {
  seek: "subjects" | "resources" | "actions";
  request: Request;
  type?: string;
  limit?: number;
  cursor?: string;
  timeoutMillis?: number;
}

async function search(line: Seek): Promise<Json> {
  const names: string[] = [];
  try {
    const found = searched(line);
    for await (const name of found) {
      names.push(name);
    }
    return { names, wildcards: found.wildcards, truncated: found.truncated, cursor: found.cursor, failure: "" };
  } catch (failure) {
    return { names, wildcards: [], truncated: true, cursor: "", failure: codeOf(failure) };
  }
}

/** The part that is sought may stand in the request, so that the server can say that it must not. */
function searched({ seek, request, type = "", limit, cursor, timeoutMillis }: Seek): SearchResults {
  const options = { limit, cursor, timeoutMillis };
  const question: CheckRequest = { ...{ subject: "", resource: "", action: "" }, ...requestOf(request) };
  switch (seek) {
    case "subjects":
      return opened().searchSubjects(question, { ...options, type });
    case "resources":
      return opened().searchResources(question, { ...options, type });
    case "actions":
      return opened().searchActions(question, options);
  }
}

async function append(question: Json): Promise<Json> {
  const { tenant, events, idempotencyKey, timeoutMillis, acknowledgement: wanted } = question as {
    tenant: string;
    events: AuditEvent[];
    idempotencyKey?: string;
    timeoutMillis?: number;
    acknowledgement?: Acknowledgement;
  };
  try {
    const { entries, acknowledgement, spooled } = await opened().appendAudit(events.map(eventOf), {
      tenant,
      timeoutMillis,
      idempotencyKey: idempotencyKey === "" ? undefined : idempotencyKey,
      acknowledgement: wanted,
    });
    const receipts = entries.map(({ seq, entryHash }) => ({
      seq: Number(seq),
      entryHash: Buffer.from(entryHash).toString("hex"),
    }));
    const place = spooled && { spoolId: spooled.spoolId, number: Number(spooled.number) };
    return { receipts, acknowledgement, spooled: place ?? null, failure: "" };
  } catch (failure) {
    return { receipts: [], acknowledgement: "", spooled: null, failure: codeOf(failure) };
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
    case "search":
      return search(question as Seek);
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

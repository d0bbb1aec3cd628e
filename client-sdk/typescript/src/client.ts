import { randomUUID } from "node:crypto";
import { inspect } from "node:util";
import { create, toBinary } from "@bufbuild/protobuf";
import { judge } from "./answer.js";
import {
  type Acknowledgement,
  type AppendReceipt,
  type AuditEvent,
  type Execution,
  acknowledgementToWire,
  appendedEntry,
  eventToWire,
  parseReceipt,
} from "./audit.js";
import { Batching, type Questions } from "./batching.js";
import { DecisionCache, type Place, USE_APPROVAL } from "./cache.js";
import { Deadline } from "./deadline.js";
import { AssizeError, errorOf, errorOfStatus, malformedAnswer } from "./errors.js";
import {
  CheckAndAppendRequestSchema,
  CheckAndAppendResponseSchema,
  CheckBatchRequestSchema,
  CheckBatchResponseSchema,
  type CheckBatchResult,
  type CheckRequest as WireRequest,
  CheckRequestSchema,
  type CheckResponse,
  CheckResponseSchema,
} from "./gen/assize/v1/decision_service_pb.js";
import {
  ApprovalState,
  UseApprovalRequestSchema,
  UseApprovalResponseSchema,
} from "./gen/assize/v1/approval_service_pb.js";
import { AppendAuditRequestSchema } from "./gen/assize/v1/ledger_service_pb.js";
import { APPEND_AUDIT, CHECK, CHECK_AND_APPEND, CHECK_BATCH, USE_APPROVAL_METHOD, WATCH_POLICY } from "./methods.js";
import { parsed } from "./parsing.js";
import { type CheckRequest, type Defaults, isAboutThePast, isPlain, requestToWire } from "./request.js";
import { type CheckResult, DeniedError, type Obligation, failed } from "./result.js";
import { DEFAULT_RETRY, type RetryPolicy, retryRead, retryUnderKey } from "./retry.js";
import { ACTIONS, RESOURCES, type SearchKind, SearchResults, type Searched, SUBJECTS, pagesOf } from "./search.js";
import { NO_TRACING, type Tracing } from "./tracing.js";
import { type Headers, type TlsOptions, Transport, textOf } from "./transport.js";

const DEFAULT_TARGET = "127.0.0.1:7443";
const DEFAULT_CHECK_MILLIS = 1_000;
const DEFAULT_CALL_MILLIS = 10_000;
const DEFAULT_CACHE_ENTRIES = 10_000;

/** Carries out a duty that comes with an allow; where it throws, nothing is allowed. */
export type ObligationHandler = (obligation: Obligation, result: CheckResult) => unknown;

/** How a client reaches the server, and what it does by itself. */
export interface ClientOptions {
  /** `host:port`, or `unix:/path` of a socket; default `127.0.0.1:7443`. */
  readonly target?: string | undefined;
  /** The credential, `asz_<id>_<secret>`; else it is in `keyFile`, else in the variable `ASSIZE_KEY`. */
  readonly key?: string | undefined;
  readonly keyFile?: string | undefined;
  /** Without TLS: for a server on this machine, or behind a mesh that encrypts. The default is TLS. */
  readonly plaintext?: boolean | undefined;
  readonly tls?: TlsOptions | undefined;
  /** The tenant and the environment of calls that name none. */
  readonly tenant?: string | undefined;
  readonly env?: string | undefined;
  /** How long a check may take, all its tries together, before it is a deny; default 1,000. */
  readonly checkTimeoutMillis?: number | undefined;
  /** How long any other call may take; default 10,000. */
  readonly callTimeoutMillis?: number | undefined;
  /** Keeps answers while a stream confirms the policy they rest on; default off. Needs the permission `watch`. */
  readonly cache?: boolean | { readonly maxEntries: number } | undefined;
  /** Has checks that come while another is under way travel together; default off. */
  readonly batching?: boolean | undefined;
  /** Types of duties that the caller knows, with what carries them out when `enforce` or a door lets something pass. */
  readonly obligations?: Readonly<Record<string, ObligationHandler>> | undefined;
  /** Types of duties that the caller knows and carries out by itself, from the result. */
  readonly knownObligations?: readonly string[] | undefined;
  /**
   * Has `enforce`, and so the doors, use up the single-use approval that an allow rests on (`assize/use-approval`), for the
   * subject of the request, before it goes ahead: of two who try, one may.
   */
  readonly useApprovals?: boolean | undefined;
  readonly retry?: Partial<RetryPolicy> | undefined;
  /** Where spans are made; `openTelemetry()` of `@assize/client/opentelemetry`. */
  readonly tracing?: Tracing | undefined;
}

/** For one call. */
export interface CallOptions {
  readonly timeoutMillis?: number | undefined;
  /** Whoever waits for the answer has left. */
  readonly signal?: AbortSignal | undefined;
}

/** For one question whose duties are carried out. */
export interface EnforceOptions extends CallOptions {
  /** A duty that has no handler denies, too, instead of being left to the caller: so ask the doors. */
  readonly allHandled?: boolean | undefined;
}

/** For one append. */
export interface AppendOptions extends CallOptions {
  readonly tenant?: string | undefined;
  /** At most 128 bytes; random where it is left out. The same key appends the same events once. */
  readonly idempotencyKey?: string | undefined;
}

/** For one append of events. */
export interface AppendAuditOptions extends AppendOptions {
  /** With what the caller is content; default `IN_LEDGER`. Who calls again under a key asks for the same. */
  readonly acknowledgement?: Acknowledgement | undefined;
}

/** For one search. */
export interface SearchOptions extends CallOptions {
  /** Of names in all, behind which the search ends; 0, the default, for none. */
  readonly limit?: number | undefined;
  /** Of an earlier search for the same, to go on where that was truncated. */
  readonly cursor?: string | undefined;
}

/** For a search for subjects. */
export interface SubjectSearchOptions extends SearchOptions {
  /** Only subjects of this type. */
  readonly type?: string | undefined;
}

/** For a search for resources. */
export interface ResourceSearchOptions extends SearchOptions {
  /** The type of the resources, which is that of the last segment. */
  readonly type: string;
}

/** A request whose one part is sought. */
export type Seeking<Part extends "subject" | "resource" | "action"> = Omit<CheckRequest, Part | "explain">;

/** What services need of Assize: the client, or the fake of `@assize/client/fake`. */
export interface Assize {
  /**
   * Asks. Whatever goes wrong outside is a result that denies and says why; only a request that is malformed is thrown, as an
   * AssizeError with code `INVALID_ARGUMENT`.
   */
  check(request: CheckRequest, options?: CallOptions): Promise<CheckResult>;

  /**
   * Asks up to 1,000 requests of one tenant, decided against one revision: one result for each, in their order. A malformed
   * item is denied alone, with failure `INVALID_ARGUMENT`.
   */
  checkBatch(requests: readonly CheckRequest[], options?: CallOptions): Promise<CheckResult[]>;

  /** Asks, and has the duties of an allow carried out; throws a DeniedError for whatever is not allowed. */
  enforce(request: CheckRequest, options?: EnforceOptions): Promise<CheckResult>;

  /**
   * Asks and, where it is allowed, records what is done, as one step: of two calls that a separation of duty keeps apart, one
   * is denied. What the event has from the request must not differ from it, and its texts may be empty. While the outcome is
   * unknown it tries again under one idempotency key, until the deadline, and then denies: the same call with that key tells
   * what became of it.
   */
  checkAndAppend(request: CheckRequest, event: AuditEvent, options?: AppendOptions): Promise<Execution>;

  /**
   * Records 1 to 500 events together; returns when they are durable, in the ledger or, where `acknowledgement` is content with
   * that, on the disk of a sidecar. It tries again, under one idempotency key, until the deadline. Throws an AssizeError unless
   * the server has said that they are.
   */
  appendAudit(events: AuditEvent | readonly AuditEvent[], options?: AppendAuditOptions): Promise<AppendReceipt>;

  /** Finds whom a check would allow. What goes wrong is thrown while the names are read. */
  searchSubjects(request: Seeking<"subject">, options?: SubjectSearchOptions): SearchResults;

  /** Finds on which resources of a type a check would allow. */
  searchResources(request: Seeking<"resource">, options: ResourceSearchOptions): SearchResults;

  /** Finds what a check would allow. */
  searchActions(request: Seeking<"action">, options?: SearchOptions): SearchResults;

  /** Ends the connection; calls under way fail. */
  close(): void;
}

/** A connection to an Assize server, for one caller. Make one for each process, and close it at the end. */
export class AssizeClient implements Assize, Disposable {
  private readonly target: string;
  private readonly transport: Transport;
  private readonly questions: Questions;
  private readonly alone: Pick<Questions, "ask">;
  private readonly cache: DecisionCache | undefined;
  private readonly defaults: Defaults;
  private readonly handlers: ReadonlyMap<string, ObligationHandler>;
  private readonly known: ReadonlySet<string>;
  private readonly usesApprovals: boolean;
  private readonly retry: RetryPolicy;
  private readonly tracing: Tracing;
  private readonly checkMillis: number;
  private readonly callMillis: number;

  /** Connects with the first call. Throws where there is no key. */
  constructor(options: ClientOptions = {}) {
    this.target = options.target ?? DEFAULT_TARGET;
    this.transport = new Transport({
      target: this.target,
      key: keyOf(options),
      plaintext: options.plaintext ?? false,
      tls: options.tls,
    });
    this.defaults = { tenant: options.tenant ?? "", env: options.env ?? "" };
    this.handlers = new Map(Object.entries(options.obligations ?? {}));
    this.usesApprovals = options.useApprovals === true;
    this.known = new Set([
      ...this.handlers.keys(),
      ...(options.knownObligations ?? []),
      ...(this.usesApprovals ? [USE_APPROVAL] : []),
    ]);
    this.retry = { ...DEFAULT_RETRY, ...options.retry };
    this.tracing = options.tracing ?? NO_TRACING;
    this.checkMillis = options.checkTimeoutMillis ?? DEFAULT_CHECK_MILLIS;
    this.callMillis = options.callTimeoutMillis ?? DEFAULT_CALL_MILLIS;
    this.questions = {
      ask: (request, deadline, headers) => this.ask(request, deadline, headers),
      askTogether: (requests, deadline) => this.askTogether(requests, deadline),
    };
    this.alone = options.batching === true ? new Batching(this.questions) : this.questions;
    this.cache = cacheOf(options, this.transport);
  }

  async check(request: CheckRequest, options: CallOptions = {}): Promise<CheckResult> {
    const wire = requestToWire(request, this.defaults);
    const deadline = this.checkDeadline(options);
    const span = this.tracing.start("assize.check", { "assize.tenant": wire.tenant, "assize.action": wire.action });
    try {
      const result = await this.decide(wire, deadline, span.headers);
      span.end(attributesOf(result), result.error);
      return result;
    } catch (failure) {
      const error = errorOf(failure);
      span.end({ "assize.failure": error.code }, error);
      throw error;
    }
  }

  async checkBatch(requests: readonly CheckRequest[], options: CallOptions = {}): Promise<CheckResult[]> {
    const deadline = this.checkDeadline(options);
    const wires = requests.map((request) => this.wireOrError(request));
    const sound = wires.filter((wire): wire is WireRequest => !(wire instanceof AssizeError));
    const answers = await this.answersOf(sound, deadline);
    let next = 0;
    return wires.map((wire) => {
      if (wire instanceof AssizeError) {
        return failed(wire);
      }
      const answer = answers[next++] ?? malformedAnswer("the server gave fewer results than it was asked for");
      return answer instanceof AssizeError ? failed(answer) : judge(answer, isAboutThePast(wire), this.known);
    });
  }

  async enforce(request: CheckRequest, options: EnforceOptions = {}): Promise<CheckResult> {
    const result = await this.check(request, options);
    if (!result.allowed) {
      throw new DeniedError(result);
    }
    await carryOut(result, this.handlersFor(request), options.allHandled);
    return result;
  }

  async checkAndAppend(request: CheckRequest, event: AuditEvent, options: AppendOptions = {}): Promise<Execution> {
    const idempotencyKey = options.idempotencyKey ?? randomUUID();
    const check = requestToWire({ ...request, ...(options.tenant !== undefined && { tenant: options.tenant }) }, this.defaults);
    const bytes = toBinary(
      CheckAndAppendRequestSchema,
      create(CheckAndAppendRequestSchema, { check, event: eventToWire(event, check.env), idempotencyKey }),
    );
    const deadline = Deadline.after(options.timeoutMillis ?? this.callMillis, options.signal);
    const span = this.tracing.start("assize.check_and_append", { "assize.tenant": check.tenant });
    try {
      const answer = await retryUnderKey(this.retry, deadline, (left) =>
        this.transport.call(CHECK_AND_APPEND, bytes, left, span.headers),
      );
      const execution = this.executionOf(answer, idempotencyKey);
      span.end(attributesOf(execution.result), execution.result.error);
      return execution;
    } catch (failure) {
      const error = errorOf(failure);
      error.idempotencyKey = idempotencyKey;
      span.end({ "assize.failure": error.code }, error);
      return { result: failedUnlessMalformed(error), entry: undefined, replayed: false, idempotencyKey };
    }
  }

  async appendAudit(
    events: AuditEvent | readonly AuditEvent[],
    options: AppendAuditOptions = {},
  ): Promise<AppendReceipt> {
    const list = isList(events) ? events : [events];
    const asked = options.acknowledgement ?? "IN_LEDGER";
    const idempotencyKey = options.idempotencyKey ?? randomUUID();
    const tenant = options.tenant ?? this.defaults.tenant;
    const bytes = toBinary(
      AppendAuditRequestSchema,
      create(AppendAuditRequestSchema, {
        tenant,
        idempotencyKey,
        events: list.map((event) => eventToWire(event, this.defaults.env)),
        acknowledgement: acknowledgementToWire(asked),
      }),
    );
    const deadline = Deadline.after(options.timeoutMillis ?? this.callMillis, options.signal);
    const span = this.tracing.start("assize.append_audit", { "assize.tenant": tenant, "assize.events": list.length });
    try {
      const receipt = await retryUnderKey(this.retry, deadline, async (left) => {
        const answer = await this.transport.call(APPEND_AUDIT, bytes, left, span.headers);
        return parseReceipt(answer, list.length, idempotencyKey, asked);
      });
      span.end({ "assize.replayed": receipt.replayed });
      return receipt;
    } catch (failure) {
      const error = errorOf(failure);
      error.idempotencyKey = idempotencyKey;
      span.end({ "assize.failure": error.code }, error);
      throw error;
    }
  }

  searchSubjects(request: Seeking<"subject">, options: SubjectSearchOptions = {}): SearchResults {
    return this.search(SUBJECTS, { subject: "", ...request }, options, options.type);
  }

  searchResources(request: Seeking<"resource">, options: ResourceSearchOptions): SearchResults {
    return this.search(RESOURCES, { resource: "", ...request }, options, options.type);
  }

  searchActions(request: Seeking<"action">, options: SearchOptions = {}): SearchResults {
    return this.search(ACTIONS, { action: "", ...request }, options);
  }

  close(): void {
    this.cache?.close();
    this.transport.close();
  }

  /** For logs: where it asks, and nothing of how. */
  toJSON(): { readonly target: string; readonly tenant: string; readonly env: string } {
    return { target: this.target, ...this.defaults };
  }

  toString(): string {
    return `AssizeClient ${JSON.stringify(this)}`;
  }

  [inspect.custom](): string {
    return this.toString();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  private search(kind: SearchKind, request: CheckRequest, options: SearchOptions, type = ""): SearchResults {
    const check = requestToWire(request, this.defaults);
    const { limit = 0, cursor = "", timeoutMillis = this.callMillis, signal } = options;
    const wanted = {
      kind,
      request: kind.ask(check, { type, limit, cursor }),
      tenant: check.tenant,
      deadline: () => Deadline.after(timeoutMillis, signal),
    };
    const searched: Searched = {
      retry: this.retry,
      tracing: this.tracing,
      stream: (path, bytes, deadline, headers) => this.transport.stream(path, bytes, deadline, headers),
    };
    return new SearchResults(() => pagesOf(wanted, searched));
  }

  private executionOf(bytes: Uint8Array, idempotencyKey: string): Execution {
    const { response, entry, replayed } = parsed(CheckAndAppendResponseSchema, bytes);
    const result = judge(response ?? create(CheckResponseSchema), false, this.known);
    if (result.allowed && entry === undefined) {
      throw malformedAnswer("the server allowed without an entry");
    }
    return { result, entry: entry && appendedEntry(entry), replayed, idempotencyKey };
  }

  private handlersFor(request: CheckRequest): ReadonlyMap<string, ObligationHandler> {
    return this.usesApprovals && !this.handlers.has(USE_APPROVAL)
      ? new Map([...this.handlers, [USE_APPROVAL, (_duty, result) => this.useUp(request, result)]])
      : this.handlers;
  }

  private async useUp(request: CheckRequest, { approvalId }: CheckResult): Promise<void> {
    const bytes = toBinary(
      UseApprovalRequestSchema,
      create(UseApprovalRequestSchema, {
        tenant: request.tenant ?? this.defaults.tenant,
        approvalId,
        idempotencyKey: randomUUID(),
        subject: request.subject,
      }),
    );
    const answer = await retryUnderKey(this.retry, Deadline.after(this.callMillis), (left) =>
      this.transport.call(USE_APPROVAL_METHOD, bytes, left),
    );
    if (parsed(UseApprovalResponseSchema, answer).approval?.state !== ApprovalState.USED) {
      throw malformedAnswer("the approval is not used up");
    }
  }

  /** From what is kept, or from the server. Throws only what is the caller's own fault. */
  private async decide(wire: WireRequest, deadline: Deadline, headers: Headers): Promise<CheckResult> {
    const place = this.placeOf(wire);
    const kept = place && this.cache?.find(place);
    if (kept !== undefined) {
      return kept;
    }
    try {
      const server = isPlain(wire) ? this.alone : this.questions;
      const answer = await server.ask(wire, deadline, headers);
      const result = judge(answer, isAboutThePast(wire), this.known);
      if (place !== undefined) {
        this.cache?.keep(place, result);
      }
      return result;
    } catch (failure) {
      return failedUnlessMalformed(failure);
    }
  }

  private placeOf(wire: WireRequest): Place | undefined {
    return this.cache !== undefined && isPlain(wire)
      ? this.cache.place(wire.tenant, toBinary(CheckRequestSchema, wire))
      : undefined;
  }

  private async ask(wire: WireRequest, deadline: Deadline, headers: Headers): Promise<CheckResponse> {
    const bytes = toBinary(CheckRequestSchema, wire);
    const answer = await retryRead(this.retry, deadline, (left) => this.transport.call(CHECK, bytes, left, headers));
    return parsed(CheckResponseSchema, answer);
  }

  /** One answer or error for each, in their order. */
  private async askTogether(
    wires: readonly WireRequest[],
    deadline: Deadline,
  ): Promise<(CheckResponse | AssizeError)[]> {
    const tenant = wires[0]?.tenant ?? "";
    const request = create(CheckBatchRequestSchema, { tenant, items: [...wires] });
    const bytes = toBinary(CheckBatchRequestSchema, request);
    const span = this.tracing.start("assize.check_batch", { "assize.tenant": tenant, "assize.items": wires.length });
    try {
      const answer = await retryRead(this.retry, deadline, (left) =>
        this.transport.call(CHECK_BATCH, bytes, left, span.headers),
      );
      const answers = parseBatch(answer, wires.length);
      span.end({});
      return answers;
    } catch (failure) {
      const error = errorOf(failure);
      span.end({ "assize.failure": error.code }, error);
      throw error;
    }
  }

  private async answersOf(wires: readonly WireRequest[], deadline: Deadline): Promise<(CheckResponse | AssizeError)[]> {
    if (wires.length === 0) {
      return [];
    }
    try {
      return await this.askTogether(wires, deadline);
    } catch (failure) {
      const error = errorOf(failure);
      if (error.code === "INVALID_ARGUMENT") {
        throw error;
      }
      return wires.map(() => error);
    }
  }

  private wireOrError(request: CheckRequest): WireRequest | AssizeError {
    try {
      return requestToWire(request, this.defaults);
    } catch (malformed) {
      return errorOf(malformed);
    }
  }

  private checkDeadline({ timeoutMillis, signal }: CallOptions): Deadline {
    return Deadline.after(timeoutMillis ?? this.checkMillis, signal);
  }
}

/** Has the duties of an allow carried out; throws a DeniedError where one cannot be. */
export async function carryOut(
  result: CheckResult,
  handlers: ReadonlyMap<string, ObligationHandler>,
  allHandled = false,
): Promise<void> {
  const unhandled = result.obligations.find(({ type }) => !handlers.has(type));
  if (allHandled && unhandled !== undefined) {
    const message = `Denied, because nothing carries out the duty \`${unhandled.type}\``;
    throw new DeniedError({ ...result, allowed: false, failure: "UNKNOWN_OBLIGATION", message });
  }
  for (const obligation of result.obligations) {
    try {
      await handlers.get(obligation.type)?.(obligation, result);
    } catch (failure) {
      const message = `Denied, because the duty \`${obligation.type}\` was not carried out`;
      throw new DeniedError({ ...result, allowed: false, failure: "INTERNAL", message, error: errorOf(failure) });
    }
  }
}

function failedUnlessMalformed(failure: unknown): CheckResult {
  const error = errorOf(failure);
  if (error.code === "INVALID_ARGUMENT") {
    throw error;
  }
  return failed(error);
}

function parseBatch(bytes: Uint8Array, expected: number): (CheckResponse | AssizeError)[] {
  const { results } = parsed(CheckBatchResponseSchema, bytes);
  if (results.length !== expected) {
    throw malformedAnswer(`the server gave ${String(results.length)} results for ${String(expected)} requests`);
  }
  return results.map(itemOf);
}

function itemOf({ result }: CheckBatchResult): CheckResponse | AssizeError {
  switch (result.case) {
    case "response":
      return result.value;
    case "error":
      return errorOfStatus(result.value);
    case undefined:
      return malformedAnswer("the server gave an empty result");
  }
}

function attributesOf({ allowed, reason, failure, cached }: CheckResult): Record<string, string | boolean> {
  return {
    "assize.allowed": allowed,
    "assize.cached": cached,
    ...(reason !== "" && { "assize.reason": reason }),
    ...(failure !== "" && { "assize.failure": failure }),
  };
}

function keyOf({ key, keyFile }: ClientOptions): string {
  const found = key ?? (keyFile === undefined ? process.env["ASSIZE_KEY"] : textOf(keyFile));
  if (found === undefined || !/^[\x21-\x7e]+$/.test(found)) {
    throw new Error("no key of Assize: expected `asz_<id>_<secret>` in `key`, in `keyFile` or in ASSIZE_KEY");
  }
  return found;
}

function cacheOf({ cache }: ClientOptions, transport: Transport): DecisionCache | undefined {
  if (cache === undefined || cache === false) {
    return undefined;
  }
  const maxEntries = cache === true ? DEFAULT_CACHE_ENTRIES : cache.maxEntries;
  return new DecisionCache(maxEntries, (request) => transport.listen(WATCH_POLICY, request));
}

function isList(events: AuditEvent | readonly AuditEvent[]): events is readonly AuditEvent[] {
  return Array.isArray(events);
}

/**
 * Assize in memory, for tests of services that ask it.
 *
 * @module
 */
import { createHash, randomUUID } from "node:crypto";
import {
  type AppendReceipt,
  type AuditEvent,
  type Execution,
  acknowledgementToWire,
  eventToWire,
  receiptInLedger,
  receiptInSpool,
} from "./audit.js";
import {
  type AppendAuditOptions,
  type AppendOptions,
  type Assize,
  type EnforceOptions,
  type ObligationHandler,
  type ResourceSearchOptions,
  type SearchOptions,
  type Seeking,
  type SubjectSearchOptions,
  carryOut,
} from "./client.js";
import { AssizeError } from "./errors.js";
import { type CheckRequest, requestToWire } from "./request.js";
import { type SearchedPage, SearchResults } from "./search.js";
import { type CheckResult, DeniedError, type Failure, type Obligation, denied } from "./result.js";

/** What a rule of the fake covers: requests that are equal in every member it names. */
export type FakeRule = Partial<Pick<CheckRequest, "subject" | "resource" | "action" | "tenant" | "env" | "onBehalfOf">>;

/** An event that was appended, and the tenant in whose ledger. */
export interface FakeEntry {
  readonly tenant: string;
  readonly event: AuditEvent;
}

/** What the fake answers with. */
export interface FakeOptions {
  readonly tenant?: string;
  readonly env?: string;
  readonly obligations?: Readonly<Record<string, ObligationHandler>>;
  readonly knownObligations?: readonly string[];
}

interface Kept {
  readonly content: string;
  readonly receipt: AppendReceipt;
}

/**
 * Denies what no rule allows. A deny outweighs every allow, as in a policy. It takes and refuses the same arguments as the
 * client, and records what was asked and appended.
 */
export class FakeAssize implements Assize {
  /** What was asked, in its order. */
  readonly checks: CheckRequest[] = [];

  /** What was appended, in its order. */
  readonly entries: FakeEntry[] = [];

  private readonly allows: { readonly rule: FakeRule; readonly obligations: readonly Obligation[] }[] = [];
  private readonly denies: { readonly rule: FakeRule; readonly reason: string }[] = [];
  private readonly handlers: ReadonlyMap<string, ObligationHandler>;
  private readonly known: ReadonlySet<string>;
  private readonly appended = new Map<string, Kept>();
  private failure: Failure | undefined;
  private spooling = false;
  private spooled = 0n;

  constructor(private readonly options: FakeOptions = {}) {
    this.handlers = new Map(Object.entries(options.obligations ?? {}));
    this.known = new Set([...this.handlers.keys(), ...(options.knownObligations ?? [])]);
  }

  /** Allows what the rule covers; an empty rule covers everything. */
  allow(rule: FakeRule = {}, ...obligations: readonly Obligation[]): this {
    this.allows.push({ rule, obligations });
    return this;
  }

  /** Denies what the rule covers, whatever allows it. */
  deny(rule: FakeRule = {}, reason = "EXPLICIT_DENY"): this {
    this.denies.push({ rule, reason });
    return this;
  }

  /** From now on there is no answer, and nothing is appended; undefined ends it. */
  fail(failure: Failure | undefined): this {
    this.failure = failure;
    return this;
  }

  /** Is a sidecar from now on: who is content with its spool is answered when the events are there. */
  spool(): this {
    this.spooling = true;
    return this;
  }

  // eslint-disable-next-line @typescript-eslint/require-await -- what is malformed rejects, as it does in the client
  async check(request: CheckRequest): Promise<CheckResult> {
    requestToWire(request, this.defaults);
    this.checks.push(request);
    return this.answer({ ...request, ...this.placeOf(request) });
  }

  async checkBatch(requests: readonly CheckRequest[]): Promise<CheckResult[]> {
    return Promise.all(requests.map((request) => this.check(request).catch(malformed)));
  }

  async enforce(request: CheckRequest, options: EnforceOptions = {}): Promise<CheckResult> {
    const result = await this.check(request);
    if (!result.allowed) {
      throw new DeniedError(result);
    }
    await carryOut(result, this.handlers, options.allHandled);
    return result;
  }

  async checkAndAppend(request: CheckRequest, event: AuditEvent, options: AppendOptions = {}): Promise<Execution> {
    const idempotencyKey = options.idempotencyKey ?? randomUUID();
    const result = await this.check({ ...request, ...(options.tenant !== undefined && { tenant: options.tenant }) });
    if (!result.allowed) {
      return { result, entry: undefined, replayed: false, idempotencyKey };
    }
    const { subject: actor, action, resource } = request;
    const done = { ...event, actor, action, resource };
    const { entries, replayed } = await this.appendAudit(done, { ...this.placeOf(request), ...options, idempotencyKey });
    return { result, entry: entries[0], replayed, idempotencyKey };
  }

  // eslint-disable-next-line @typescript-eslint/require-await -- what is malformed rejects, as it does in the client
  async appendAudit(
    events: AuditEvent | readonly AuditEvent[],
    options: AppendAuditOptions = {},
  ): Promise<AppendReceipt> {
    const list = [events].flat();
    const { acknowledgement = "IN_LEDGER" } = options;
    acknowledgementToWire(acknowledgement);
    const idempotencyKey = options.idempotencyKey ?? randomUUID();
    const tenant = options.tenant ?? this.defaults.tenant;
    const content = JSON.stringify(
      list.map((event) => eventToWire(event, this.defaults.env)),
      (_name, value: unknown) => (typeof value === "bigint" ? String(value) : value),
    );
    if (this.failure !== undefined) {
      throw this.errorOf(this.failure, idempotencyKey);
    }
    const known = this.appended.get(`${tenant} ${idempotencyKey}`);
    if (known !== undefined) {
      return this.replay(known, content, idempotencyKey);
    }
    const entries = list.map((event) => this.append(tenant, event));
    const receipt =
      this.spooling && acknowledgement === "SPOOLED"
        ? receiptInSpool({ spoolId: "fake", number: ++this.spooled }, false, idempotencyKey)
        : receiptInLedger(entries, false, idempotencyKey);
    this.appended.set(`${tenant} ${idempotencyKey}`, { content, receipt });
    return receipt;
  }

  /** Finds the subjects that its rules name, and would be allowed. */
  searchSubjects(request: Seeking<"subject">, options: SubjectSearchOptions = {}): SearchResults {
    return this.search("subject", { subject: "", ...request }, options, (name) => isOf(options.type ?? "", name));
  }

  searchResources(request: Seeking<"resource">, options: ResourceSearchOptions): SearchResults {
    const { type } = options;
    return this.search("resource", { resource: "", ...request }, options, (name) =>
      isOf(type, name.slice(name.lastIndexOf("/") + 1)),
    );
  }

  searchActions(request: Seeking<"action">, options: SearchOptions = {}): SearchResults {
    return this.search("action", { action: "", ...request }, options, () => true);
  }

  close(): void {
    this.fail("UNAVAILABLE");
  }

  private search(
    part: "subject" | "resource" | "action",
    request: CheckRequest,
    { limit = 0, cursor = "" }: SearchOptions,
    isWanted: (name: string) => boolean,
  ): SearchResults {
    requestToWire(request, this.defaults);
    const asked = { ...request, ...this.placeOf(request) };
    return new SearchResults(() => onePage(() => this.pageOf(part, asked, limit, cursor, isWanted)));
  }

  private pageOf(
    part: "subject" | "resource" | "action",
    request: CheckRequest,
    limit: number,
    cursor: string,
    isWanted: (name: string) => boolean,
  ): SearchedPage {
    if (this.failure !== undefined) {
      throw new AssizeError(codeOf(this.failure), "the fake was told to fail");
    }
    const allows = (name: string | undefined): boolean => {
      const sought = { ...request, [part]: name };
      return (
        !this.denies.some(({ rule }) => covers(rule, sought)) && this.allows.some(({ rule }) => covers(rule, sought))
      );
    };
    const named = this.allows.map(({ rule }) => rule[part]).filter((name) => name !== undefined);
    const all = [...new Set(named)].sort().filter((name) => name > cursor && isWanted(name) && allows(name));
    const names = limit > 0 ? all.slice(0, limit) : all;
    const truncated = names.length < all.length;
    return {
      names,
      wildcards: part === "subject" && allows(undefined) ? ["*"] : [],
      cursor: truncated ? (names.at(-1) ?? "") : "",
      truncated,
    };
  }

  private get defaults(): { readonly tenant: string; readonly env: string } {
    return { tenant: this.options.tenant ?? "", env: this.options.env ?? "" };
  }

  private placeOf(request: CheckRequest): { readonly tenant: string; readonly env: string } {
    return { tenant: request.tenant ?? this.defaults.tenant, env: request.env ?? this.defaults.env };
  }

  private answer(request: CheckRequest): CheckResult {
    if (this.failure !== undefined) {
      return denied(this.failure, "Denied, because the fake was told to fail");
    }
    const decisionId = randomUUID();
    const deny = this.denies.find(({ rule }) => covers(rule, request));
    if (deny !== undefined) {
      return { ...denied("", `Denied: ${deny.reason}`), decision: "DENY", reason: deny.reason, decisionId };
    }
    const allow = this.allows.find(({ rule }) => covers(rule, request));
    if (allow === undefined) {
      return { ...denied("", "Denied: NO_GRANT"), decision: "DENY", reason: "NO_GRANT", decisionId };
    }
    return this.allowed(request, allow.obligations, decisionId);
  }

  private allowed(request: CheckRequest, obligations: readonly Obligation[], decisionId: string): CheckResult {
    const answer = { decision: "ALLOW", reason: "ALLOWED", obligations, decisionId } as const;
    if (request.asOf !== undefined || (request.atRevision ?? 0n) !== 0n) {
      const past = denied("HISTORICAL", "Denied, because the answer is about the past");
      return { ...past, ...answer, historical: true };
    }
    if (obligations.some(({ type }) => !this.known.has(type))) {
      return { ...denied("UNKNOWN_OBLIGATION", "Denied, because the allow comes with an unknown duty"), ...answer };
    }
    return { ...denied("", "Allowed"), ...answer, allowed: true };
  }

  private append(tenant: string, event: AuditEvent): AppendReceipt["entries"][number] {
    const seq = BigInt(this.entries.filter((it) => it.tenant === tenant).length);
    this.entries.push({ tenant, event });
    const entryHash = createHash("sha256").update(`${tenant} ${String(seq)}`).digest();
    return { seq, entryHash, recordedAt: new Date() };
  }

  private replay({ content, receipt }: Kept, again: string, idempotencyKey: string): AppendReceipt {
    if (content !== again) {
      const details = { reason: "IDEMPOTENCY_KEY_REUSED" };
      const error = new AssizeError("ALREADY_EXISTS", "the key was used with other events", details);
      error.idempotencyKey = idempotencyKey;
      throw error;
    }
    return { ...receipt, replayed: true };
  }

  private errorOf(failure: Failure, idempotencyKey: string): AssizeError {
    const error = new AssizeError(codeOf(failure), "the fake was told to fail");
    error.idempotencyKey = idempotencyKey;
    return error;
  }
}

function codeOf(failure: Failure): AssizeError["code"] {
  const codes: Partial<Record<Failure, AssizeError["code"]>> = {
    UNSPECIFIED_DECISION: "UNKNOWN",
    UNKNOWN_OBLIGATION: "UNKNOWN",
    HISTORICAL: "UNKNOWN",
  };
  return codes[failure] ?? (failure as AssizeError["code"]);
}

// eslint-disable-next-line @typescript-eslint/require-await -- as the client's, it fails where it is read
async function* onePage(page: () => SearchedPage): AsyncGenerator<SearchedPage, void, undefined> {
  yield page();
}

function isOf(type: string, name: string): boolean {
  return type === "" || name === type || name.startsWith(`${type}:`);
}

function covers(rule: FakeRule, request: CheckRequest): boolean {
  return Object.entries(rule).every(([name, value]) => request[name as keyof FakeRule] === value);
}

function malformed(failure: unknown): CheckResult {
  if (failure instanceof AssizeError) {
    return denied("INVALID_ARGUMENT", `Denied, because there was no answer: ${failure.message}`, failure);
  }
  throw failure;
}
